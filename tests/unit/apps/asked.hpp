// A handler asked with a body, as the chain would ask it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/route.hpp"

namespace tenon::test {

inline constexpr std::string_view some_id = "01890000-0000-7000-8000-000000000001";

// A JSON object as a list of its members, so that a test can change one of them.
using Members = std::vector<std::pair<std::string, std::string>>;

// `value` empty: without the member.
[[nodiscard]] inline Members changed(Members members, const std::string& name, const std::string& value) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  if (!value.empty()) members.emplace_back(name, value);
  return members;
}

[[nodiscard]] inline std::string object_of(const Members& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) text += (text.size() == 1 ? "\"" : ",\"") + name + "\":" + value;
  return text + "}";
}

struct Asked {
  std::string code;  // of the refusal; empty: a call was made
  std::vector<Violation> violations;
  std::string arguments;
  std::string_view role = {};  // what the call's answer takes to be shown
};

// `handler` takes (operations, incoming).
template <class Operations, class Handler>
[[nodiscard]] Asked ask(Handler handler, const std::string& body, const std::string& query = {},
                        safeguards::Caller caller = {.user = "u1", .roles = safeguards::Role::authenticated}) {
  static const Operations operations;
  const http::Request request;
  const http::PathParameters path{std::string(some_id)};
  const auto parameters = parse_query(query);
  std::optional<json::Value> value;
  if (!body.empty()) {
    auto parsed = json::parse(body);
    EXPECT_TRUE(parsed) << body;
    if (parsed) value = std::move(*parsed);
  }
  const safeguards::Precondition precondition;
  const service::Incoming in{.request = request,
                             .path = path,
                             .query = *parameters,
                             .body = value ? &*value : nullptr,
                             .caller = caller,
                             .precondition = precondition};
  const Result<writes::Call> call = handler(operations, in);
  if (!call) {
    return {
        .code = std::string(kind_of(call.error().code).code), .violations = call.error().violations, .arguments = {}};
  }
  const auto* arguments = std::get_if<std::string>(&call->arguments.front());
  return {.code = {}, .violations = {}, .arguments = arguments == nullptr ? "" : *arguments, .role = call->role};
}

}  // namespace tenon::test
