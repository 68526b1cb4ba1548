#include "safeguards/revocations.hpp"

#include <mutex>

namespace tenon::safeguards {

RevocationList::RevocationList() {
  for (auto& shard : shards_) shard = std::make_unique<Shard>(hash_);
}

RevocationList::Shard& RevocationList::shard_of(std::string_view name) const {
  // The map takes the low bits of the same hash.
  return *shards_[hash_(name) >> 60U];
}

void RevocationList::apply(const Revocation& change) {
  const bool of_token = !change.token_id.empty();
  const std::string& name = of_token ? change.token_id : change.user;
  Shard& shard = shard_of(name);
  const std::unique_lock lock(shard.mutex);
  const std::size_t before = shard.tokens.size() + shard.users.size();
  if (of_token && change.lifted) {
    shard.tokens.erase(name);
  } else if (of_token) {
    shard.tokens.insert_or_assign(name, change.expires);
  } else if (change.lifted) {
    shard.users.erase(name);
  } else {
    shard.users.insert_or_assign(name, change.issued_before);
  }
  size_ += shard.tokens.size() + shard.users.size() - before;
}

void RevocationList::apply(std::span<const Revocation> changes) {
  for (const Revocation& change : changes) apply(change);
}

void RevocationList::clear() {
  for (auto& shard : shards_) {
    const std::unique_lock lock(shard->mutex);
    size_ -= shard->tokens.size() + shard->users.size();
    shard->tokens.clear();
    shard->users.clear();
  }
}

void RevocationList::forget_expired(Instant before) {
  for (auto& shard : shards_) {
    const std::unique_lock lock(shard->mutex);
    size_ -= std::erase_if(shard->tokens, [before](const auto& one) { return one.second && *one.second < before; });
  }
}

bool RevocationList::revoked(const TokenIdentity& token, std::int64_t leeway_seconds, Instant now) const {
  if (size() == 0) return false;
  if (!token.token_id.empty()) {
    const Shard& shard = shard_of(token.token_id);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.tokens.find(token.token_id);
    // With its leeway the token itself is good for a little longer than it says.
    const std::chrono::seconds leeway{leeway_seconds};
    if (found != shard.tokens.end() && (!found->second || *found->second + leeway > now)) return true;
  }
  const Shard& shard = shard_of(token.user);
  const std::shared_lock lock(shard.mutex);
  const auto found = shard.users.find(token.user);
  if (found == shard.users.end()) return false;
  if (!token.issued) return true;
  return Instant{std::chrono::seconds{*token.issued - leeway_seconds}} < found->second;
}

}  // namespace tenon::safeguards
