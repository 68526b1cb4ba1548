#include "safeguards/token_cache.hpp"

#include <atomic>
#include <utility>

#include "base/bytes.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::size_t pairs = TokenCache::tokens_per_thread / 2;

// Threads are numbered as they come; the number says nothing but which table is whose.
unsigned thread_number() noexcept {
  static std::atomic<unsigned> next = 0;
  thread_local const unsigned own = next.fetch_add(1, std::memory_order_relaxed);
  return own;
}

}  // namespace

TokenCache::Table& TokenCache::own_table() const noexcept { return tables_[thread_number() % tables_.size()]; }

std::shared_ptr<const TokenClaims> TokenCache::find(std::string_view token, std::uint64_t keys_version) const {
  if (token.size() > token_bytes_max) return nullptr;
  const std::uint64_t hash = hash_(token);
  Table& table = own_table();
  const std::lock_guard lock(table.mutex);
  if (table.entries.empty()) return nullptr;
  const std::size_t pair = hash % pairs;
  for (std::size_t place = 0; place < 2; ++place) {
    const Entry& entry = table.entries[2 * pair + place];
    if (entry.hash != hash || entry.keys_version != keys_version) continue;
    if (!equal_in_constant_time(entry.token, token)) continue;
    table.second_is_older[pair] = place == 0;
    return entry.claims;
  }
  return nullptr;
}

void TokenCache::keep(std::string_view token, std::uint64_t keys_version, std::shared_ptr<const TokenClaims> claims) {
  if (token.empty() || token.size() > token_bytes_max) return;
  const std::uint64_t hash = hash_(token);
  Table& table = own_table();
  const std::lock_guard lock(table.mutex);
  if (table.entries.empty()) {
    table.entries.resize(tokens_per_thread);
    table.second_is_older.resize(pairs);
  }
  const std::size_t pair = hash % pairs;
  const std::size_t place = table.second_is_older[pair] ? 1 : 0;
  table.entries[2 * pair + place] =
      Entry{.hash = hash, .keys_version = keys_version, .token = std::string(token), .claims = std::move(claims)};
  table.second_is_older[pair] = place == 0;
}

std::size_t TokenCache::size() const {
  std::size_t count = 0;
  for (const Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    for (const Entry& entry : table.entries) count += entry.token.empty() ? 0 : 1;
  }
  return count;
}

}  // namespace tenon::safeguards
