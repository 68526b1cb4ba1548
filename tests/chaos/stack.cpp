#include "chaos/stack.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "chaos/rooms.hpp"
#include "postgres/cluster_files.hpp"
#include "postgres/migrations.hpp"
#include "support/raw_client.hpp"

namespace tenon::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds poll_interval{10};
constexpr seconds start_patience{60};

// Every change of an item, here or on the market, and the transaction that made it, whoever made it, in a table that no
// key protects: what is held against the audit log, the stored answers and the stock.
constexpr const char* witness = R"(
CREATE SCHEMA chaos;
CREATE TABLE chaos.changes (
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(), item uuid NOT NULL, old_version bigint NOT NULL,
  version bigint NOT NULL);
CREATE FUNCTION chaos.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = chaos, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO chaos.changes (item, old_version, version) VALUES (OLD.id, OLD.version, OLD.version + 1);
  ELSE
    INSERT INTO chaos.changes (item, old_version, version)
    VALUES (NEW.id, CASE TG_OP WHEN 'INSERT' THEN 0 ELSE OLD.version END, NEW.version);
  END IF;
  RETURN NULL;
END
$$;
CREATE TABLE chaos.ballast (filler text NOT NULL);
CREATE TRIGGER chaos_witness AFTER INSERT OR UPDATE OR DELETE ON public.inventory
  FOR EACH ROW EXECUTE FUNCTION chaos.note_change();
CREATE TRIGGER chaos_witness AFTER INSERT OR UPDATE OR DELETE ON public.market_items
  FOR EACH ROW EXECUTE FUNCTION chaos.note_change();
CREATE TRIGGER chaos_witness AFTER INSERT OR UPDATE OR DELETE ON public.rooms
  FOR EACH ROW EXECUTE FUNCTION chaos.note_change();
)";

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

bool comes_true(milliseconds patience, const auto& condition) {
  const Monotonic until = monotonic_now() + patience;
  while (!condition()) {
    if (monotonic_now() > until) return false;
    std::this_thread::sleep_for(poll_interval);
  }
  return true;
}

}  // namespace

std::string clock_library() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "";  // beside a sanitizer that is linked in, libfaketime waits for itself before main
#endif
  for (const char* machine : {"x86_64", "aarch64"}) {
    const std::string file = std::string("/usr/lib/") + machine + "-linux-gnu/faketime/libfaketimeMT.so.1";
    if (fs::exists(file)) return file;
  }
  return "";
}

Stack::Stack(StackSettings settings)
    : settings_(std::move(settings)), secret_("chaos-test-secret-3f0a8d5c71e94b26a7d1c0e2f4985b6d") {
  make_servers();
  std::ofstream(folder_.path() / "secret") << secret_ << '\n';
  chmod((folder_.path() / "secret").c_str(), 0600);
  redis_ = std::make_unique<test::RedisServer>();
  make_database();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i] = std::make_unique<StackNode>();
    StackNode& node = *nodes_[i];
    node.folder = folder_.path() / ("node" + std::to_string(i));
    fs::create_directories(node.data());
    for (std::size_t j = 0; j < servers_.size(); ++j) node.database[j].aim(servers_[j]->port());
    node.redis.aim(redis_->port());
    // Nodes that seal share the first one's key.
    if (i > 0) fs::copy_file(nodes_[0]->data() / "audit-key", node.data() / "audit-key");
    start_node(i);
    if (i == 0 && !node_serves(0, start_patience)) throw std::runtime_error("no node came up:\n" + node_log(0));
  }
  if (!healthy(start_patience)) throw std::runtime_error("the cluster did not come up:\n" + node_log(0));
}

Stack::~Stack() {
  for (auto& node : nodes_) {
    if (node) node->child.reset();
  }
  redis_.reset();
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    servers_[i].reset();
    disks_[i].reset();
  }
  if (images_) (void)umount2((folder_.path() / "disks").c_str(), MNT_DETACH);
}

// Their disks are in memory: what matters is what was synced, not how fast.
void Stack::make_servers() {
  const fs::path images = folder_.path() / "disks";
  fs::create_directories(images);
  images_ = mount("tmpfs", images.c_str(), "tmpfs", 0, "mode=0700,size=90%") == 0;
  std::vector<std::string> variables;
  if (!settings_.server_preload.empty()) {
    const fs::path library = folder_.path() / "preloaded.so";  // where the servers' user can read it
    fs::copy_file(settings_.server_preload, library);
    fs::permissions(library, fs::perms(0755));
    variables.push_back("LD_PRELOAD=" + library.string());
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::string name = "server" + std::to_string(i);
    const fs::path folder = folder_.path() / name;
    fs::create_directories(folder);
    disks_[i] = std::make_unique<Disk>(folder, images / name);
    servers_[i] = std::make_unique<PostgresServer>(folder, test::free_port(), variables);
  }
}

void Stack::make_database() {
  PostgresServer& first = primary();
  first.make();
  first.start();
  if (!first.answers(start_patience)) throw std::runtime_error("PostgreSQL did not start:\n" + first.log_tail());
  (void)postgres::Session(first.conninfo("postgres")).execute("CREATE DATABASE tenon");
  Logger log((folder_.path() / "migrate.log").string(), LogLevel::info);
  std::vector<postgres::Migration> migrations = postgres::embedded_migrations();
  migrations.push_back({.set = std::string(attacked_program),
                        .number = 1,
                        .name = std::string(rooms_name),
                        .sql = std::string(rooms_schema)});
  postgres::migrate(first.conninfo(), migrations, log);
  (void)postgres::Session(first.conninfo()).script(witness);
  primary_disk().sync();
  rebuild_standby();
}

std::string Stack::database_url(std::size_t i, const std::string& login) const {
  const auto& links = nodes_[i]->database;
  return "postgres://" + login + "@127.0.0.1:" + std::to_string(links[0].port()) +
         ",127.0.0.1:" + std::to_string(links[1].port()) +
         "/tenon?target_session_attrs=read-write&sslmode=disable&gssencmode=disable";
}

void Stack::start_node(std::size_t i, const std::string& failpoint) {
  StackNode& node = *nodes_[i];
  node.child.reset();
  node.port = 0;
  ++node.starts;
  const bool clocked = i == nodes_count - 1 && !clock_library().empty();
  std::vector<std::string> variables{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  if (clocked) {
    const fs::path clock = node.folder / "clock";
    if (!fs::exists(clock)) std::ofstream(clock) << "+0";
    variables.insert(variables.end(), {"LD_PRELOAD=" + clock_library(), "DONT_FAKE_MONOTONIC=1",
                                       "FAKETIME_CACHE_DURATION=1", "FAKETIME_TIMESTAMP_FILE=" + clock.string()});
  }
  // What tests/sanitizers/run set: where a report goes that has to fail the run.
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    const char* options = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
    if (options != nullptr) variables.push_back(std::string(name) + "=" + options);
  }
  variables.insert(variables.end(), settings_.node_environment.begin(), settings_.node_environment.end());
  if (!failpoint.empty()) variables.push_back("TENON_FAILPOINT=" + failpoint);
  const fs::path output = node.folder / "output";
  fs::remove(output);
  const postgres::Descriptor file(open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // Limits of all routes are off but for one, which the limited clients are held to.
  const std::string log =
      (settings_.artefacts.empty() ? node.folder / "log" : settings_.artefacts / ("node" + std::to_string(i) + ".log"))
          .string();
  node.child.emplace(
      postgres::ChildSettings{.arguments = {failpoint.empty() ? settings_.node_program : settings_.switched_program,
                                            "serve",
                                            "--data-dir",
                                            node.data(),
                                            "--secret-file",
                                            folder_.path() / "secret",
                                            "--listen",
                                            "127.0.0.1:0",
                                            "--database-url",
                                            database_url(i, "tenon_edge"),
                                            "--sealer-url",
                                            database_url(i, "tenon_sealer"),
                                            "--redis-url",
                                            "redis://127.0.0.1:" + std::to_string(node.redis.port()),
                                            "--redis-budget",
                                            "200",
                                            "--nodes",
                                            std::to_string(nodes_count),
                                            "--limit",
                                            "all=off",
                                            "--limit",
                                            "audit-read=" + std::string(limited_rate),
                                            "--trusted-proxy",
                                            "127.0.0.1/32",
                                            "--threads",
                                            "1",
                                            "--key-lifetime",
                                            std::to_string(settings_.key_lifetime.count()),
                                            "--live-keys-per-user",
                                            "0",
                                            "--log",
                                            log,
                                            "--log-level",
                                            "warning",
                                            "--log-requests",
                                            "0"},
                              .environment = std::move(variables),
                              .user = {.name = "", .uid = geteuid(), .gid = getegid()},
                              .output = file.number(),
                              .signal_when_orphaned = SIGKILL});
}

bool Stack::node_listens(std::size_t i) {
  StackNode& node = *nodes_[i];
  if (node.port != 0) return true;
  const std::string output = content_of(node.folder / "output");
  const std::size_t line = output.find("listening on ");
  const std::size_t end = line == std::string::npos ? line : output.find('\n', line);
  if (end == std::string::npos) return false;
  const std::string address = output.substr(line, end - line);
  node.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  node.entry.aim(node.port);
  return true;
}

// A node may give up a start, as when the database was away. All else is a defect.
void Stack::note_end(std::size_t i) {
  const StackNode& node = *nodes_[i];
  const auto status = node.child ? node.child->wait_until(monotonic_now()) : std::nullopt;
  if (!status || (node.port == 0 && WIFEXITED(*status))) return;
  complain(fmt::format("node {} {} {} by itself: {}", i,
                       WIFSIGNALED(*status) ? "died of signal" : "ended with exit code",
                       WIFSIGNALED(*status) ? WTERMSIG(*status) : WEXITSTATUS(*status), node_log(i)));
}

bool Stack::node_serves(std::size_t i, milliseconds patience) {
  return comes_true(patience, [&] {
    if (nodes_[i]->alive()) return node_listens(i);
    note_end(i);
    start_node(i);
    return false;
  });
}

bool Stack::node_ready(std::size_t i, milliseconds patience) {
  return comes_true(patience, [&] {
    try {
      test::RawClient client(nodes_[i]->port, milliseconds(2'000));
      client.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      return client.read().status == 200;
    } catch (const test::RawClientError&) {
      return false;
    }
  });
}

std::string Stack::node_log(std::size_t i) const {
  const std::string log = content_of(nodes_[i]->folder / "log");
  return content_of(nodes_[i]->folder / "output") + log.substr(log.size() - std::min<std::size_t>(log.size(), 4096));
}

void Stack::replace_redis() {
  auto fresh = std::make_unique<test::RedisServer>();
  for (auto& node : nodes_) node->redis.aim(fresh->port());
  redis_ = std::move(fresh);
  for (auto& node : nodes_) node->redis.reset();
}

bool Stack::standby_in_sync() {
  try {
    return primary().ask(
               "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'standby' AND state = 'streaming' "
               "AND "
               "sync_state = 'sync'") == "1";
  } catch (const std::exception&) {
    return false;
  }
}

void Stack::use_standby(bool in_sync) {
  postgres::Session session(primary().conninfo());
  session.execute(std::string("ALTER SYSTEM SET synchronous_standby_names = '") + (in_sync ? "standby" : "") + "'");
  session.execute("SELECT pg_reload_conf()");
  if (in_sync && !comes_true(start_patience, [&] { return standby_in_sync(); })) {
    throw std::runtime_error("the standby did not come into step:\n" + standby().log_tail());
  }
}

bool Stack::promote() {
  PostgresServer& next = standby();
  try {
    if (next.ask("SELECT pg_promote(false)") != "t") return false;
    if (!comes_true(start_patience, [&] { return next.ask("SELECT pg_is_in_recovery()") == "f"; })) return false;
  } catch (const std::exception&) {
    return false;
  }
  primary_ = 1 - primary_;
  return true;
}

void Stack::rebuild_standby() {
  PostgresServer& second = standby();
  if (!second.stop_at_once()) (void)second.kill_hard();
  stream_.aim(primary().port());
  second.clone(primary().port(), stream_.port());
  second.start();
  if (!second.answers(start_patience)) throw std::runtime_error("the standby did not start:\n" + second.log_tail());
  use_standby(true);
  standby_disk().sync();
}

void Stack::set_clock(const std::string& faketime) const {
  const fs::path clock = nodes_.back()->folder / "clock";
  const fs::path next = nodes_.back()->folder / "clock.next";
  std::ofstream(next) << faketime;
  fs::rename(next, clock);  // never to be read while it is empty
}

void Stack::heal_links() {
  const auto heal = [](Link& link) {
    link.disarm();
    link.slow(milliseconds(0));
    link.release();
  };
  heal(stream_);
  for (auto& node : nodes_) {
    for (Link* link : {&node->entry, &node->database[0], &node->database[1], &node->redis}) heal(*link);
  }
}

bool Stack::healthy(milliseconds patience) {
  const Monotonic until = monotonic_now() + patience;
  const auto left = [&] {
    return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(until - monotonic_now()));
  };
  for (std::size_t i = 0; i < nodes_count; ++i) {
    if (!node_serves(i, left()) || !node_ready(i, left())) return false;
  }
  return comes_true(left(), [&] { return standby_in_sync(); });
}

}  // namespace tenon::chaos
