#include "safeguards/caller.hpp"

namespace tenon::safeguards {

std::string www_authenticate(ProblemCode code) {
  const std::string challenge = R"(Bearer realm="tenon")";
  switch (code) {
    case ProblemCode::token_invalid:
      return challenge + R"(, error="invalid_token", error_description="The access token is not valid")";
    case ProblemCode::token_not_yet_valid:
      return challenge + R"(, error="invalid_token", error_description="The access token is not valid yet")";
    case ProblemCode::token_expired:
      return challenge + R"(, error="invalid_token", error_description="The access token expired")";
    case ProblemCode::token_revoked:
      return challenge + R"(, error="invalid_token", error_description="The access token was revoked")";
    case ProblemCode::forbidden:
      return challenge + R"(, error="insufficient_scope")";
    default:
      return challenge;
  }
}

}  // namespace tenon::safeguards
