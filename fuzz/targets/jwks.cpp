// Key sets, as an identity provider's address answers.
#include "safeguards/jwks.hpp"

#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {

void jwks(std::string_view input);
void jwks(std::string_view input) {
  using safeguards::TokenAlgorithm;
  static constexpr TokenAlgorithm algorithms[] = {TokenAlgorithm::rs256, TokenAlgorithm::ps256, TokenAlgorithm::es256,
                                                  TokenAlgorithm::eddsa};
  const auto set = safeguards::parse_key_set(input, algorithms);
  if (!set) {
    check(!set.error().empty(), "a refusal says why");
    return;
  }
  check(set->keys->size() >= 1 && set->keys->size() <= limits::key_set_keys_max, "a set has one key at least");
  for (const std::string& line : set->passed_over) check(!line.empty(), "what is passed over has its reason");
}

}  // namespace tenon::fuzz
