// Tokens that are refused before they expire: one by its `jti`, or all that a user was given before an instant.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/keyed_hash.hpp"

namespace tenon::safeguards {

// One change to the list, as the database tells it. Exactly one of token_id and user is not empty.
struct Revocation {
  std::string token_id = {};
  std::string user = {};
  Instant issued_before{};              // of a user
  std::optional<Instant> expires = {};  // of a token: when it expires by itself, and this may be forgotten
  bool lifted = false;
};

// What a token says about itself, as far as revocation goes.
struct TokenIdentity {
  std::string_view user;
  std::string_view token_id;           // empty: it has none
  std::optional<std::int64_t> issued;  // `iat`, seconds since the epoch
};

// A node's copy of the list. Thread-safe; asking costs nothing worth speaking of while the list is empty, and two
// look-ups under shared locks else.
class RevocationList {
 public:
  RevocationList();

  // In the order in which they were made: the later word on a user or a token counts.
  void apply(std::span<const Revocation> changes);
  void clear();
  void forget_expired(Instant before);  // tokens that ended before then

  // A token of a revoked user is revoked unless it says (`iat`) that it was issued at that instant or later. Clocks of
  // its issuer and of who revoked may differ by the leeway: within it a token counts as issued before.
  [[nodiscard]] bool revoked(const TokenIdentity& token, std::int64_t leeway_seconds, Instant now) const;
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  template <class T>
  using Map = std::unordered_map<std::string, T, KeyedHash, std::equal_to<>>;
  struct Shard {
    explicit Shard(const KeyedHash& hash) : tokens(0, hash), users(0, hash) {}
    mutable std::shared_mutex mutex;
    Map<std::optional<Instant>> tokens;  // until when
    Map<Instant> users;                  // issued before
  };
  [[nodiscard]] Shard& shard_of(std::string_view name) const;
  void apply(const Revocation& change);

  KeyedHash hash_;
  std::array<std::unique_ptr<Shard>, 16> shards_;
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace tenon::safeguards
