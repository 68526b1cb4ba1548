#include "base/problem.hpp"

#include <algorithm>
#include <array>

#include "base/json_string.hpp"

namespace tenon {
namespace {

constexpr bool transient = true;
constexpr bool final_ = false;

// In the order of the enumerators; the static_assert below and a unit test hold them together.
constexpr std::array<ProblemKind, problem_code_count> kinds{{
    {"malformed_request", 400, "Malformed request", "The request is not valid HTTP.", final_, 0},
    {"header_too_large", 431, "Header too large", "The request's header is too large.", final_, 0},
    {"body_too_large", 413, "Body too large", "The request's body is too large.", final_, 0},
    {"not_implemented", 501, "Not implemented", "The server does not speak this method or transfer coding.", final_, 0},
    {"request_timeout", 408, "Request timeout", "The request did not arrive in time.", transient, 0},
    {"stopping", 503, "Stopping", "The node is shutting down.", transient, 1},
    {"overloaded", 503, "Overloaded", "The node has more work than it can admit; nothing was done.", transient, 1},
    {"unknown_path", 404, "Unknown path", "There is nothing at this path.", final_, 0},
    {"method_not_allowed", 405, "Method not allowed", "This path does not answer that method.", final_, 0},
    {"rate_limited", 429, "Rate limited", "Too many requests.", transient, 1},
    {"unauthenticated", 401, "Unauthenticated", "A bearer token is required.", final_, 0},
    {"token_invalid", 401, "Token invalid", "The bearer token is not valid.", final_, 0},
    {"token_not_yet_valid", 401, "Token not valid yet", "The bearer token is not valid yet.", final_, 0},
    {"token_expired", 401, "Token expired", "The bearer token has expired.", final_, 0},
    {"token_revoked", 401, "Token revoked", "The bearer token was revoked.", final_, 0},
    {"forbidden", 403, "Forbidden", "The caller's role does not allow this.", final_, 0},
    {"signature_missing", 401, "Signature missing", "This request must be signed.", final_, 0},
    {"signature_malformed", 400, "Signature malformed", "The signature headers cannot be read.", final_, 0},
    {"signature_incomplete", 400, "Signature incomplete", "The signature does not cover all that it must.", final_, 0},
    {"content_digest_mismatch", 400, "Content-Digest mismatch", "The Content-Digest is not that of the body.", final_,
     0},
    {"signature_expired", 401, "Signature expired", "The signature is outside of its window.", final_, 0},
    {"signature_invalid", 401, "Signature invalid", "The signature is not valid.", final_, 0},
    {"signature_replayed", 401, "Signature replayed", "This signature was used before.", final_, 0},
    {"unsupported_media_type", 415, "Unsupported media type", "The body must be application/json in UTF-8.", final_, 0},
    {"malformed_json", 400, "Malformed JSON", "The body is not valid JSON.", final_, 0},
    {"duplicate_member", 400, "Duplicate member", "A JSON object names a member twice.", final_, 0},
    {"idempotency_key_missing", 400, "Idempotency-Key missing", "This request must carry an Idempotency-Key.", final_,
     0},
    {"idempotency_key_malformed", 400, "Idempotency-Key malformed", "The Idempotency-Key is not valid.", final_, 0},
    {"precondition_malformed", 400, "Concurrency token malformed", "A concurrency token cannot be parsed.", final_, 0},
    {"precondition_required", 428, "Precondition required", "This request must carry a concurrency token.", final_, 0},
    {"malformed_parameter", 400, "Malformed parameter", "A path or query parameter is not valid.", final_, 0},
    {"validation_failed", 422, "Validation failed", "The body breaks the rules of this resource.", final_, 0},
    {"too_many_live_keys", 429, "Too many live keys", "The caller holds too many unexpired idempotency keys.",
     transient, 60},
    {"idempotency_key_reused", 409, "Idempotency-Key reused",
     "Conflict: this Idempotency-Key was used for another request.", final_, 0},
    {"request_in_progress", 409, "Request in progress",
     "Conflict: the first request with this Idempotency-Key is still running.", transient, 1},
    {"not_found", 404, "Not found", "There is no such resource.", final_, 0},
    {"not_sealed", 409, "Not sealed yet", "The audit log is not sealed that far yet.", transient, 1},
    {"not_owner", 403, "Not the owner", "The resource is somebody else's.", final_, 0},
    {"conflict", 409, "Conflict", "Conflict: resource modified or not found", final_, 0},
    {"not_active", 409, "Not active", "Conflict: the resource is not active.", final_, 0},
    {"insufficient_stock", 409, "Insufficient stock", "Conflict: not enough in stock.", final_, 0},
    {"stock_limit", 409, "Stock limit", "Conflict: no item can hold that many.", final_, 0},
    {"not_convertible", 422, "Not convertible", "The facility's state does not allow this substance to be sold.",
     final_, 0},
    {"already_exists", 409, "Already exists", "Conflict: a resource of this name exists.", final_, 0},
    {"too_many_revocations", 409, "Too many revocations", "Conflict: no more revocations can be kept.", final_, 0},
    {"database_unavailable", 500, "Database unavailable",
     "The database cannot be reached; retry with the same Idempotency-Key.", transient, 2},
    {"internal_error", 500, "Internal error", "Something went wrong on our side; retry with the same Idempotency-Key.",
     transient, 1},
}};
static_assert(kinds.back().code == "internal_error");

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (out.size() > 1) out.push_back(',');
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, text);
}

// What every rendering of a kind has in common: the members before and after those of the one problem.
struct Frame {
  std::string begin;  // type and title, up to the status's number
  std::string end;    // code and error
};

std::array<Frame, problem_code_count> make_frames() {
  std::array<Frame, problem_code_count> frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].begin = "{";
    append_member(frames[i].begin, "type", type_of(static_cast<ProblemCode>(i)));
    append_member(frames[i].begin, "title", kinds[i].title);
    frames[i].begin += ",\"status\":";
    frames[i].end = ",";
    append_member(frames[i].end, "code", kinds[i].code);
    append_member(frames[i].end, "error", kinds[i].sentence);
  }
  return frames;
}

const Frame& frame_of(ProblemCode code) {
  static const std::array<Frame, problem_code_count> frames = make_frames();
  return frames[static_cast<std::size_t>(code)];
}

}  // namespace

const ProblemKind& kind_of(ProblemCode code) noexcept { return kinds[static_cast<std::size_t>(code)]; }

std::optional<ProblemCode> problem_named(std::string_view code) noexcept {
  const auto* found = std::ranges::find(kinds, code, &ProblemKind::code);
  if (found == kinds.end()) return std::nullopt;
  return static_cast<ProblemCode>(found - kinds.begin());
}

std::string type_of(ProblemCode code) {
  std::string type = "/problems/";
  for (const char c : kind_of(code).code) type.push_back(c == '_' ? '-' : c);
  return type;
}

Problem problem(ProblemCode code, std::string detail) {
  return Problem{.code = code, .detail = std::move(detail), .violations = {}, .members = {}, .allow = {}};
}

std::string render(const Problem& problem) { return render(problem, problem.status()); }

std::string render(const Problem& problem, std::uint16_t status) {
  const Frame& frame = frame_of(problem.code);
  std::string out;
  out.reserve(frame.begin.size() + frame.end.size() + problem.detail.size() + problem.members.size() + 32);
  out.append(frame.begin).append(std::to_string(status));
  if (!problem.detail.empty()) append_member(out, "detail", problem.detail);
  out += frame.end;
  if (!problem.violations.empty()) {
    out += ",\"violations\":[";
    for (const Violation& violation : problem.violations) {
      if (out.back() != '[') out.push_back(',');
      std::string one = "{";
      append_member(one, "path", violation.path);
      append_member(one, "rule", violation.rule);
      out += one + "}";
    }
    out.push_back(']');
  }
  if (!problem.members.empty()) out += "," + problem.members;
  out.push_back('}');
  return out;
}

}  // namespace tenon
