#include "support/api.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

#include "encoding/json.hpp"

namespace tenon::test {
namespace {

const json::Value* step(const json::Value& value, std::string_view name) {
  if (value.object() != nullptr) return json::find(*value.object(), name);
  if (value.array() == nullptr) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool good = error == std::errc() && end == name.data() + name.size() && index < value.array()->size();
  return good ? &(*value.array())[index] : nullptr;
}

std::string shown(const json::Value& value) {
  if (const auto* text = value.string()) return *text;
  if (const auto* number = value.number()) return number->text;
  if (const auto* flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto* array = value.array()) return "[" + std::to_string(array->size()) + "]";
  return value.is_null() ? "null" : "{…}";
}

void make_room_for_descriptors(std::size_t sockets) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = sockets + 200;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string bytes_of(const ApiCall& call) {
  std::string bytes = call.method + " " + call.path + " HTTP/1.1\r\nHost: localhost\r\n";
  const auto add = [&bytes](std::string_view name, std::string_view value) {
    bytes.append(name).append(": ").append(value).append("\r\n");
  };
  if (!call.token.empty()) add("Authorization", "Bearer " + call.token);
  if (!call.key.empty()) add("Idempotency-Key", call.key);
  bool typed = false;
  for (const auto& [name, value] : call.headers) {
    typed = typed || name == "Content-Type";
    add(name, value);
  }
  if (!call.body.empty() && !typed) add("Content-Type", "application/json");
  if (!call.body.empty() || call.method == "POST" || call.method == "PATCH") {
    add("Content-Length", std::to_string(call.body.size()));
  }
  return bytes + "\r\n" + call.body;
}

std::vector<RawResponse> send_all(std::uint16_t port, const std::vector<ApiCall>& calls,
                                  std::chrono::milliseconds patience) {
  make_room_for_descriptors(calls.size());
  std::deque<RawClient> clients;
  for (std::size_t i = 0; i < calls.size(); ++i) clients.emplace_back(port, patience);
  for (std::size_t i = 0; i < calls.size(); ++i) clients[i].send(bytes_of(calls[i]));
  std::vector<RawResponse> answers;
  for (RawClient& client : clients) answers.push_back(client.read());
  return answers;
}

std::string at(std::string_view json, std::string_view path) {
  const auto document = json::parse(json);
  if (!document) return "(not JSON)";
  const json::Value* value = &*document;
  while (!path.empty() && value != nullptr) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    value = step(*value, name);
  }
  return value == nullptr ? "(nothing)" : shown(*value);
}

std::string code_of(const RawResponse& response) { return at(response.body, "code"); }

std::string lasting_part(const RawResponse& response) {
  static const std::set<std::string> passing{"Date", "X-Request-Id", "Idempotency-Status"};
  std::string text = std::to_string(response.status) + "\n";
  for (const auto& [name, value] : response.headers) {
    if (!passing.contains(name) && name.find("RateLimit") == std::string::npos) text += name + ": " + value + "\n";
  }
  return text + "\n" + response.body;
}

}  // namespace tenon::test
