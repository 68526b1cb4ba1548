// Every refusal Tenon can answer with, by name (RFC 9457 problem types).
//
// The order of the enumerators is the order of precedence: a request that deserves several refusals gets the one that
// stands first. docs/reference/problems.md lists them in this order, and a test compares the two.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

enum class ProblemCode : std::uint8_t {
  malformed_request,          // the bytes are not one unambiguous HTTP/1.x request
  header_too_large,           // start line, one header line, all of them or their count above the limit
  body_too_large,             //
  not_implemented,            // a transfer coding or method that we do not speak
  request_timeout,            // header or body did not arrive in time
  stopping,                   // the node is shutting down
  overloaded,                 // queues are full; nothing ran
  unknown_path,               //
  method_not_allowed,         //
  rate_limited,               // a token bucket is empty
  unauthenticated,            // no credentials
  token_invalid,              // credentials that do not verify
  token_not_yet_valid,        // before its `nbf`
  token_expired,              //
  token_revoked,              // by its id, or with all that its user was given before an instant
  forbidden,                  // the caller's roles do not allow this
  signature_missing,          // the route takes signed requests only
  signature_malformed,        // Signature or Signature-Input cannot be read
  signature_incomplete,       // it does not cover all that it must
  content_digest_mismatch,    // Content-Digest is not that of the body
  signature_expired,          // outside of its window
  signature_invalid,          // whatever has to do with the key: unknown, revoked, somebody else's, a wrong signature
  signature_replayed,         // its nonce was used before
  unsupported_media_type,     //
  malformed_json,             //
  duplicate_member,           // one JSON object names a member twice
  idempotency_key_missing,    //
  idempotency_key_malformed,  //
  precondition_malformed,     // a concurrency token that cannot be parsed
  precondition_required,      // a concurrency token is required and none was sent
  malformed_parameter,        // a path or query parameter
  validation_failed,          // the body's members break rules; `violations` names each
  too_many_live_keys,         // the caller holds too many unexpired idempotency keys
  idempotency_key_reused,     // same key, other payload
  request_in_progress,        // the first request with this key is still running
  not_found,                  //
  not_sealed,                 // no checkpoint covers the audit entry yet
  not_owner,                  // the resource is somebody else's
  conflict,                   // stale concurrency token
  not_active,                 // its status does not allow this: sold, seized, converted, ...
  insufficient_stock,         //
  stock_limit,                // the sum would be more than an item can hold
  not_convertible,            // the law of the place does not allow a facility to become a business
  already_exists,             // a unique name is taken
  too_many_revocations,       // as many tokens and users are revoked as every node can keep in mind
  database_unavailable,       // the outcome is not known yet; retry with the same key
  internal_error,             //
};

inline constexpr std::size_t problem_code_count = static_cast<std::size_t>(ProblemCode::internal_error) + 1;

// What is fixed about a refusal. `code` is snake_case and never reused for another meaning; `type` is the path
// "/problems/<code with dashes>", which the server answers with a page.
struct ProblemKind {
  std::string_view code;
  std::uint16_t status;
  std::string_view title;
  std::string_view sentence;          // the `error` member: one sentence for people, the same for every instance
  bool transient;                     // may an identical retry, with the same key, succeed later?
  std::uint32_t retry_after_seconds;  // Retry-After where the refusal itself knows no better; 0: none
};

[[nodiscard]] const ProblemKind& kind_of(ProblemCode code) noexcept;
[[nodiscard]] std::optional<ProblemCode> problem_named(std::string_view code) noexcept;  // by its snake_case name
[[nodiscard]] std::string type_of(ProblemCode code);                                     // "/problems/not-found"

struct Violation {
  std::string path;  // JSON Pointer-like: "lines[2].quantity"; empty for the body as a whole
  std::string rule;  // "must be at least 1"
};

// One refusal of one request: a value, never thrown.
struct Problem {
  ProblemCode code;
  std::string detail;                 // what is wrong with this request; safe to show to its sender
  std::vector<Violation> violations;  // for validation_failed: all of them, not only the first
  std::string members;                // further JSON members, rendered, without braces: `"available":3,"requested":5`
  std::string allow;                  // for method_not_allowed: the Allow header
  std::uint32_t retry_after_seconds = 0;  // overrides the kind's

  [[nodiscard]] std::uint16_t status() const noexcept { return kind_of(code).status; }
};

[[nodiscard]] Problem problem(ProblemCode code, std::string detail = {});

// The RFC 9457 document: type, title, status, detail, code, error, then the problem's own members. `status` overrides
// the kind's (conflict_status = 412).
[[nodiscard]] std::string render(const Problem& problem, std::uint16_t status);
[[nodiscard]] std::string render(const Problem& problem);

}  // namespace tenon
