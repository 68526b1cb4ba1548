#include "support/cluster.hpp"

#include <fstream>

#include "postgres/cluster_data.hpp"
#include "postgres/migrations.hpp"
#include "postgres/session.hpp"

namespace tenon::test {
namespace {

std::string other_database(std::string conninfo, const std::string& database) {
  return conninfo.substr(0, conninfo.rfind("dbname=")) + "dbname=" + database;
}

// As a node makes it, but without waiting for the disk. What ALTER SYSTEM would write comes after all else, and so wins
// over the durable settings that a node insists on.
void make_fast_data(const postgres::ClusterFiles& files) {
  const postgres::ServerUser user = postgres::choose_server_user(files.data());
  postgres::make_folders(files, user);
  postgres::make_data(files, user, postgres::find_server_program("", {}), {"--no-sync"});
  std::ofstream(files.data() / "postgresql.auto.conf", std::ios::app) << "fsync = off\nfull_page_writes = off\n";
}

}  // namespace

TestCluster::TestCluster(Durability durability) : log_("-", LogLevel::error) {
  const postgres::ClusterFiles files{folder_.path() / "pg"};
  if (durability == Durability::fast) make_fast_data(files);
  cluster_.emplace(postgres::ClusterSettings{.directory = files.root, .connections_max = 100}, log_);
}

std::string TestCluster::superuser(const std::string& database) const {
  return other_database(cluster_->superuser_conninfo(), database);
}

std::string TestCluster::edge(const std::string& database) const {
  return other_database(cluster_->edge_conninfo(), database);
}

std::string TestCluster::sealer(const std::string& database) const {
  return other_database(cluster_->sealer_conninfo(), database);
}

std::string TestCluster::make_database(const std::string& name) {
  query(superuser("postgres"), "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
  query(superuser("postgres"), "CREATE DATABASE " + name);
  return superuser(name);
}

void TestCluster::migrate(const std::string& database) {
  postgres::migrate(superuser(database), postgres::embedded_migrations(), log_);
}

TestCluster& shared_cluster() {
  static TestCluster cluster;
  return cluster;
}

postgres::Rows query(const std::string& conninfo, const std::string& sql, const std::vector<std::string>& parameters) {
  return postgres::Session(conninfo).execute(sql, parameters);
}

std::string query_value(const std::string& conninfo, const std::string& sql,
                        const std::vector<std::string>& parameters) {
  const postgres::Rows rows = query(conninfo, sql, parameters);
  return rows.size() > 0 && rows.columns() > 0 ? rows.text(0, 0) : "";
}

bool await_row(const std::string& conninfo, const std::string& sql) {
  postgres::Session session(conninfo);
  const Monotonic until = monotonic_now() + std::chrono::seconds(20);
  while (monotonic_now() < until) {
    if (session.execute(sql).size() > 0) return true;
  }
  return false;
}

}  // namespace tenon::test
