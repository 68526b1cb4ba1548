#include "service/signing_keys.hpp"

#include "base/limits.hpp"
#include "encoding/json.hpp"
#include "postgres/queries.hpp"

namespace tenon::service {
namespace {

std::string text_of(const json::Object& object, std::string_view name) {
  const json::Value* value = json::find(object, name);
  return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

}  // namespace

std::string sealing_context(const Uuid& id, std::string_view user, std::string_view algorithm) {
  return id.text() + "|" + std::string(algorithm) + "|" + std::string(user);
}

SigningKeys::SigningKeys(writes::Writer& writer, const signature::SecretSealer& sealer, Logger& log)
    : writer_(writer),
      sealer_(sealer),
      log_(log),
      read_(writes::read("read_signing_key", postgres::queries::read_signing_key, {postgres::Type::uuid})),
      entries_(64, Hash{&hash_}) {}

std::optional<SigningKeys::Known> SigningKeys::find_now(const Uuid& id, Monotonic now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.believed_until <= now) return std::nullopt;
  return found->second.key;
}

boost::asio::awaitable<Result<SigningKeys::Known>> SigningKeys::find(boost::asio::io_context& here, Uuid id,
                                                                     Monotonic deadline) {
  writes::Call call{.operation = &read_, .arguments = {id}, .affinity = writes::affinity_of(id)};
  const Monotonic asked = monotonic_now();  // what is read may be as old as the question
  const Result<writes::Reply> reply = co_await writer_.read(here, std::move(call), deadline);
  if (!reply) co_return reply.error();
  if (reply->status != 200) {
    const std::lock_guard lock(mutex_);
    entries_.erase(id);
    co_return Known{};
  }
  co_return remember(id, reply->body, asked);
}

SigningKeys::Known SigningKeys::remember(const Uuid& id, const std::string& row, Monotonic now) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second.row == row) {  // reading PEM again would cost more than comparing
      found->second.believed_until = now + limits::signing_key_cache;
      return found->second.key;
    }
  }
  Known key = key_of(id, row);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= limits::signing_keys_cached) {
    std::erase_if(entries_, [now](const auto& entry) { return entry.second.believed_until <= now; });
    if (entries_.size() >= limits::signing_keys_cached) entries_.clear();
  }
  entries_.insert_or_assign(id, Entry{row, key, now + limits::signing_key_cache});
  return key;
}

SigningKeys::Known SigningKeys::key_of(const Uuid& id, const std::string& row) const {
  const auto unusable = [&](std::string_view reason) {
    const std::string name = id.text();
    log_.event(LogLevel::error, "signing_key_unusable", {{"key", std::string_view(name)}, {"reason", reason}});
    return Known{};
  };
  const auto value = json::parse(row);
  if (!value || value->object() == nullptr) return unusable("the row is no JSON object");
  const json::Object& members = *value->object();
  const std::string user = text_of(members, "user");
  const auto algorithm = signature::algorithm_named(text_of(members, "algorithm"));
  if (!algorithm) return unusable("the algorithm is unknown");
  std::string material = text_of(members, "material");
  if (*algorithm == signature::Algorithm::hmac_sha256) {
    auto secret = sealer_.open(material, sealing_context(id, user, name_of(*algorithm)));
    if (!secret) return unusable("its secret was sealed under another node secret");
    material = *std::move(secret);
  }
  auto verifier = signature::VerifyingKey::load(*algorithm, material);
  if (!verifier) return unusable(verifier.error());
  signature::Key key{.id = id.text(), .user = user, .verifier = *std::move(verifier), .expires = {}};
  const json::Value* expires = json::find(members, "expires_seconds");
  if (expires != nullptr && expires->number() != nullptr) {
    key.expires = std::chrono::sys_seconds(std::chrono::seconds(json::integer(*expires->number()).value_or(0)));
  }
  const json::Value* revoked = json::find(members, "revoked");
  key.revoked = revoked == nullptr || revoked->boolean() == nullptr || *revoked->boolean();
  return std::make_shared<const signature::Key>(std::move(key));
}

}  // namespace tenon::service
