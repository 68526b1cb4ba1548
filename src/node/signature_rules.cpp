#include "node/signature_rules.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/ascii.hpp"
#include "http/head_rules.hpp"

namespace tenon {
namespace {

using std::chrono::seconds;

seconds shortest_lifetime(const service::ServiceSettings& settings) {
  seconds shortest = settings.key_lifetime;
  for (const auto& [scope, lifetime] : settings.key_lifetime_by_scope) shortest = std::min(shortest, lifetime);
  return shortest;
}

std::string in_seconds(seconds duration) { return std::to_string(duration.count()) + " s"; }

}  // namespace

signature::Rules signature_rules(const Settings& settings) {
  if (settings.signature_skew > limits::signature_skew_max) {
    throw std::runtime_error("--signature-skew: a minute at most");
  }
  const seconds lifetime = shortest_lifetime(settings.service);
  const seconds most = lifetime - 2 * settings.signature_skew;
  if (most < seconds(1)) {
    throw std::runtime_error("--signature-skew: twice " + in_seconds(settings.signature_skew) +
                             " leaves no window, as keys live for " + in_seconds(lifetime));
  }
  signature::Rules rules{.window = settings.signature_window, .skew = settings.signature_skew, .authorities = {}};
  if (rules.window == seconds(0)) rules.window = std::min(most, limits::signature_window_max);
  if (rules.window > most) {
    throw std::runtime_error("--signature-window: " + in_seconds(rules.window) +
                             " and twice the skew are longer than the " + in_seconds(lifetime) +
                             " that a key lives: raise --key-lifetime, or say " + in_seconds(most) + " at most");
  }
  if (rules.window + rules.skew > std::chrono::days(1)) throw std::runtime_error("--signature-window: a day at most");
  for (std::string authority : settings.signature_authorities) {
    if (!http::is_host(authority)) {
      throw std::runtime_error("--signature-authority: \"" + authority + "\" is not HOST or HOST:PORT");
    }
    std::ranges::transform(authority, authority.begin(), http::ascii::lower);
    rules.authorities.push_back(std::move(authority));
  }
  return rules;
}

}  // namespace tenon
