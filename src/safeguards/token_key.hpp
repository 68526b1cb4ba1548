// The public keys that tokens are verified with. Algorithm and key belong together before any token is seen: a token
// only says which of them it means.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safeguards/public_key.hpp"

namespace tenon::safeguards {

// Those of RFC 7518 and RFC 8037 that are taken.
enum class TokenAlgorithm : std::uint8_t { hs256, rs256, ps256, es256, eddsa };
[[nodiscard]] std::optional<TokenAlgorithm> algorithm_named(std::string_view name) noexcept;  // "RS256": case matters
[[nodiscard]] std::string_view name_of(TokenAlgorithm algorithm) noexcept;
// Nothing for hs256, whose key is a secret.
[[nodiscard]] std::optional<SignatureScheme> scheme_of(TokenAlgorithm algorithm) noexcept;

struct TokenKey {
  TokenAlgorithm algorithm;
  std::optional<std::string> id;  // `kid`
  SignatureVerifier verifier;
};

// Immutable once filled.
class TokenKeys {
 public:
  void add(TokenKey key) { keys_.push_back(std::move(key)); }
  // A key that is configured by itself: whatever a token calls its key, this one is meant.
  void set_only(TokenKey key);

  // The key of that algorithm and id. A token without an id means the only key of its algorithm, if there is but one.
  [[nodiscard]] const TokenKey* find(TokenAlgorithm algorithm, std::optional<std::string_view> id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

 private:
  std::vector<TokenKey> keys_;
  bool any_id_ = false;
};

// The keys of the moment. Thread-safe: who refreshes them replaces all at once, and who verifies keeps those it began
// with.
class TokenKeyring {
 public:
  [[nodiscard]] std::shared_ptr<const TokenKeys> current() const;
  void replace(std::shared_ptr<const TokenKeys> keys);
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  // A token named a key that is not here: whoever refreshes the keys may want to know. Cheap, since anybody can make us
  // call it at any rate.
  void miss() noexcept { missed_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool take_miss() noexcept;  // has there been one since the last call?

 private:
  mutable std::mutex mutex_;  // guards keys_
  std::shared_ptr<const TokenKeys> keys_ = std::make_shared<const TokenKeys>();
  std::atomic<std::uint64_t> version_ = 0;  // grows with each replacement, after it
  std::atomic<bool> missed_ = false;
};

}  // namespace tenon::safeguards
