// The stage of the chain that judges a request's signature (safeguards/signature).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "service/chain.hpp"

namespace tenon::service {

// What is said without a key: signature_missing, signature_malformed, signature_incomplete, content_digest_mismatch,
// signature_expired. A Content-Digest is checked on an unsigned request too. exchange.presented is set when there is a
// signature to be judged.
[[nodiscard]] std::optional<Problem> read_presented(const Guards& guards, Exchange& exchange);

// signature_invalid, or what keeps the key from being read. Sets exchange.signature. Only when `presented` is set.
[[nodiscard]] boost::asio::awaitable<std::optional<Problem>> judge_presented(const Guards& guards, Exchange& exchange);

}  // namespace tenon::service
