// For work that is not a single SQL operation: a coroutine that is handed the open transaction.
#pragma once

#include <string>
#include <utility>

#include "postgres/connection.hpp"
#include "service/service.hpp"
#include "writes/reply.hpp"

namespace tenon {

using service::Here;
using service::Incoming;
using Reply = writes::Reply;
using Execute = writes::Execute;
using IdempotentOptions = service::Service::IdempotentOptions;

// From a DirectHandler: what `execute` does takes effect at most once per (scope, user, Idempotency-Key); its reply is
// stored in the very transaction that it was handed, and a retry gets the stored answer. It may be called several
// times, after a deadlock say or a lost connection: each time in a transaction of its own, of which at most one
// commits. So it does nothing outside of its transaction (sends no mail, counts no call), and does not use up what it
// captured (moves nothing out of it). `in` lives until it returns; see Service::handle_idempotent for refusals.
[[nodiscard]] inline boost::asio::awaitable<http::Response> handle_idempotent(Here here, const Incoming& in,
                                                                              std::string user_id, Execute execute,
                                                                              IdempotentOptions options) {
  return here.service.handle_idempotent(here.context, in, std::move(user_id), std::move(execute), options);
}

}  // namespace tenon
