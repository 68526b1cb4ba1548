#include "client/retry.hpp"

#include <algorithm>
#include <charconv>

#include "base/problem.hpp"
#include "encoding/http_date.hpp"
#include "encoding/json.hpp"
#include "http/ascii.hpp"

namespace tenon::client {

using std::chrono::milliseconds;

const std::string* Answered::header(std::string_view name) const noexcept {
  for (const auto& [known, value] : headers) {
    if (http::ascii::equal_in_any_case(known, name)) return &value;
  }
  return nullptr;
}

std::string problem_code(const Answered& answer) {
  const std::string* type = answer.header("Content-Type");
  if (type == nullptr || !type->starts_with("application/problem+json")) return {};
  const auto document = json::parse(answer.body);
  if (!document || document->object() == nullptr) return {};
  const json::Value* code = json::find(*document->object(), "code");
  return code == nullptr || code->string() == nullptr ? std::string() : *code->string();
}

bool may_be_retried(const Answered& answer) {
  if (answer.status < 400) return false;
  if (const auto known = problem_named(problem_code(answer))) {
    return kind_of(*known).transient || *known == ProblemCode::signature_replayed;
  }
  constexpr std::uint16_t passing[] = {408, 425, 429, 500, 502, 503, 504};
  return std::ranges::find(passing, answer.status) != std::end(passing);
}

std::optional<milliseconds> retry_after(const Answered& answer, Instant now) {
  constexpr std::int64_t seconds_most = 86'400 * 365;
  const std::string* value = answer.header("Retry-After");
  if (value == nullptr) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error == std::errc{} && end == value->data() + value->size() && seconds >= 0) {
    return std::chrono::seconds(std::min(seconds, seconds_most));
  }
  const auto date = parse_http_date(*value);
  if (!date) return std::nullopt;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(date->at - now));
}

milliseconds pause_after(int attempt, const Backoff& backoff, std::optional<milliseconds> told, double random) {
  const auto share = [random](milliseconds of) {
    return milliseconds(static_cast<std::int64_t>(static_cast<double>(of.count()) * random));
  };
  const int doublings = std::clamp(attempt - 1, 0, 30);
  const milliseconds whole = std::min(backoff.most, backoff.first * (std::int64_t{1} << doublings));
  const milliseconds pause = whole / 2 + share(whole - whole / 2);
  return told ? std::max(pause, *told + share(backoff.first)) : pause;
}

}  // namespace tenon::client
