#include "audit/matcher.hpp"

#include <algorithm>

namespace tenon::audit {
namespace {

std::uint64_t odd_secret() {
  std::array<std::uint8_t, 8> bytes{};
  fill_random(bytes);
  std::uint64_t secret = 0;
  std::memcpy(&secret, bytes.data(), bytes.size());
  return secret | 1;
}

}  // namespace

Matcher::Matcher() : leaves_(16, HashOf{odd_secret()}), entries_(16, HashOf{odd_secret()}) {}

void Matcher::match(std::uint64_t first, std::string_view hashes, std::span<const HashedEntry> entries) {
  // In step as long as both come in the same order, which is nearly always.
  std::size_t position = 0;
  Hash leaf;
  for (; !hashes.empty(); hashes.remove_prefix(sizeof(Hash)), ++first, ++position) {
    std::memcpy(leaf.data(), hashes.data(), sizeof leaf);
    if (position < entries.size()) {
      if (entries[position].hash == leaf) continue;
      take_entry(entries[position]);
    }
    take_leaf(leaf, first);
  }
  for (; position < entries.size(); ++position) take_entry(entries[position]);
}

void Matcher::take_leaf(const Hash& hash, std::uint64_t index) {
  if (entries_.erase(hash) != 0) return;
  if (!leaves_.emplace(hash, index).second) leaves_twice_.push_back({.hash = hash, .index = index});
}

void Matcher::take_entry(const HashedEntry& entry) {
  if (leaves_.erase(entry.hash) != 0) return;
  if (!entries_.emplace(entry.hash, entry.key).second) entries_twice_.push_back(entry);
}

std::vector<LeafHash> Matcher::leaves() const {
  std::vector<LeafHash> left = leaves_twice_;
  left.reserve(left.size() + leaves_.size());
  for (const auto& [hash, index] : leaves_) left.push_back({.hash = hash, .index = index});
  std::ranges::sort(left, {}, &LeafHash::index);
  return left;
}

std::vector<HashedEntry> Matcher::entries() const {
  std::vector<HashedEntry> left = entries_twice_;
  left.reserve(left.size() + entries_.size());
  for (const auto& [hash, key] : entries_) left.push_back({.hash = hash, .key = key});
  std::ranges::sort(left, {}, &HashedEntry::key);
  return left;
}

}  // namespace tenon::audit
