// A write on its way: what a lane runs, and whom it tells.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "writes/operation.hpp"
#include "writes/reply.hpp"

namespace tenon::writes {

// The signature that a request came with (safeguards/signature), for the database to take its nonce into use.
struct SignedBy {
  std::string user;  // whose key it is: the caller, whoever the work is done for
  Uuid nonce;        // signature::nonce_claim
  Uuid attempt;  // drawn for each request that arrives: tells this node's own second sending from anybody else's copy
  Uuid key;
  Instant created;
};

// Who asked, under which key. Every write has a key; where the client sent none the node made one, so that it can find
// out by itself what became of a command whose answer was lost.
struct Envelope {
  Uuid claim;  // of (scope, user, key): safeguards/idempotency/key.hpp
  std::string scope;
  std::string user;
  std::string key;
  Digest fingerprint{};
  std::int32_t lifetime_seconds = 60;
  std::string role;
  std::string request_id;
  std::optional<SignedBy> signature = {};
};

// Shared by the coroutine that waits and the lane that runs it: either may be done with it first (a deadline).
struct Command {
  Call call;
  Envelope envelope;  // of a write; unused for a read
  Monotonic deadline;

  // Set by the submitter before the lane sees it.
  boost::asio::io_context* origin = nullptr;  // `done` runs there
  std::move_only_function<void()> done;       // called once, after `outcome` is set

  // The lane's.
  Result<Reply> outcome{Reply{}};
  bool answered = false;   // `outcome` is set and `done` taken; whatever comes later is dropped
  bool uncertain = false;  // was sent once and no answer came: it may have run
  bool alone = false;      // collided or failed in a batch: runs in a transaction of its own
  int attempts = 0;
};

}  // namespace tenon::writes
