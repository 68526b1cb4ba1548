#include "safeguards/precondition/token.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t version_max = 9'007'199'254'740'991;  // 2^53 - 1: what JSON carries without loss

[[nodiscard]] Problem malformed(std::string detail) {
  return problem(ProblemCode::precondition_malformed, std::move(detail));
}

// "3"; not "03", "+3", "0".
[[nodiscard]] std::optional<std::int64_t> parse_version(std::string_view digits) noexcept {
  if (digits.empty() || digits.front() < '1' || digits.front() > '9') return std::nullopt;
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc{} || end != digits.data() + digits.size() || version > version_max) return std::nullopt;
  return version;
}

// `"v3"` or `W/"v3"`: our tags are weak, and a client may send them either way.
[[nodiscard]] std::optional<std::int64_t> parse_tag(std::string_view tag) noexcept {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (!tag.starts_with("\"v") || !tag.ends_with('"')) return std::nullopt;
  return parse_version(tag.substr(2, tag.size() - 3));
}

// The header's value into `value` when it is there; a Problem's detail when it is there twice.
[[nodiscard]] std::optional<Problem> read_once(const http::Request& request, std::string_view name,
                                               std::optional<std::string_view>& value) {
  const auto [count, found] = request.find(name);
  if (count > 1) return malformed("There are several " + std::string(name) + " headers.");
  if (count == 1) value = found;
  return std::nullopt;
}

using Step = std::optional<Problem>;  // nothing: go on

[[nodiscard]] Step read_if_match_version(const http::Request& request, Precondition& into) {
  std::optional<std::string_view> value;
  if (auto refused = read_once(request, "If-Match-Version", value); refused || !value) return refused;
  const auto version = parse_version(*value);
  if (!version) return malformed("If-Match-Version is not a whole number of at least 1.");
  into.versions.push_back(*version);
  return std::nullopt;
}

[[nodiscard]] Step read_if_match(const http::Request& request, Precondition& into) {
  std::optional<std::string_view> value;
  if (auto refused = read_once(request, "If-Match", value); refused || !value) return refused;
  into.from_standard_header = true;
  if (*value == "*") {
    into.exists = true;
    return std::nullopt;
  }
  const auto version = parse_tag(*value);
  if (!version) return malformed(R"(If-Match is not one tag of the form "v3", W/"v3" or *.)");
  into.versions.push_back(*version);
  return std::nullopt;
}

[[nodiscard]] Step read_if_unmodified_since(const http::Request& request, Precondition& into) {
  std::optional<std::string_view> value;
  if (auto refused = read_once(request, "If-Unmodified-Since", value); refused || !value) return refused;
  const auto date = parse_usable_date(*value);
  if (!date) return malformed("If-Unmodified-Since is neither an HTTP-date nor an ISO 8601 date with a time zone.");
  into.from_standard_header = true;
  into.dates.push_back(*date);
  return std::nullopt;
}

[[nodiscard]] Step read_body(const json::Object& body, Precondition& into) {
  if (const json::Value* member = json::find(body, "version")) {
    const auto version = member->number() == nullptr ? std::nullopt : parse_version(member->number()->text);
    if (!version) return malformed("The body's `version` is not a whole number of at least 1.");
    into.versions.push_back(*version);
  }
  return add_date_token(body, "ifUnmodifiedSince", into);
}

[[nodiscard]] std::string iso_microseconds(Instant at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace

Result<Precondition> read_precondition(const http::Request& request, const json::Value* body) {
  Precondition precondition;
  for (const auto read : {read_if_match_version, read_if_match, read_if_unmodified_since}) {
    if (auto refused = read(request, precondition)) return *std::move(refused);
  }
  if (body != nullptr && body->object() != nullptr) {
    if (auto refused = read_body(*body->object(), precondition)) return *std::move(refused);
  }
  return precondition;
}

std::string as_json(const Precondition& precondition) {
  if (precondition.empty()) return {};
  std::string dates;
  for (const GrainedInstant& date : precondition.dates) {
    if (!dates.empty()) dates += ',';
    dates += fmt::format(R"({{"at":"{}","grain":{}}})", iso_microseconds(date.at), date.grain_microseconds);
  }
  return fmt::format(R"({{"versions":[{}],"dates":[{}],"exists":{}}})", fmt::join(precondition.versions, ","), dates,
                     precondition.exists);
}

std::optional<Problem> add_date_token(const json::Object& body, std::string_view member, Precondition& into) {
  const json::Value* value = json::find(body, member);
  if (value == nullptr) return std::nullopt;
  const auto date = value->string() == nullptr ? std::nullopt : parse_usable_date(*value->string());
  if (!date) {
    return malformed("The body's `" + std::string(member) +
                     "` is neither an HTTP-date nor an ISO 8601 date with a time zone.");
  }
  into.dates.push_back(*date);
  return std::nullopt;
}

std::string accepted_tokens(bool has_body) {
  std::string tokens = R"(Send one of If-Match-Version: 3, If-Match: "v3", If-Unmodified-Since: <date>)";
  if (has_body) tokens += ", or the body's `version` or `ifUnmodifiedSince`";
  return tokens + ".";
}

}  // namespace tenon::safeguards
