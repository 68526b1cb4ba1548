// Optimistic locking: the concurrency tokens a request may carry. They are parsed here and compared in the database,
// under the row's lock, in the writing transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "encoding/http_date.hpp"
#include "encoding/json.hpp"
#include "http/message.hpp"

namespace tenon::safeguards {

// All that were sent must hold.
struct Precondition {
  std::vector<std::int64_t> versions;  // from If-Match-Version, If-Match and the body's `version`
  std::vector<GrainedInstant> dates;   // from If-Unmodified-Since and the body's `ifUnmodifiedSince`
  bool exists = false;                 // If-Match: * - any current version
  bool from_standard_header = false;   // If-Match or If-Unmodified-Since was among them (conflict_status)
  [[nodiscard]] bool empty() const noexcept { return versions.empty() && dates.empty() && !exists; }
};

// Reads If-Match-Version: n, If-Match: "vN" | W/"vN" | * | a list of tags (the row must match one of them: more than
// one tag is refused as we could not say which), If-Unmodified-Since (HTTP-date or ISO 8601) and, when `body` is an
// object, its members `version` (an integer >= 1) and `ifUnmodifiedSince` (a string). precondition_malformed for any of
// them that cannot be parsed, is repeated, negative, fractional or beyond 2^53 - 1.
[[nodiscard]] Result<Precondition> read_precondition(const http::Request& request, const json::Value* body);

// {"versions":[3],"dates":[{"at":"2025-12-02T05:21:11.000000Z","grain":1000000}],"exists":true} for the SQL side;
// empty text when there is none.
[[nodiscard]] std::string as_json(const Precondition& precondition);

// Adds a date token that an operation takes under a name of its own ("facilityUpdatedAt"), when the body has it.
// precondition_malformed when it cannot be parsed.
[[nodiscard]] std::optional<Problem> add_date_token(const json::Object& body, std::string_view member,
                                                    Precondition& into);

// Names the accepted tokens: the detail of precondition_required. A request without a body has only the headers'.
[[nodiscard]] std::string accepted_tokens(bool has_body = true);

}  // namespace tenon::safeguards
