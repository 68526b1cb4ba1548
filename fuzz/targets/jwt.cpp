// Bearer tokens: raw ones, ones whose two parts are the input's under our own signature, and a good one that was
// changed.
#include <algorithm>
#include <string>

#include "encoding/json.hpp"
#include "fuzz/target.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/hmac_sha256.hpp"

namespace tenon::fuzz {
namespace {

constexpr std::int64_t now_seconds = 1'764'652'871;
constexpr Instant now{std::chrono::seconds{now_seconds}};

const std::string& secret() {
  static const std::string text = "an HS256 secret of thirty-two b.";
  return text;
}

std::string signed_parts(std::string_view header, std::string_view claims) {
  static const safeguards::HmacSha256Key key(secret());
  std::string token = base64url(header) + "." + base64url(claims);
  return token + "." + base64url(as_text(key(token)));
}

void check_refusal(const Result<safeguards::Caller>& caller) {
  const ProblemCode code = caller.error().code;
  check(code == ProblemCode::token_invalid || code == ProblemCode::token_not_yet_valid ||
            code == ProblemCode::token_expired || code == ProblemCode::token_revoked,
        "a refusal has its name");
}

void check_accepted(const safeguards::Caller& caller, std::string_view claims) {
  check(!caller.user.empty() && caller.user.size() <= 200, "a caller has a name");
  check(caller.user.find('\0') == std::string::npos && caller.user.find('\n') == std::string::npos,
        "a name has no control characters");
  check(caller.expires > now_seconds, "what is taken has not expired");
  const auto read = json::parse(claims);
  check(read.has_value() && read->object() != nullptr, "claims are an object");
  const auto* user = json::find(*read->object(), "sub");
  check(user != nullptr && user->string() != nullptr && *user->string() == caller.user, "a caller is the token's sub");
  check(json::find(*read->object(), "exp") != nullptr, "a token ends");
}

}  // namespace

// A header, a line break, claims.
void jwt(std::string_view input);
void jwt(std::string_view input) {
  static const safeguards::TokenVerifier verifier{std::string_view(secret())};
  const auto raw = verifier.verify_token(input, now);
  check(!raw.has_value(), "what nobody signed is refused");
  check_refusal(raw);

  Input in(input);
  const std::string_view header = in.line();
  const std::string_view claims = in.rest();
  const auto signed_by_us = verifier.verify_token(signed_parts(header, claims), now);
  if (signed_by_us) {
    check_accepted(*signed_by_us, claims);
  } else {
    check_refusal(signed_by_us);
  }

  static const std::string good = signed_parts(R"({"alg":"HS256"})", R"({"sub":"clerk","exp":1764656471})");
  check(verifier.verify_token(good, now).has_value(), "a good token is taken");
  if (input.size() < 2) return;
  std::string changed = good;
  const std::size_t at =
      (static_cast<std::uint8_t>(input[0]) * 256U + static_cast<std::uint8_t>(input[1])) % good.size();
  changed.replace(at, input.size() - 2, input.substr(2));
  if (changed != good) check(!verifier.verify_token(changed, now).has_value(), "a changed token is refused");
}

}  // namespace tenon::fuzz
