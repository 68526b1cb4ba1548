// One PostgreSQL session over libpq's asynchronous interface, awaited with Asio.
#pragma once

#include <libpq-fe.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "postgres/value.hpp"

namespace tenon::postgres {

// The server refused a statement; the connection is still good unless it says otherwise.
class StatementError : public std::runtime_error {
 public:
  StatementError(std::string sqlstate, const std::string& message, std::string detail)
      : std::runtime_error(message), sqlstate_(std::move(sqlstate)), detail_(std::move(detail)) {}
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }  // the DETAIL field

 private:
  std::string sqlstate_;
  std::string detail_;
};

// The connection is gone or was given up (deadline; a COMMIT that was kept from waiting for the synchronous standby):
// whether a statement that was under way took effect, and will last, is UNKNOWN.
class ConnectionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The rows of one statement, in binary; none by default. Movable; views it hands out live as long as it does.
class Rows {
 public:
  explicit Rows(PGresult* result = nullptr) : result_(result, PQclear) {}
  [[nodiscard]] int size() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] int columns() const noexcept { return PQnfields(result_.get()); }
  [[nodiscard]] std::optional<std::string_view> get(int row, int column) const;  // nothing: SQL null
  [[nodiscard]] std::string text(int row, int column) const;                     // empty for null

 private:
  std::unique_ptr<PGresult, void (*)(PGresult*)> result_;
};

// Used by one coroutine at a time, on the executor it was opened with. Every call has a deadline: when it passes, the
// connection is closed and ConnectionError thrown. After a ConnectionError only destruction is allowed.
class Connection {
 public:
  // `conninfo`: a URI or keyword string as libpq takes it, multi-host with target_session_attrs included.
  [[nodiscard]] static boost::asio::awaitable<std::unique_ptr<Connection>> open(boost::asio::any_io_executor executor,
                                                                                std::string conninfo,
                                                                                Monotonic deadline);
  virtual ~Connection() = default;

  virtual boost::asio::awaitable<void> prepare(const std::string& name, const std::string& sql,
                                               const std::vector<Oid>& types, Monotonic deadline) = 0;
  // `parameters` outlives the call.
  virtual boost::asio::awaitable<Rows> execute_prepared(const std::string& name, const Parameters& parameters,
                                                        Monotonic deadline) = 0;
  virtual boost::asio::awaitable<Rows> execute(const std::string& sql, const Parameters& parameters,
                                               Monotonic deadline) = 0;
  // Several statements, no parameters; the last one's rows, in text.
  virtual boost::asio::awaitable<Rows> script(const std::string& sql, Monotonic deadline) = 0;

  // False also when the server has ended the session since the last call.
  [[nodiscard]] virtual bool usable() const noexcept = 0;
  [[nodiscard]] virtual int backend_pid() const noexcept = 0;
};

}  // namespace tenon::postgres
