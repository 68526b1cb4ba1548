// The signing keys of users, for administrators: which there are, a new one, one that counts no more.
#pragma once

#include <vector>

#include "safeguards/signature/sealed.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon {

inline constexpr std::string_view signing_key_scopes[] = {"signing-keys:add", "signing-keys:revoke"};

struct SigningKeyOperations {
  writes::Operation add = writes::registered_write("add_signing_key");
  writes::Operation revoke = writes::registered_write("revoke_signing_key");
  writes::Operation list;
  SigningKeyOperations();
};

// A new key as its owner's administrator hands it in: checked, and a shared secret sealed.
struct NewSigningKey {
  Uuid id;
  std::string user;
  std::string algorithm;
  std::string material;  // PEM of the public key, or the shared secret's bytes
  std::string label;
  std::optional<Instant> expires;
};
// The arguments of add_signing_key, or what is wrong with the key's material.
[[nodiscard]] std::expected<std::string, std::string> signing_key_arguments(const NewSigningKey& key,
                                                                            const signature::SecretSealer& sealer);

// Both arguments outlive the routes.
[[nodiscard]] std::vector<service::Route> signing_key_routes(const SigningKeyOperations& op,
                                                             const signature::SecretSealer& sealer);

}  // namespace tenon
