#include "postgres/errors.hpp"

#include <string_view>

namespace tenon::postgres {
namespace {

std::string_view view_of(const PGresult* result, int code) noexcept {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string field(const PGresult* result, int code) { return std::string(view_of(result, code)); }

std::string without_line_break(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string message_of(const PGresult* result) {
  std::string primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
  return primary.empty() ? without_line_break(PQresultErrorMessage(result)) : primary;
}

}  // namespace

std::string message_of(const PGconn* connection) { return without_line_break(PQerrorMessage(connection)); }

bool ends_session(const PGresult* result) noexcept {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (sqlstate == nullptr) return true;
  const std::string_view state = sqlstate;
  if (state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03") return true;
  const std::string_view how_bad = view_of(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return how_bad == "FATAL" || how_bad == "PANIC";
}

// By where in the server it comes from: its SQLSTATE is that of any warning, as of one that comes with each transaction
// before identifiers run out, and its text is in the server's language.
bool ends_wait_for_standby(const PGresult* notice) noexcept {
  return view_of(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING" &&
         view_of(notice, PG_DIAG_SOURCE_FILE) == "syncrep.c";
}

void throw_error_of(const PGresult* result) {
  if (ends_session(result)) throw ConnectionError(message_of(result));
  throw StatementError(field(result, PG_DIAG_SQLSTATE), message_of(result), field(result, PG_DIAG_MESSAGE_DETAIL));
}

}  // namespace tenon::postgres
