// Which answers may be asked for again, and when. Pure: no clock, no I/O, no randomness of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace tenon::client {

struct Backoff {
  std::chrono::milliseconds first{100};  // doubles with each attempt, up to:
  std::chrono::milliseconds most{5'000};
};

// Of an answer as it came. `headers` in order, names in any case.
struct Answered {
  std::uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept;
};

// The `code` of a problem document (RFC 9457); empty for any other answer.
[[nodiscard]] std::string problem_code(const Answered& answer);

// May the same request, with the same Idempotency-Key and a fresh signature, be answered otherwise? A problem that we
// know says so itself (docs/reference/problems.md); and a signature that was replayed was so by somebody between: a
// proxy that sent our bytes twice. Of other answers: 408, 425, 429, 500, 502, 503 and 504.
[[nodiscard]] bool may_be_retried(const Answered& answer);

// Retry-After, as seconds or as a date seen at `now`; nothing when there is none, or none that can be read.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const Answered& answer, Instant now);

// How long to wait after attempt number `attempt` (1: the first): half of the doubled pause and a share of the other
// half that `random` says, 0 to 1, so that those who failed together do not come back together. Never less than `told`,
// the Retry-After, after which a share of the first pause is waited for the same reason.
[[nodiscard]] std::chrono::milliseconds pause_after(int attempt, const Backoff& backoff,
                                                    std::optional<std::chrono::milliseconds> told, double random);

}  // namespace tenon::client
