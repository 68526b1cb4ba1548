#include <algorithm>
#include <array>

#include "safeguards/caller.hpp"

namespace tenon::safeguards {
namespace {

struct Named {
  Role role;
  std::string_view name;
};

// The most powerful first.
constexpr std::array names{Named{Role::admin, "admin"}, Named{Role::auditor, "auditor"}, Named{Role::staff, "staff"},
                           Named{Role::authenticated, "authenticated"}};

}  // namespace

std::optional<Role> role_named(std::string_view name) noexcept {
  const auto* found = std::ranges::find(names, name, &Named::name);
  if (found == names.end()) return std::nullopt;
  return found->role;
}

std::string_view name_of(Role role) noexcept {
  const auto* found = std::ranges::find(names, role, &Named::role);
  return found == names.end() ? std::string_view{} : found->name;
}

std::string_view leading_name(Roles roles) noexcept {
  const auto* found = std::ranges::find_if(names, [&](const Named& named) { return roles.any_of(named.role); });
  return found == names.end() ? std::string_view{} : found->name;
}

std::string names_of(Roles roles) {
  std::string all;
  for (const Named& named : names) {
    if (roles.any_of(named.role)) all.append(all.empty() ? "" : " ").append(named.name);
  }
  return all;
}

}  // namespace tenon::safeguards
