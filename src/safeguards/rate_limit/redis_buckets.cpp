#include "safeguards/rate_limit/redis_buckets.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/bytes.hpp"
#include "safeguards/bucket_script.hpp"
#include "safeguards/heartbeat_script.hpp"

namespace tenon::safeguards {
namespace {

namespace asio = boost::asio;
using redis::Reply;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t numbers_per_decision = 9;
constexpr std::size_t arguments_per_bucket = 8;

[[nodiscard]] std::string remembered_text(const SharedRequest& request) {
  if (!request.remembers) return {};
  const BucketState& state = request.remembered;
  return std::to_string(state.full_at) + ' ' + std::to_string(state.blocked_until) + ' ' +
         std::to_string(state.refused_at) + ' ' + std::to_string(state.level);
}

void add_arguments(std::vector<std::string>& arguments, const SharedRequest& request) {
  const BucketRequest& bucket = request.bucket;
  arguments.push_back(std::to_string(bucket.rate.token_microseconds()));
  arguments.push_back(std::to_string(bucket.rate.quota));
  arguments.push_back(std::to_string(bucket.penalty.base_microseconds));
  arguments.push_back(std::to_string(bucket.penalty.cap_microseconds));
  arguments.push_back(std::to_string(bucket.cost));
  arguments.push_back(std::to_string(request.more));
  arguments.emplace_back(request.charge ? "2" : bucket.shadow ? "1" : "0");
  arguments.push_back(remembered_text(request));
}

// The script's nine numbers, in their order.
[[nodiscard]] SharedDecision decision_of(std::span<const Reply> numbers) {
  const std::int64_t verdict = numbers[0].integer;
  return {.decision = {.decided = true,
                       .admitted = verdict == 1,
                       .penalized = verdict == 2,
                       .remaining = numbers[2].integer,
                       .retry_microseconds = numbers[1].integer < 0 ? never : numbers[1].integer,
                       .refill_microseconds = numbers[3].integer},
          .more = numbers[4].integer,
          .state = {.full_at = numbers[5].integer,
                    .blocked_until = numbers[6].integer,
                    .refused_at = numbers[7].integer,
                    .level = numbers[8].integer}};
}

void read_decisions(const Reply& reply, std::span<const SharedRequest> requests, std::span<SharedDecision> decisions) {
  const std::size_t decided = reply.elements.size() / numbers_per_decision;
  bool sound = reply.kind == Reply::Kind::array && decided >= 1 && decided <= requests.size() &&
               reply.elements.size() == decided * numbers_per_decision;
  for (const Reply& number : reply.elements) sound = sound && number.kind == Reply::Kind::integer;
  if (!sound) throw SharedStoreError("BROKEN: not an answer of our script");
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::span numbers(reply.elements);
    decisions[i] =
        i < decided ? decision_of(numbers.subspan(i * numbers_per_decision, numbers_per_decision)) : SharedDecision{};
  }
}

[[nodiscard]] std::string sha1_of(std::string_view text) {
  std::array<unsigned char, 20> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
    throw std::runtime_error("no SHA-1");
  }
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4U];
    hex += "0123456789abcdef"[byte & 15U];
  }
  return hex;
}

// How many at the front are of one subject: their keys share a slot.
[[nodiscard]] std::size_t subject_size(std::span<const SharedRequest> requests) {
  const std::string_view subject = requests.front().bucket.subject;
  const auto other = [subject](const SharedRequest& request) { return request.bucket.subject != subject; };
  return static_cast<std::size_t>(std::ranges::find_if(requests, other) - requests.begin());
}

[[nodiscard]] bool stops(const SharedRequest& request, const SharedDecision& decision) noexcept {
  return !decision.decision.admitted && !request.bucket.shadow && !request.charge;
}

}  // namespace

std::string bucket_key(std::string_view policy, std::string_view subject) {
  std::string key;
  key.reserve(policy.size() + subject.size() + 6);
  return key.append("tn:{").append(subject).append("}:").append(policy);
}

RedisBuckets::Script::Script(std::string_view script_text) : text(script_text), sha1(sha1_of(script_text)) {}

RedisBuckets::RedisBuckets(redis::Client& client)
    : client_(client), take_(bucket_script), heartbeat_(heartbeat_script) {}

// Named by its digest; its text only goes to a Redis that does not know it, which has then learnt it.
asio::awaitable<Reply> RedisBuckets::run(const Script& script, std::span<const std::string> keys,
                                         std::span<const std::string> arguments, Monotonic deadline) {
  const std::string key_count = std::to_string(keys.size());
  std::vector<std::string_view> parts{"EVALSHA", script.sha1, key_count};
  parts.insert(parts.end(), keys.begin(), keys.end());
  parts.insert(parts.end(), arguments.begin(), arguments.end());
  Reply reply = co_await client_.call_for(keys.front(), parts, deadline);
  if (reply.error_name() == "NOSCRIPT") {
    parts[0] = "EVAL";
    parts[1] = script.text;
    reply = co_await client_.call_for(keys.front(), parts, deadline);
  }
  co_return reply;
}

asio::awaitable<void> RedisBuckets::take_in_one_call(std::span<const SharedRequest> requests,
                                                     std::span<SharedDecision> decisions, Monotonic deadline) {
  std::vector<std::string> keys;
  std::vector<std::string> arguments;
  keys.reserve(requests.size());
  arguments.reserve(requests.size() * arguments_per_bucket);
  for (const SharedRequest& request : requests) {
    keys.push_back(bucket_key(request.bucket.policy, request.bucket.subject));
    add_arguments(arguments, request);
  }
  const Reply reply = co_await run(take_, keys, arguments, deadline);
  if (reply.is_error()) throw SharedStoreError(reply.text);
  read_decisions(reply, requests, decisions);
}

// False: Redis says `why_not`, these cannot be decided together; nothing was taken.
asio::awaitable<bool> RedisBuckets::take_together(std::string_view why_not, std::span<const SharedRequest> requests,
                                                  std::span<SharedDecision> decisions, Monotonic deadline) {
  try {
    co_await take_in_one_call(requests, decisions, deadline);
  } catch (const SharedStoreError& error) {
    if (!std::string_view(error.what()).starts_with(why_not)) throw;
    co_return false;
  }
  co_return true;
}

asio::awaitable<void> RedisBuckets::take(std::span<const SharedRequest> requests, std::span<SharedDecision> decisions,
                                         Monotonic deadline) {
  if (!cluster_) {
    const bool together = co_await take_together("CROSSSLOT", requests, decisions, deadline);
    if (together) co_return;
    cluster_ = true;
  }
  for (std::size_t done = 0; done < requests.size();) {
    std::size_t size = subject_size(requests.subspan(done));
    const bool together =
        co_await take_together("TRYAGAIN", requests.subspan(done, size), decisions.subspan(done, size), deadline);
    if (!together) {
      // Their slot is on its way to another server: what is still here and what is there is asked for one by one.
      size = 1;
      co_await take_in_one_call(requests.subspan(done, size), decisions.subspan(done, size), deadline);
    }
    const std::size_t end = done + size;
    for (; done < end; ++done) {
      if (!stops(requests[done], decisions[done])) continue;
      std::ranges::fill(decisions.subspan(done + 1), SharedDecision{});
      co_return;
    }
  }
}

asio::awaitable<std::int64_t> RedisBuckets::heartbeat(std::string node, Monotonic deadline) {
  const std::vector<std::string> keys{"tn:nodes"};
  const std::vector<std::string> arguments{std::move(node), std::to_string(node_lifetime.count())};
  const Reply reply = co_await run(heartbeat_, keys, arguments, deadline);
  if (reply.is_error()) throw SharedStoreError(reply.text);
  if (reply.kind != Reply::Kind::integer || reply.integer < 1) {
    throw SharedStoreError("BROKEN: not an answer of our script");
  }
  // Else a cluster that lacks one server would be lost and found again with every request for its keys.
  if (!client_.whole()) throw redis::ConnectionError("a server of the Redis Cluster cannot be reached");
  co_return reply.integer;
}

}  // namespace tenon::safeguards
