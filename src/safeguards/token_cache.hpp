// Tokens whose signature was found right a moment ago: a client sends the same one with each of its requests, and what
// its bytes prove does not change. What does change is asked anew at every use: the time, revocations, the keys.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.hpp"
#include "safeguards/token_claims.hpp"

namespace tenon::safeguards {

// Thread-safe. Each thread has a table of its own (up to 64 threads; more share), so that none waits for another. A
// table holds at most tokens_per_thread tokens of token_bytes_max bytes, and only true ones: nobody without a key of
// the issuer can take a place in it.
class TokenCache {
 public:
  static constexpr std::size_t tokens_per_thread = 1'024;
  static constexpr std::size_t token_bytes_max = 2'048;  // larger ones are verified each time

  // What the token says, when it was kept by this thread under these keys; else null. The whole token is compared, in
  // constant time.
  [[nodiscard]] std::shared_ptr<const TokenClaims> find(std::string_view token, std::uint64_t keys_version) const;
  void keep(std::string_view token, std::uint64_t keys_version, std::shared_ptr<const TokenClaims> claims);
  [[nodiscard]] std::size_t size() const;  // in all tables

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t keys_version = 0;
    std::string token;  // empty: free
    std::shared_ptr<const TokenClaims> claims;
  };
  struct Table {
    mutable std::mutex mutex;  // nearly always free
    std::vector<Entry> entries;
    std::vector<bool> second_is_older;  // of each pair of places
  };
  [[nodiscard]] Table& own_table() const noexcept;

  KeyedHash hash_;
  mutable std::array<Table, 64> tables_;
};

}  // namespace tenon::safeguards
