#include "safeguards/token_key.hpp"

#include <algorithm>
#include <array>

namespace tenon::safeguards {
namespace {

struct Named {
  TokenAlgorithm algorithm;
  std::string_view name;
  std::optional<SignatureScheme> scheme;
};
constexpr std::array algorithms{
    Named{TokenAlgorithm::hs256, "HS256", std::nullopt},
    Named{TokenAlgorithm::rs256, "RS256", SignatureScheme::rsa_v1_5_sha256},
    Named{TokenAlgorithm::ps256, "PS256", SignatureScheme::rsa_pss_sha256},
    Named{TokenAlgorithm::es256, "ES256", SignatureScheme::p256_sha256},
    Named{TokenAlgorithm::eddsa, "EdDSA", SignatureScheme::ed25519},
};

}  // namespace

std::optional<TokenAlgorithm> algorithm_named(std::string_view name) noexcept {
  const auto* found = std::ranges::find(algorithms, name, &Named::name);
  if (found == algorithms.end()) return std::nullopt;
  return found->algorithm;
}

std::string_view name_of(TokenAlgorithm algorithm) noexcept {
  return algorithms[static_cast<std::size_t>(algorithm)].name;
}

std::optional<SignatureScheme> scheme_of(TokenAlgorithm algorithm) noexcept {
  return algorithms[static_cast<std::size_t>(algorithm)].scheme;
}

void TokenKeys::set_only(TokenKey key) {
  keys_.clear();
  keys_.push_back(std::move(key));
  any_id_ = true;
}

const TokenKey* TokenKeys::find(TokenAlgorithm algorithm, std::optional<std::string_view> id) const noexcept {
  const TokenKey* found = nullptr;
  for (const TokenKey& key : keys_) {
    if (key.algorithm != algorithm) continue;
    if (id && !any_id_) {
      if (key.id == *id) return &key;
    } else if (found != nullptr) {
      return nullptr;  // which of them is meant is not for us to guess
    } else {
      found = &key;
    }
  }
  return found;
}

std::shared_ptr<const TokenKeys> TokenKeyring::current() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void TokenKeyring::replace(std::shared_ptr<const TokenKeys> keys) {
  const std::lock_guard lock(mutex_);
  keys_.swap(keys);  // the old ones are freed by the argument's end, if at all: after the lock
  version_.fetch_add(1, std::memory_order_release);
}

bool TokenKeyring::take_miss() noexcept { return missed_.exchange(false, std::memory_order_relaxed); }

}  // namespace tenon::safeguards
