#include "node/identity.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace tenon {
namespace {

// Larger than any public key of ours in PEM.
constexpr std::size_t key_file_bytes_max = 64 * 1024;

std::shared_ptr<const safeguards::TokenKeys> key_in(const std::filesystem::path& file,
                                                    safeguards::TokenAlgorithm algorithm) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error("--token-key " + file.string() + ": " + why);
  };
  std::ifstream in(file, std::ios::binary);
  std::string pem(key_file_bytes_max, '\0');
  in.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  pem.resize(static_cast<std::size_t>(in.gcount()));
  if (pem.empty()) refuse("it is empty or cannot be read");
  auto key = safeguards::PublicKey::from_pem(pem);
  if (!key) refuse(key.error());
  auto keys = std::make_shared<safeguards::TokenKeys>();
  try {
    keys->set_only({.algorithm = algorithm, .id = {}, .verifier = {std::move(*key), scheme_of(algorithm).value()}});
  } catch (const std::invalid_argument&) {
    refuse("it is no key for --token-alg " + std::string(name_of(algorithm)));
  }
  return keys;
}

}  // namespace

Identity::Identity(const TokenSettings& settings, const std::string& secret, const std::filesystem::path& data_dir,
                   Logger& log) {
  TokenPlan plan = plan_of(settings);
  if (!settings.key_file.empty()) ring_.replace(key_in(settings.key_file, plan.of_keys.front()));
  if (!settings.key_set.empty()) source_.emplace(settings, plan.of_keys, data_dir, ring_, log);
  safeguards::TokenTrust trust{.keys = plan.of_keys.empty() ? nullptr : &ring_, .revoked = &revocations_};
  if (plan.secret) trust.secret = secret;
  verifier_.emplace(trust, std::move(plan.rules));
}

void Identity::start() {
  if (source_) source_->start();
}

}  // namespace tenon
