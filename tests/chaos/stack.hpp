// The cluster under attack: three nodes, a PostgreSQL primary with a synchronous standby, Redis, and a cutting proxy on
// every link between them and to their clients.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chaos/disk.hpp"
#include "chaos/link.hpp"
#include "chaos/postgres_server.hpp"
#include "postgres/child_process.hpp"
#include "support/redis_server.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::chaos {

constexpr std::size_t nodes_count = 3;
constexpr std::int64_t limited_quota = 20;           // of the one limit that is on:
constexpr std::string_view limited_rate = "20/10s";  // GET /api/audit-logs, by address

struct StackSettings {
  std::filesystem::path node_program;
  std::filesystem::path switched_program;          // the same with test switches, for what TENON_FAILPOINT says
  std::vector<std::string> node_environment = {};  // NAME=value, of every node
  std::filesystem::path server_preload = {};       // a library that PostgreSQL is started with; empty: none
  std::chrono::seconds key_lifetime{600};
  std::filesystem::path artefacts = {};  // where nodes log to; empty: in the stack's own folder
};

// libfaketime, by which the last node's wall clock can be moved; empty: not here.
[[nodiscard]] std::string clock_library();

// One node, its links, and its process, which comes and goes.
class StackNode {
 public:
  Link entry{Protocol::bytes};  // its clients come in here, and its port stays
  std::array<Link, 2> database{Link(Protocol::postgres), Link(Protocol::postgres)};  // to the two servers
  Link redis{Protocol::bytes};
  std::optional<postgres::ChildProcess> child;
  std::filesystem::path folder;
  std::uint16_t port = 0;
  std::uint64_t starts = 0;

  [[nodiscard]] bool alive() const { return child && child->alive(); }
  [[nodiscard]] std::filesystem::path data() const { return folder / "data"; }
};

// Called by one thread (the conductor), but for what says otherwise.
class Stack {
 public:
  explicit Stack(StackSettings settings);  // returns when all of it serves; throws with what went wrong
  ~Stack();

  [[nodiscard]] PostgresServer& primary() { return *servers_[primary_]; }
  [[nodiscard]] PostgresServer& standby() { return *servers_[1 - primary_]; }
  [[nodiscard]] std::size_t primary_index() const noexcept { return primary_; }
  [[nodiscard]] StackNode& node(std::size_t i) { return *nodes_[i]; }
  [[nodiscard]] test::RedisServer& redis() { return *redis_; }
  [[nodiscard]] Link& stream() { return stream_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_.path(); }
  [[nodiscard]] std::uint16_t entry_port(std::size_t i) const { return nodes_[i]->entry.port(); }  // any thread
  [[nodiscard]] const std::string& secret() const noexcept { return secret_; }

  // `failpoint`: not empty: of the switched program.
  void start_node(std::size_t i, const std::string& failpoint = {});
  // Whether it listens. Its clients are led there from then on.
  [[nodiscard]] bool node_listens(std::size_t i);
  // Starts it again, as a supervisor would, until it listens. False: it does not within the patience.
  [[nodiscard]] bool node_serves(std::size_t i, std::chrono::milliseconds patience);
  // Waits until /readyz of the node, asked past its entry link, is 200.
  [[nodiscard]] bool node_ready(std::size_t i, std::chrono::milliseconds patience);
  [[nodiscard]] std::string node_log(std::size_t i) const;
  // Complains of a node that has ended, unless it gave up a start. Not to be called after it was made to end.
  void note_end(std::size_t i);
  // What nodes did that nobody asked them to: to end, or not to.
  void complain(std::string what) { complaints_.push_back(std::move(what)); }
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

  void replace_redis();            // a new, empty one on another port
  void use_standby(bool in_sync);  // synchronous_standby_names; waits until the standby is in step
  // Kills nothing: promotes the standby, to which the links now lead; the roles are swapped. False: it did not.
  [[nodiscard]] bool promote();
  void rebuild_standby();  // a fresh copy of the primary takes the other server's place, and is waited for
  [[nodiscard]] bool standby_in_sync();
  [[nodiscard]] Disk& primary_disk() { return *disks_[primary_]; }
  [[nodiscard]] Disk& standby_disk() { return *disks_[1 - primary_]; }
  void set_clock(const std::string& faketime) const;  // of the last node: "+3600", "-3600", "+0"
  void heal_links();
  [[nodiscard]] bool healthy(
      std::chrono::milliseconds patience);  // every part works again; what doesn't run is started

 private:
  void make_servers();
  void make_database();
  [[nodiscard]] std::string database_url(std::size_t i, const std::string& login) const;

  StackSettings settings_;
  test::TemporaryFolder folder_;
  bool images_ = false;  // the disks' bytes are in memory
  std::string secret_;
  std::array<std::unique_ptr<Disk>, 2> disks_;  // under the servers' folders
  std::array<std::unique_ptr<PostgresServer>, 2> servers_;
  std::size_t primary_ = 0;
  Link stream_{Protocol::bytes};
  std::unique_ptr<test::RedisServer> redis_;
  std::array<std::unique_ptr<StackNode>, nodes_count> nodes_;
  std::vector<std::string> complaints_;
};

}  // namespace tenon::chaos
