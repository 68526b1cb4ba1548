#include "node/token_settings.hpp"

#include <algorithm>
#include <stdexcept>

namespace tenon {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

void read_algorithms(const TokenSettings& settings, TokenPlan& plan) {
  for (const std::string& name : settings.algorithms) {
    const auto algorithm = safeguards::algorithm_named(name);
    if (!algorithm) refuse("--token-alg: \"" + name + "\" is none of HS256, RS256, PS256, ES256 and EdDSA");
    if (*algorithm == safeguards::TokenAlgorithm::hs256) {
      plan.secret = true;
    } else if (std::ranges::find(plan.of_keys, *algorithm) == plan.of_keys.end()) {
      plan.of_keys.push_back(*algorithm);
    }
  }
  const bool keys = !settings.key_file.empty() || !settings.key_set.empty();
  if (!plan.secret && plan.of_keys.empty()) refuse("--token-alg: name one algorithm at least");
  if (keys && plan.of_keys.empty()) {
    refuse("--token-key and --token-jwks want to know what for: --token-alg RS256, PS256, ES256 or EdDSA");
  }
  if (!keys && !plan.of_keys.empty()) {
    refuse("--token-alg " + std::string(name_of(plan.of_keys.front())) + " wants keys: --token-key or --token-jwks");
  }
  if (!settings.key_file.empty() && !settings.key_set.empty()) refuse("--token-key and --token-jwks: one of the two");
  if (!settings.key_file.empty() && plan.of_keys.size() > 1) {
    refuse("--token-key is one key, and a key has one algorithm: --token-alg names several");
  }
}

void check_key_set(const TokenSettings& settings) {
  const std::string& set = settings.key_set;
  if (!is_url(set)) {
    if (!settings.authorities.empty()) refuse("--token-jwks-ca is of a --token-jwks that begins with https://");
    return;
  }
  if (!set.starts_with("https://")) refuse("--token-jwks: a key set is fetched by https:// alone");
  const std::string rest = set.substr(8);
  const std::string host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty()) refuse("--token-jwks: the URL names no host");
  if (host.find('@') != std::string::npos) refuse("--token-jwks: no user or password in the URL: key sets are public");
}

void read_roles(const TokenSettings& settings, safeguards::TokenRules& rules) {
  for (const std::string& assignment : settings.roles) {
    const std::size_t equals = assignment.rfind('=');
    const auto role =
        equals == std::string::npos ? std::nullopt : safeguards::role_named(assignment.substr(equals + 1));
    if (!role || equals == 0) {
      refuse("--token-role: \"" + assignment +
             "\" is not NAME=ROLE with a role of authenticated, staff, admin, auditor");
    }
    if (!rules.roles.emplace(assignment.substr(0, equals), *role).second) {
      refuse("--token-role: \"" + assignment.substr(0, equals) + "\" is given twice");
    }
  }
}

}  // namespace

TokenPlan plan_of(const TokenSettings& settings) {
  TokenPlan plan;
  read_algorithms(settings, plan);
  check_key_set(settings);
  if (settings.user_claim.empty()) refuse("--token-user-claim: a claim has a name");
  if (settings.leeway_seconds < 0 || settings.leeway_seconds > 86'400) refuse("--token-leeway: 0 to 86400 seconds");
  plan.rules.issuer = settings.issuer;
  plan.rules.audiences = settings.audiences;
  plan.rules.leeway_seconds = settings.leeway_seconds;
  plan.rules.user_claim = settings.user_claim;
  plan.rules.roles_claim = settings.roles_claim;
  read_roles(settings, plan.rules);
  return plan;
}

}  // namespace tenon
