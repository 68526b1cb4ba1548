// What libpq reports, as the two errors of connection.hpp.
#pragma once

#include <libpq-fe.h>

#include <string>

#include "postgres/connection.hpp"

namespace tenon::postgres {

// Without the line break that libpq ends its messages with.
[[nodiscard]] std::string message_of(const PGconn* connection);

// The server ended the session with this error, or libpq made it up because the session was lost.
[[nodiscard]] bool ends_session(const PGresult* result) noexcept;

// The warning that comes with a COMMIT which somebody kept from waiting for the synchronous standby
// (pg_cancel_backend).
[[nodiscard]] bool ends_wait_for_standby(const PGresult* notice) noexcept;

// `result` is an error: throws ConnectionError when it ends the session, else StatementError.
[[noreturn]] void throw_error_of(const PGresult* result);

}  // namespace tenon::postgres
