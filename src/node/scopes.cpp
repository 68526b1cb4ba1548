#include "node/scopes.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/nearest.hpp"
#include "node/revocation_routes.hpp"
#include "node/signing_key_routes.hpp"

namespace tenon {

void check_scopes(const Settings& settings, const std::vector<service::Route>& routes) {
  std::vector<std::string> known;
  for (const service::Route& route : routes) {
    if (!route.policy.scope.empty()) known.emplace_back(route.policy.scope);
  }
  known.insert(known.end(), std::begin(signing_key_scopes), std::end(signing_key_scopes));
  known.insert(known.end(), std::begin(revocation_scopes), std::end(revocation_scopes));
  const auto check = [&known](const std::string& option, const std::string& scope) {
    if (std::ranges::find(known, scope) != known.end()) return;
    throw std::runtime_error(option + ": no route has the scope \"" + scope + '"' + did_you_mean(scope, known));
  };
  for (const auto& [scope, lifetime] : settings.service.key_lifetime_by_scope) check("--key-lifetime", scope);
  for (const std::string& scope : settings.service.signatures_required) {
    if (scope != "all") check("--require-signature", scope);
  }
}

}  // namespace tenon
