// The sealer beside writers that commit, roll back and dawdle; killed, taken over from, and lied to.
//
// TENON_SEALER_KILLS makes the one of the kills longer: 100 is what a release is tried with.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "audit/outside.hpp"
#include "audit/sealer.hpp"
#include "audit/verifier.hpp"
#include "postgres/sealer_process.hpp"
#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

using audit::NoteSigner;
using std::chrono::milliseconds;

class SealerTest : public SqlTest {
 protected:
  SealerTest() : sealer_conninfo_(edge_conninfo_), signer_(NoteSigner::generate("tenon/0123456789abcdef")) {
    const std::string edge = "tenon_edge";
    sealer_conninfo_.replace(sealer_conninfo_.find(edge), edge.size(), "tenon_sealer");
    for (int n = 1; n <= 8; ++n) make_item(uuid_of(n), 1'000'000);
    std::ofstream(folder_.path() / "audit-key") << signer_.private_text() << "\n";
  }

  [[nodiscard]] std::filesystem::path published() const { return folder_.path() / "audit-checkpoints"; }
  [[nodiscard]] NoteSigner signer() const { return NoteSigner::parse(signer_.private_text()).value(); }

  std::unique_ptr<audit::Sealer> sealer(NoteSigner signer, const std::filesystem::path& file,
                                        std::int64_t entries_a_round = 100) {
    return sealer(std::move(signer), audit::file_sink(file), entries_a_round);
  }
  std::unique_ptr<audit::Sealer> sealer(NoteSigner signer, std::unique_ptr<audit::CheckpointSink> sink,
                                        std::int64_t entries_a_round = 100) {
    audit::SealerSettings settings{
        .conninfo = sealer_conninfo_, .period = milliseconds(2), .entries_a_round = entries_a_round};
    settings.sinks.push_back(std::move(sink));
    auto made = std::make_unique<audit::Sealer>(std::move(settings), std::move(signer), log_);
    made->start();
    return made;
  }
  std::unique_ptr<audit::Sealer> sealer() { return sealer(signer(), published()); }

  void sell_some(int count) {
    for (int n = 0; n < count; ++n) (void)sell_one(edge_, {.envelope = envelope(next_++), .item = uuid_of(1 + n % 8)});
  }
  std::uint64_t sealed() {
    return std::stoull(value(superuser_, "SELECT coalesce(max(size), 0) FROM tenon.audit_checkpoints"));
  }
  // As the file outside has it: a round's checkpoint comes there a moment after the round is committed.
  std::uint64_t published_size() const {
    const auto newest = audit::file_sink(published())->newest();
    return newest ? newest->size : 0;
  }
  std::uint64_t entries() { return std::stoull(value(superuser_, "SELECT count(*) FROM audit_logs")); }

  // Until it is so, for up to 30 s.
  static bool await(const std::function<bool()>& so) {
    const Monotonic until = monotonic_now() + std::chrono::seconds(30);
    while (!so()) {
      if (monotonic_now() > until) return false;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
  }

  // Tree and checkpoints of 250 entries, as of a backup, where 300 were sealed and published.
  void seal_and_set_back() {
    auto first = sealer();
    sell_some(250);
    ASSERT_TRUE(await([&] { return published_size() == 250; })) << logged();
    superuser_.script(
        "CREATE TABLE kept_tiles AS SELECT * FROM tenon.audit_tiles;"
        "CREATE TABLE kept_checkpoints AS SELECT * FROM tenon.audit_checkpoints");
    sell_some(50);
    ASSERT_TRUE(await([&] { return published_size() == 300; })) << logged();
    first.reset();
    meddle(
        "TRUNCATE tenon.audit_tiles, tenon.audit_checkpoints;"
        "INSERT INTO tenon.audit_tiles SELECT * FROM kept_tiles;"
        "INSERT INTO tenon.audit_checkpoints SELECT * FROM kept_checkpoints");
  }

  // Each committed row is sealed exactly once, in order, and what was published agrees.
  audit::Report verify() {
    const audit::VerifySettings settings{
        .conninfo = superuser_conninfo_, .key = signer_.verifier(), .key_from = "--key", .outside = {published()}};
    return audit::verify(settings, [](std::uint64_t, std::uint64_t) {}).report;
  }
  void expect_all_sealed() {
    const audit::Report report = verify();
    EXPECT_TRUE(report.holds()) << report.text();
    EXPECT_EQ(report.size, entries());
    EXPECT_EQ(report.unsealed, 0U);
    EXPECT_EQ(report.torn_checkpoints, 0U);
    EXPECT_EQ(lines(superuser_, "SELECT sum(entries) FROM tenon.audit_batches"), std::to_string(report.size) + "\n");
    const auto newest = audit::file_sink(published())->newest();
    ASSERT_TRUE(newest.has_value());
    EXPECT_EQ(newest->size, report.size);
  }

  TemporaryFolder folder_;
  Logger log_{(folder_.path() / "log").string(), LogLevel::info};
  std::string sealer_conninfo_;
  NoteSigner signer_;
  int next_ = 1'000;

  [[nodiscard]] std::string logged() {
    log_.flush();
    std::ifstream file(folder_.path() / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

// One of many: commits, rolls back, or holds its transaction open while others commit.
void write(const std::string& conninfo, int number, int transactions, std::atomic<int>& committed) {
  Session session(conninfo);
  std::mt19937 random(static_cast<unsigned>(number));
  const auto any = [&random](int below) { return std::uniform_int_distribution(0, below - 1)(random); };
  for (int n = 0; n < transactions; ++n) {
    std::vector<Sale> sales(static_cast<std::size_t>(1 + any(6)));
    for (Sale& sale : sales) {
      sale = {.envelope = envelope(1'000'000 + number * 10'000 + n * 10 + static_cast<int>(&sale - sales.data())),
              .item = uuid_of(1 + any(8))};
    }
    const int kind = any(10);
    session.script("BEGIN");
    try {
      (void)sell(session, sales);
      if (kind == 0)
        (void)execute_one(
            session, "increment_stock",
            {envelope(5'000'000 + number * 10'000 + n), R"({"id":")" + sales.front().item + R"(","increment":1})"});
      if (kind == 1) {  // holds what may be sealed back for a while
        const int until = committed + 5;
        for (int patience = 0; committed < until && patience < 40; ++patience)
          std::this_thread::sleep_for(milliseconds(1));
      }
      session.script(kind == 2 ? "ROLLBACK" : "COMMIT");
      if (kind != 2) ++committed;
    } catch (const postgres::StatementError&) {  // a deadlock: two transactions of ours met in two ways
      session.script("ROLLBACK");
    }
  }
}

TEST_F(SealerTest, SealsEveryCommittedEntryOnceBeside64WritersThatRollBackAndDawdle) {
  const auto sealing = sealer();
  std::atomic<int> committed = 0;
  {
    std::vector<std::jthread> writers;
    for (int n = 0; n < 64; ++n) writers.emplace_back([&, n] { write(edge_conninfo_, n, 12, committed); });
  }
  const std::uint64_t all = entries();
  EXPECT_GT(committed, 64 * 12 / 3) << "too few commits to mean anything";
  ASSERT_TRUE(await([&] { return published_size() == all && sealing->lag().count() == 0; })) << logged();
  sealing->stop();
  EXPECT_GT(std::stoi(value(superuser_, "SELECT count(*) FROM tenon.audit_checkpoints")), 5);
  EXPECT_EQ(sealing->failures(), 0U) << logged();
  expect_all_sealed();
}

TEST_F(SealerTest, LeavesWhatAnOpenTransactionMayStillPrecede) {
  const auto sealing = sealer();
  Session dawdler = connect_edge();
  dawdler.script("BEGIN");
  (void)sell_one(dawdler, {.envelope = envelope(1), .item = uuid_of(1)});
  for (int n = 2; n < 6; ++n) (void)sell_one(edge_, {.envelope = envelope(n), .item = uuid_of(n)});
  ASSERT_TRUE(await([&] { return sealing->at_work() && sealing->lag().count() > 0; }));
  EXPECT_EQ(sealed(), 0U);
  dawdler.script("COMMIT");
  ASSERT_TRUE(await([&] { return published_size() == 5; })) << logged();
  sealing->stop();
  expect_all_sealed();
}

TEST_F(SealerTest, TellsOfNoLagOnceItIsNotAtWork) {
  const auto sealing = sealer();
  Session dawdler = connect_edge();
  dawdler.script("BEGIN");
  (void)sell_one(dawdler, {.envelope = envelope(1), .item = uuid_of(1)});
  (void)sell_one(edge_, {.envelope = envelope(2), .item = uuid_of(2)});
  ASSERT_TRUE(await([&] { return sealing->lag().count() > 0; }));
  sealing->stop();
  EXPECT_EQ(sealing->lag().count(), 0);
}

// However small a round is, a transaction goes into one.
TEST_F(SealerTest, SealsATransactionLargerThanARoundWhole) {
  std::vector<Sale> sales;
  for (int n = 0; n < 300; ++n) sales.push_back({.envelope = envelope(n), .item = uuid_of(1 + n % 8)});
  edge_.script("BEGIN");
  (void)sell(edge_, sales);
  std::vector<Call> calls;
  for (int n = 300; n < 400; ++n) calls.push_back({envelope(n), R"({"id":")" + uuid_of(1) + R"(","increment":1})"});
  (void)execute(edge_, "increment_stock", calls);
  edge_.script("COMMIT");
  sell_some(30);
  const auto sealing = sealer(signer(), published(), 7);
  ASSERT_TRUE(await([&] { return published_size() == 430; })) << logged();
  sealing->stop();
  EXPECT_EQ(value(superuser_, "SELECT min(size) FROM tenon.audit_checkpoints"), "400");
  EXPECT_EQ(value(superuser_, "SELECT count(*) > 4 FROM tenon.audit_checkpoints"), "t");
  expect_all_sealed();
}

TEST_F(SealerTest, IsOneAtATimeAndAnotherGoesOnWhereItEnded) {
  const auto elsewhere = folder_.path() / "other-checkpoints";
  auto first = sealer();
  ASSERT_TRUE(await([&] { return first->at_work(); }));
  const auto second = sealer(signer(), elsewhere);
  sell_some(20);
  ASSERT_TRUE(await([&] { return published_size() == 20; }));
  EXPECT_FALSE(second->at_work());
  first.reset();
  sell_some(20);
  ASSERT_TRUE(await([&] { return audit::file_sink(elsewhere)->newest().value_or(audit::Publication()).size == 40; }))
      << logged();
  EXPECT_TRUE(second->at_work());
  second->stop();
  // Back at the first place, what was not published there comes first.
  auto third = sealer();
  sell_some(1);
  ASSERT_TRUE(await([&] { return published_size() == 41; })) << logged();
  third->stop();
  std::string sizes;
  audit::Outside all(published());
  while (const auto one = all.next()) {
    sizes += std::to_string(audit::open_checkpoint(signer_.verifier(), one->note).value().size) + "\n";
  }
  EXPECT_EQ(sizes, lines(superuser_, "SELECT size FROM tenon.audit_checkpoints ORDER BY size"));
  expect_all_sealed();
}

TEST_F(SealerTest, WithAnotherKeyIsRefused) {
  auto first = sealer();
  sell_some(5);
  ASSERT_TRUE(await([&] { return sealed() == 5; }));
  first.reset();
  const NoteSigner other = NoteSigner::generate("tenon/fedcba9876543210");
  EXPECT_THAT(audit::sealing_preflight(sealer_conninfo_, other.verifier()),
              testing::HasSubstr("is sealed with the key"));
  EXPECT_EQ(audit::sealing_preflight(sealer_conninfo_, signer_.verifier()), "");
  const auto wrong = sealer(NoteSigner::parse(other.private_text()).value(), folder_.path() / "other");
  sell_some(5);
  ASSERT_TRUE(await([&] { return wrong->failures() > 3; }));
  EXPECT_FALSE(wrong->at_work());
  EXPECT_EQ(sealed(), 5U);
  EXPECT_THAT(logged(), testing::HasSubstr("give it the audit-key of the node that sealed first"));
}

TEST_F(SealerTest, AsASuperuserIsRefused) {
  EXPECT_THAT(audit::sealing_preflight(superuser_conninfo_, signer_.verifier()), testing::HasSubstr("superuser"));
  EXPECT_THAT(audit::sealing_preflight("host=/nowhere user=x", signer_.verifier()),
              testing::HasSubstr("cannot be sealed"));
}

struct Lie {
  const char* what;
  std::string sql;  // as the superuser, past every trigger
  const char* said;
};

// What does not fit is not sealed over: somebody has to look into it.
TEST_F(SealerTest, DoesNotSignWhatDoesNotFitTogether) {
  auto first = sealer();
  sell_some(300);
  ASSERT_TRUE(await([&] { return published_size() == 300; }));
  first.reset();
  sell_some(5);
  const Lie lies[] = {
      {"an entry removed before it was sealed", "DELETE FROM audit_logs WHERE id = (SELECT max(id) FROM audit_logs)",
       "there are 4: somebody changed the log"},
      {"an entry given to another transaction before",
       "UPDATE audit_logs SET transaction_id = '3' WHERE id = (SELECT max(id) FROM audit_logs)",
       "there are 4: somebody changed the log"},
      {"the tree cut", "UPDATE tenon.audit_tiles SET hashes = substr(hashes, 1, 32) WHERE level = 0 AND index = 1",
       "hole"},
      {"a tile gone", "DELETE FROM tenon.audit_tiles WHERE level = 1", "hole"},
      {"a hash changed",
       "UPDATE tenon.audit_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM 5 FOR 1)"
       " WHERE level = 0 AND index = 1",
       "is not the one that its last checkpoint is of"},
      {"a checkpoint of another root", "UPDATE tenon.audit_checkpoints SET root = sha256('x')",
       "is not the one that its last checkpoint is of"},
      {"a checkpoint nobody signed", "UPDATE tenon.audit_checkpoints SET note = replace(note, '300', '301')",
       "is not one of this log's key"},
      {"the last checkpoints gone", "DELETE FROM tenon.audit_checkpoints WHERE size > 250", "older backup"},
      {"another cluster's transaction ids",
       "UPDATE tenon.audit_checkpoints SET transaction_id = '9000000000000000000'"
       " WHERE size = 300",
       "another cluster"},
  };
  const std::string tables = "audit_logs tenon.audit_tiles tenon.audit_checkpoints";
  for (const Lie& lie : lies) {
    superuser_.script(
        "CREATE TABLE kept_logs AS SELECT * FROM audit_logs;"
        "CREATE TABLE kept_tiles AS SELECT * FROM tenon.audit_tiles;"
        "CREATE TABLE kept_checkpoints AS SELECT * FROM tenon.audit_checkpoints");
    meddle(lie.sql);
    const auto sealing = sealer();
    EXPECT_TRUE(await([&] { return sealing->failures() > 2; })) << lie.what;
    EXPECT_FALSE(sealing->at_work()) << lie.what;
    sealing->stop();
    EXPECT_THAT(logged(), testing::HasSubstr(lie.said)) << lie.what;
    EXPECT_LE(sealed(), 300U) << lie.what;
    meddle(
        "TRUNCATE audit_logs, tenon.audit_tiles, tenon.audit_checkpoints;"
        "INSERT INTO audit_logs SELECT * FROM kept_logs; INSERT INTO tenon.audit_tiles SELECT * FROM kept_tiles;"
        "INSERT INTO tenon.audit_checkpoints SELECT * FROM kept_checkpoints;"
        "DROP TABLE kept_logs, kept_tiles, kept_checkpoints");
  }
  // As it was, it goes on.
  const auto sealing = sealer();
  ASSERT_TRUE(await([&] { return published_size() == 305; })) << logged();
  sealing->stop();
  expect_all_sealed();
}

TEST_F(SealerTest, ThatSeesASetBackDatabaseKeepsItsTurnFromThoseWhoKnowNothingOfIt) {
  ASSERT_NO_FATAL_FAILURE(seal_and_set_back());
  const auto knows = sealer();
  ASSERT_TRUE(await([&] { return knows->failures() > 2; }));
  const auto elsewhere = folder_.path() / "other-checkpoints";
  const auto knows_nothing = sealer(signer(), elsewhere);
  ASSERT_TRUE(await([&] {
    return value(superuser_, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tenon sealer'") == "2";
  })) << logged();
  const std::uint64_t refused = knows->failures();
  ASSERT_TRUE(await([&] { return knows->failures() > refused + 50; }));
  EXPECT_EQ(sealed(), 250U);
  EXPECT_FALSE(knows->at_work());
  EXPECT_FALSE(knows_nothing->at_work());
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
  EXPECT_THAT(logged(), testing::HasSubstr("older backup"));
  // It looks again each time.
  std::filesystem::rename(published(), folder_.path() / "away");
  ASSERT_TRUE(await([&] { return knows->at_work() && published_size() == 300; })) << logged();
}

// A folder's newest checkpoint, when it can be read.
class UnsteadySink final : public audit::CheckpointSink {
 public:
  UnsteadySink(std::function<std::optional<audit::Publication>()> newest, std::atomic<int>& publications)
      : newest_(std::move(newest)), publications_(publications) {}
  [[nodiscard]] const std::string& place() const noexcept override { return place_; }
  [[nodiscard]] bool takes_each() const noexcept override { return false; }
  [[nodiscard]] std::optional<audit::Publication> newest() const override { return newest_(); }
  boost::asio::awaitable<void> publish(audit::Publication, Monotonic) override {
    ++publications_;
    co_return;
  }

 private:
  std::string place_ = "an unsteady place";
  std::function<std::optional<audit::Publication>()> newest_;
  std::atomic<int>& publications_;
};

TEST_F(SealerTest, SealsNothingWhileAPlaceCannotBeRead) {
  ASSERT_NO_FATAL_FAILURE(seal_and_set_back());
  const audit::Publication furthest = audit::file_sink(published())->newest().value();
  std::atomic<int> publications = 0;
  std::atomic<int> asked = 0;
  const auto away_once = [&]() -> std::optional<audit::Publication> {
    if (asked++ == 0) throw std::runtime_error("cannot read it: Input/output error");
    return furthest;
  };
  const auto sealing = sealer(signer(), std::make_unique<UnsteadySink>(away_once, publications));
  ASSERT_TRUE(await([&] { return sealing->failures() > 3; }));
  sealing->stop();
  EXPECT_EQ(publications, 0);
  EXPECT_EQ(sealed(), 250U);
  EXPECT_THAT(logged(), testing::HasSubstr("what was published cannot be read: cannot read it"));
  EXPECT_THAT(logged(), testing::HasSubstr("older backup"));
}

// Such as another cluster's primary published meanwhile.
TEST_F(SealerTest, PublishesNothingWhereThereIsMoreThanItHas) {
  ASSERT_NO_FATAL_FAILURE(seal_and_set_back());
  const audit::Checkpoint further{
      .origin = signer_.verifier().id().name, .size = 1'000'000, .root = audit::empty_root()};
  const audit::Publication furthest{.size = further.size, .note = signer_.sign(further.text())};
  std::atomic<int> publications = 0;
  std::atomic<int> asked = 0;
  const auto comes = [&]() -> std::optional<audit::Publication> {
    if (asked++ == 0) return std::nullopt;
    return furthest;
  };
  const auto sealing = sealer(signer(), std::make_unique<UnsteadySink>(comes, publications));
  ASSERT_TRUE(await([&] { return sealing->failures() > 3; }));
  sealing->stop();
  EXPECT_EQ(publications, 0);
  EXPECT_FALSE(sealing->at_work());
  EXPECT_THAT(logged(), testing::HasSubstr("a checkpoint of 1000000 entries was published in an unsteady place"));
}

TEST_F(SealerTest, SurvivesTheEndOfItsSession) {
  const auto sealing = sealer();
  for (int round = 0; round < 5; ++round) {
    sell_some(10);
    superuser_.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenon_sealer'");
  }
  ASSERT_TRUE(await([&] { return published_size() == 50; })) << logged();
  sealing->stop();
  expect_all_sealed();
}

TEST_F(SealerTest, KilledAtAnyMomentLeavesNeitherForkNorGap) {
  const char* asked = std::getenv("TENON_SEALER_KILLS");  // NOLINT(concurrency-mt-unsafe)
  const int kills = asked == nullptr ? 10 : std::stoi(asked);
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  std::atomic<bool> enough = false;
  int unpublished = 0;  // killed after a commit and before its publication
  {
    std::vector<std::jthread> writers;
    for (int n = 0; n < 4; ++n) {
      writers.emplace_back([&, n] {
        Session session(edge_conninfo_);
        for (int i = 0; !enough && i < 9'000; ++i) {
          (void)sell_one(session, {.envelope = envelope(2'000'000 + n * 10'000 + i), .item = uuid_of(1 + (i + n) % 8)});
          std::this_thread::sleep_for(milliseconds(1));
        }
      });
    }
    for (int n = 0; n < kills; ++n) {
      const std::uint64_t before = sealed();
      SealerProcess process(sealer_conninfo_, folder_.path());
      EXPECT_TRUE(await([&] { return sealed() > before; })) << "it never sealed";
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      process.kill_and_reap();
      const auto newest = audit::file_sink(published())->newest();
      if (!newest || newest->size < sealed()) ++unpublished;
    }
    enough = true;
  }
  const auto sealing = sealer();
  ASSERT_TRUE(await([&] { return published_size() == entries(); })) << logged();
  sealing->stop();
  std::printf("%d kills (seed %u), %d of them between a commit and its publication; %s checkpoints of %s entries\n",
              kills, seed, unpublished, value(superuser_, "SELECT count(*) FROM tenon.audit_checkpoints").c_str(),
              std::to_string(entries()).c_str());
  EXPECT_EQ(sealing->failures(), 0U) << logged();
  expect_all_sealed();
}

}  // namespace
}  // namespace tenon::test
