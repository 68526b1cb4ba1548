// One PostgreSQL session that blocks its thread: for what happens before a node serves (embedded cluster, migrations,
// preflight), and for tests. Rows come in text.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "postgres/connection.hpp"

namespace tenon::postgres {

class Session {
 public:
  // Throws ConnectionError. Gives up on a host after 5 s unless `conninfo` says otherwise.
  explicit Session(const std::string& conninfo);

  // Both throw StatementError or ConnectionError.
  Rows script(const std::string& sql);  // several statements; the last one's rows
  Rows execute(const std::string& sql, const std::vector<std::string>& parameters = {});

  [[nodiscard]] PGTransactionStatusType transaction_status() const noexcept;

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

// A value of a keyword conninfo string, quoted.
[[nodiscard]] std::string conninfo_value(const std::string& value);

}  // namespace tenon::postgres
