// A user who signs: with a key of their own, made by `tenon keys add`.
#pragma once

#include <string>

#include "safeguards/signature/outgoing.hpp"
#include "support/node.hpp"

namespace tenon::test {

class Signer {
 public:
  // On the database of a node that has an embedded one. The key's private half is in a file of its own until the end.
  Signer(const Node& node, std::string user, const std::string& algorithm = "ed25519");

  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  [[nodiscard]] const std::string& key_id() const noexcept { return key_id_; }
  [[nodiscard]] std::filesystem::path key_file() const { return folder_.path() / "key"; }
  [[nodiscard]] const signature::SigningKey& key() const noexcept { return *key_; }

  // The call with this user's token, as a staff member and administrator, and their signature on it.
  [[nodiscard]] ApiCall sign(ApiCall call, Instant created = wall_now(),
                             const std::string& nonce = signature::random_nonce()) const;

 private:
  TemporaryFolder folder_;
  std::string user_;
  std::string token_;
  std::string key_id_;
  std::optional<signature::SigningKey> key_;
};

}  // namespace tenon::test
