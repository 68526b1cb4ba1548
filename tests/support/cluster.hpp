// A throw-away PostgreSQL for the tests of one program: list support/cluster.cpp among its sources.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "postgres/cluster.hpp"
#include "postgres/connection.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {

// `fast` leaves out fsync and full_page_writes: not for a test that speaks of durability, nor for one that expects a
// preflight to pass.
enum class Durability { fast, durable };

class TestCluster {
 public:
  explicit TestCluster(Durability durability = Durability::fast);

  [[nodiscard]] postgres::Cluster& cluster() noexcept { return *cluster_; }
  [[nodiscard]] Logger& log() noexcept { return log_; }
  // To the database `tenon`, unless another is named.
  [[nodiscard]] std::string superuser(const std::string& database = "tenon") const;
  [[nodiscard]] std::string edge(const std::string& database = "tenon") const;
  [[nodiscard]] std::string sealer(const std::string& database = "tenon") const;
  // A fresh, empty database; made anew when there is one of that name.
  [[nodiscard]] std::string make_database(const std::string& name);  // the superuser's conninfo
  void migrate(const std::string& database = "tenon");               // the embedded migrations

 private:
  TemporaryFolder folder_;
  Logger log_;
  std::optional<postgres::Cluster> cluster_;
};

// The program's own: started at the first call, with Durability::fast, and removed at exit.
[[nodiscard]] TestCluster& shared_cluster();

// Blocking, on a connection of its own; rows in text. Throws StatementError or ConnectionError.
postgres::Rows query(const std::string& conninfo, const std::string& sql,
                     const std::vector<std::string>& parameters = {});
// The first column of the first row; empty for null or no row.
[[nodiscard]] std::string query_value(const std::string& conninfo, const std::string& sql,
                                      const std::vector<std::string>& parameters = {});

// Asks again until there is a row, for up to 20 s; false when there was none.
[[nodiscard]] bool await_row(const std::string& conninfo, const std::string& sql);

}  // namespace tenon::test
