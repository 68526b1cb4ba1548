// What --token-* say: which signatures are taken, from which keys, and what is asked of the claims.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/token_key.hpp"

namespace tenon {

struct TokenSettings {
  std::vector<std::string> algorithms{"HS256"};
  std::filesystem::path key_file;     // PEM
  std::string key_set;                // a file, or https://
  std::filesystem::path authorities;  // of an https:// key set
  std::int64_t key_set_refresh_seconds = limits::key_set_refresh.count();
  std::string issuer;
  std::vector<std::string> audiences;
  std::int64_t leeway_seconds = 0;
  std::string user_claim = "sub";
  std::string roles_claim;
  std::vector<std::string> roles;  // NAME=ROLE
};

// The settings once they are known to make sense together.
struct TokenPlan {
  bool secret = false;                              // HS256 is taken
  std::vector<safeguards::TokenAlgorithm> of_keys;  // the others
  safeguards::TokenRules rules;
};

// Throws std::runtime_error with the flag that is wrong and what to write instead. Opens no file.
[[nodiscard]] TokenPlan plan_of(const TokenSettings& settings);

[[nodiscard]] inline bool is_url(const std::string& key_set) { return key_set.find("://") != std::string::npos; }

}  // namespace tenon
