#include "safeguards/signature/verify.hpp"

#include <algorithm>

#include "safeguards/signature/digest.hpp"
#include "safeguards/signature/message.hpp"

namespace tenon::signature {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// The instants a signature may speak of end with the year 9999: later ones would overflow microseconds in the end.
constexpr std::int64_t instant_seconds_max = 253'402'300'799;

constexpr std::string_view covered_always[] = {"@method", "@authority", "@path", "@query"};
constexpr std::string_view covered_when_present[] = {"content-digest", "idempotency-key",  "content-type",
                                                     "if-match",       "if-match-version", "if-unmodified-since",
                                                     "if-none-match"};

Problem expired(std::string detail) { return problem(ProblemCode::signature_expired, std::move(detail)); }

std::optional<Problem> check_cover(const http::Request& request, const Presented& presented) {
  std::string missing;
  for (const std::string_view name : required_cover(request)) {
    if (presented.covers(name)) continue;
    missing.append(missing.empty() ? "" : ", ").append(name);
  }
  if (missing.empty()) return std::nullopt;
  return problem(ProblemCode::signature_incomplete, "The signature does not cover: " + missing + ".");
}

std::optional<Problem> check_time(const Presented& presented, const Rules& rules, Instant now) {
  const auto in_range = [](std::int64_t at) { return at >= 0 && at <= instant_seconds_max; };
  if (!in_range(presented.created) || (presented.expires && !in_range(*presented.expires))) {
    return expired("`created` and `expires` are seconds since 1970, up to the year 9999.");
  }
  const Instant created = sys_seconds(seconds(presented.created));
  if (created > now + rules.skew) return expired("`created` lies in the future.");
  if (now > created + rules.window) return expired("`created` is too long ago.");
  if (presented.expires && now > sys_seconds(seconds(*presented.expires))) return expired("`expires` has passed.");
  return std::nullopt;
}

bool is_ours(const Message& message, const Rules& rules) {
  return rules.authorities.empty() ||
         std::ranges::find(rules.authorities, normalized_authority(message.scheme, message.host)) !=
             rules.authorities.end();
}

bool is_right(const http::Request& request, const Presented& presented, const Key* key, std::string_view user,
              const Rules& rules, Instant now) {
  if (key == nullptr || key->revoked || key->user != user || user.empty()) return false;
  if (key->expires && *key->expires <= now) return false;
  // The algorithm is the key's: what the signature says may only agree.
  if (!presented.algorithm.empty() && presented.algorithm != name_of(key->verifier.algorithm())) return false;
  const Message message = message_of(request);
  if (!is_ours(message, rules)) return false;
  const auto base = signature_base(message, presented.covered);
  return base && key->verifier.verify(*base, presented.signature);
}

}  // namespace

std::vector<std::string_view> required_cover(const http::Request& request) {
  std::vector<std::string_view> names(std::begin(covered_always), std::end(covered_always));
  for (const std::string_view name : covered_when_present) {
    const bool needed = request.count(name) > 0 || (name == "content-digest" && !request.body.empty());
    if (needed) names.push_back(name);
  }
  return names;
}

std::optional<Problem> check_presented(const http::Request& request, const Presented& presented, const Rules& rules,
                                       Instant now) {
  if (auto refusal = check_cover(request, presented)) return refusal;
  if (presented.covers("content-digest")) {
    if (auto refusal = check_content_digest(request)) return refusal;
  }
  return check_time(presented, rules, now);
}

Result<Verified> verify(const http::Request& request, const Presented& presented, const Key* key, std::string_view user,
                        const Rules& rules, Instant now) {
  if (auto refusal = check_presented(request, presented, rules, now)) return *std::move(refusal);
  if (!is_right(request, presented, key, user, rules, now)) return problem(ProblemCode::signature_invalid);
  return Verified{
      .key_id = presented.key_id, .nonce = presented.nonce, .created = sys_seconds(seconds(presented.created))};
}

}  // namespace tenon::signature
