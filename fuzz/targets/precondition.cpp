// Concurrency tokens, from header lines and a body: what does not parse is refused, never satisfied.
#include "encoding/json.hpp"
#include "fuzz/request_of.hpp"
#include "fuzz/target.hpp"
#include "safeguards/precondition/token.hpp"

namespace tenon::fuzz {

// Header lines, an empty line, a body.
void precondition(std::string_view input);
void precondition(std::string_view input) {
  Input in(input);
  const RequestOf request(in);
  const auto body = json::parse(in.rest());
  const json::Value* const value = body ? &*body : nullptr;
  const auto tokens = safeguards::read_precondition(request.get(), value);
  if (!tokens) {
    check(tokens.error().code == ProblemCode::precondition_malformed, "a refusal has its name");
    return;
  }
  std::size_t sent = 0;
  for (const char* name : {"If-Match", "If-Match-Version", "If-Unmodified-Since"}) sent += request.get().count(name);
  check(sent == 0 || !tokens->empty(), "a token that was sent is looked at");
  for (const std::int64_t version : tokens->versions)
    check(version >= 0 && version <= 9'007'199'254'740'991, "a version is one that JSON can say");
  const std::string written = safeguards::as_json(*tokens);
  check(written.empty() == tokens->empty(), "no token, no text");
  check(written.empty() || json::parse(written).has_value(), "the database is sent JSON");
}

}  // namespace tenon::fuzz
