// One PostgreSQL session that blocks its thread: for what happens before a node serves (embedded cluster, migrations,
// preflight), for the commands that are no server, and for tests.
#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "postgres/connection.hpp"

namespace tenon::postgres {

class Session {
 public:
  // Throws ConnectionError. Gives up on a host after 5 s unless `conninfo` says otherwise.
  explicit Session(const std::string& conninfo);

  // All throw StatementError or ConnectionError.
  Rows script(const std::string& sql);  // several statements; the last one's rows, in text
  Rows execute(const std::string& sql, const std::vector<std::string>& parameters = {});  // rows in text
  Rows fetch(const std::string& sql, const Parameters& parameters = {});                  // rows in binary

  // Rows of any number, one by one as they come: COPY (`query`) TO STDOUT in binary. Columns are views that live until
  // `each` returns; what it throws is passed on, and the session is then of no more use.
  using Columns = std::span<const std::optional<std::string_view>>;
  void stream(const std::string& query, const std::function<void(Columns)>& each);

  [[nodiscard]] PGTransactionStatusType transaction_status() const noexcept;

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

// A value of a keyword conninfo string, quoted.
[[nodiscard]] std::string conninfo_value(const std::string& value);

}  // namespace tenon::postgres
