// A server's answer as our client takes it: whether to ask again, and when.
#include <chrono>
#include <string>

#include "client/retry.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {

// Its status in two bytes, Retry-After and Content-Type in a line each, and its body.
void client_answer(std::string_view input);
void client_answer(std::string_view input) {
  using std::chrono::milliseconds;
  constexpr Instant now{std::chrono::seconds(1'764'652'871)};
  Input bytes(input);
  client::Answered answer;
  answer.status = static_cast<std::uint16_t>(bytes.byte() << 8);
  answer.status = static_cast<std::uint16_t>(answer.status | bytes.byte());
  const std::string after(bytes.line());
  const std::string type(bytes.line());
  answer.headers = {{"retry-after", after}, {"content-type", type}};
  answer.body = bytes.rest();

  check(client::problem_code(answer).empty() || type.starts_with("application/problem+json"),
        "only a problem document has a problem's code");
  check(!client::may_be_retried(answer) || answer.status >= 400, "what succeeded is not asked for again");
  const auto told = client::retry_after(answer, now);
  check(!told || *told >= milliseconds(0), "nobody is asked before now");
  if (!after.empty() && after.size() <= 7 && after.find_first_not_of("0123456789") == std::string::npos)
    check(told == std::chrono::seconds(std::stol(after)), "seconds are what their digits say");
  check(client::pause_after(1, {}, told, 0.5) >= told.value_or(milliseconds(0)), "no pause is shorter than was told");
}

}  // namespace tenon::fuzz
