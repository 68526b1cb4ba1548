// Who may call this node: the token verifier with all that stands behind it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "node/key_set_source.hpp"
#include "node/token_settings.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/revocations.hpp"
#include "safeguards/token_key.hpp"

namespace tenon {

class Identity {
 public:
  // Reads the keys that the settings name; `secret` is what HS256 tokens are signed with, where they are taken. Throws
  // std::runtime_error for settings that contradict each other and for keys that will not do.
  Identity(const TokenSettings& settings, const std::string& secret, const std::filesystem::path& data_dir,
           Logger& log);

  void start();  // keeps a key set fresh from now on

  [[nodiscard]] const safeguards::TokenVerifier& verifier() const noexcept { return *verifier_; }
  [[nodiscard]] safeguards::RevocationList& revocations() noexcept { return revocations_; }
  [[nodiscard]] double keys_age_seconds() const noexcept { return source_ ? source_->age_seconds() : 0; }

 private:
  safeguards::TokenKeyring ring_;
  safeguards::RevocationList revocations_;
  std::optional<safeguards::TokenVerifier> verifier_;
  std::optional<KeySetSource> source_;  // ends before what it refreshes
};

}  // namespace tenon
