// A route: one line that says what a request is, who may send it, and which safeguards stand before it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "encoding/json.hpp"
#include "encoding/query_string.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/precondition/token.hpp"
#include "writes/operation.hpp"

namespace tenon::service {

enum class Need : std::uint8_t { none, optional, required };

// What a route asks of a request before its handler sees it. Every member is read by one stage of the chain
// (chain.cpp).
struct Policy {
  std::string_view scope = {};  // of the Idempotency-Key; writes have one, reads do not
  Need key = Need::none;
  Need precondition = Need::none;
  safeguards::Roles roles = {};         // any of them; empty: anybody, without a token
  Need signature = Need::optional;      // RFC 9421; only where `roles` asks for a caller, whose key it is
  std::string_view address_limit = {};  // names of limits; charged to the client's address,
  std::string_view user_limit = {};     // and to the user (to the address where no user is known)
  bool query = false;  // takes query parameters: its handler says which (check_query); else any is refused

  [[nodiscard]] bool takes_signature() const noexcept { return signature != Need::none && !roles.empty(); }
};

struct Exchange;

// What a handler is given: everything already parsed and allowed. Views live until the handler returns.
struct Incoming {
  const http::Request& request;
  const http::PathParameters& path;
  const QueryParameters& query;
  const json::Value* body;  // null for methods without one
  const safeguards::Caller& caller;
  const safeguards::Precondition& precondition;
  const Exchange* exchange = nullptr;  // for Service::handle_idempotent
};

// Pure: from a request to what it asks of the database, or to the reason why not. No I/O, no clock.
using CallHandler = std::function<Result<writes::Call>(const Incoming&)>;

class Service;

// Where a handler runs: on the request's own io_context, for that service.
struct Here {
  boost::asio::io_context& context;
  Service& service;
};

// For what is not one call: answers by itself, by Service::handle_idempotent for one.
using DirectHandler = std::function<boost::asio::awaitable<http::Response>(Here here, const Incoming&)>;

struct Route {
  http::Method method;
  std::string pattern;
  Policy policy;
  std::variant<CallHandler, DirectHandler> handler;
};

// For the table's readers: the roles as it names them.
namespace roles {
inline constexpr safeguards::Roles anybody{};
inline constexpr safeguards::Roles authenticated =
    safeguards::Role::authenticated | safeguards::Role::staff | safeguards::Role::admin | safeguards::Role::auditor;
inline constexpr safeguards::Roles staff = safeguards::Role::staff | safeguards::Role::admin;
inline constexpr safeguards::Roles admin = safeguards::Role::admin;
inline constexpr safeguards::Roles auditor = safeguards::Role::auditor | safeguards::Role::admin;
}  // namespace roles

}  // namespace tenon::service
