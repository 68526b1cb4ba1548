// The partitions that stored answers live in: turning from one to the next loses no key and forgets none too early.
// Time passes by moving what was written, never by sleeping.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <thread>

#include "base/clock.hpp"
#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

class SqlKeyGenerations : public SqlTest {
 protected:
  SqlKeyGenerations() {
    for (int n = 1; n <= 4; ++n) make_item(uuid_of(n), 100'000);
  }

  std::string turn() { return value(edge_, "SELECT tenon.turn_key_generation()"); }
  void opened_ago(const std::string& interval) {
    superuser_.execute("UPDATE tenon.key_generation SET opened_at = clock_timestamp() - interval '" + interval + "'");
  }
  std::string slot() { return value(superuser_, "SELECT slot FROM tenon.key_generation"); }
  std::string stored_in(int partition) {
    return value(superuser_, "SELECT count(*) FROM idempotency_keys_" + std::to_string(partition));
  }
  Answer sell_with(int key, int lifetime_seconds = 60) {
    Sale sale{.envelope = envelope(key), .item = uuid_of(1)};
    sale.envelope.lifetime_seconds = lifetime_seconds;
    return sell_one(edge_, sale);
  }
  // Microseconds from now until the answer may be forgotten.
  std::int64_t known_for(const Answer& answer) {
    return answer.expires.value_or(0) -
           std::stoll(value(superuser_, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"));
  }
};

TEST_F(SqlKeyGenerations, TurnAfterTwoLifetimesAndNotBefore) {
  opened_ago("110 seconds");
  EXPECT_EQ(turn(), "");
  opened_ago("120 seconds");
  EXPECT_EQ(turn(), "turned");
  EXPECT_EQ(slot(), "1");
  EXPECT_EQ(turn(), "") << "calling it again is harmless";
}

TEST_F(SqlKeyGenerations, GoRoundAndFreeAPartitionOnlyWhenItsLastKeyHasExpired) {
  EXPECT_EQ(sell_with(1).origin, 0);
  for (const char* expected : {"1", "2", "3"}) {
    opened_ago("120 seconds");
    ASSERT_EQ(turn(), "turned");
    ASSERT_EQ(slot(), expected);
    // Whatever was stored until the turn was promised for a minute at most; one second of grace.
    EXPECT_EQ(
        value(superuser_, "SELECT round(extract(epoch FROM free_at[slot] - opened_at)) FROM tenon.key_generation"),
        "61");
  }
  opened_ago("1 hour");
  superuser_.execute("UPDATE tenon.key_generation SET free_at[1] = clock_timestamp() + interval '20 s'");
  EXPECT_EQ(turn(), "");
  EXPECT_EQ(stored_in(0), "1");
  superuser_.execute("UPDATE tenon.key_generation SET free_at[1] = clock_timestamp()");
  EXPECT_EQ(turn(), "freed");
  EXPECT_EQ(stored_in(0), "0");
  EXPECT_EQ(slot(), "3") << "freed before it is turned to";
  EXPECT_EQ(turn(), "turned");
  EXPECT_EQ(slot(), "0");
}

// Nothing that is still promised is ever in a partition that is freed: at every step of many rounds.
TEST_F(SqlKeyGenerations, NeverFreeAKeyThatHasNotExpired) {
  int freed = 0;
  for (int step = 0; step < 60; ++step) {
    (void)sell_with(step + 1);
    age(step % 3 == 0 ? "4 seconds" : "21 seconds");
    const std::string promised = "SELECT count(*) FROM idempotency_keys WHERE expires_at > '" +
                                 value(superuser_, "SELECT clock_timestamp() + interval '2 s'") + "'";
    const std::string before = value(superuser_, promised);
    freed += turn() == "freed" ? 1 : 0;
    EXPECT_EQ(value(superuser_, promised), before) << "step " << step;
  }
  EXPECT_GE(freed, 5);
}

TEST_F(SqlKeyGenerations, DoNotTurnIntoAPartitionThatIsNotFree) {
  superuser_.execute(
      "UPDATE tenon.key_generation SET free_at[2] = clock_timestamp() + interval '1 day', opened_at = '-infinity'");
  EXPECT_EQ(turn(), "");
  EXPECT_EQ(slot(), "0");
}

TEST_F(SqlKeyGenerations, FindAKeyStoredBeforeATurnAndRefuseItsSecondUse) {
  const Answer first = sell_with(1);
  for (int turns = 1; turns <= 3; ++turns) {
    superuser_.execute("UPDATE tenon.key_generation SET opened_at = opened_at - interval '1 hour'");
    ASSERT_EQ(turn(), "turned");
    Answer again = sell_with(1);
    EXPECT_EQ(again.origin, 1) << "after " << turns << " turns";
    again.origin = 0;
    EXPECT_EQ(again, first);
    Sale reused{.envelope = envelope(1), .item = uuid_of(1)};
    reused.envelope.fingerprint = 0xbb;
    EXPECT_EQ(sell_one(edge_, reused), Answer{.origin = 2});
    EXPECT_EQ(value(edge_, "SELECT summary FROM tenon.read_outcome('" + envelope(1).claim + "', '')"), *first.body);
  }
  EXPECT_EQ(stored_in(0), "1");
  EXPECT_EQ(value(superuser_, "SELECT sum(quantity_sold) FROM inventory"), "1");
}

// A snapshot from before the lock could show a generation that is over: the key would be stored where nobody looks.
TEST_F(SqlKeyGenerations, AreHeldAtReadCommittedOnly) {
  const std::string arguments = R"({"id":")" + uuid_of(1) + R"(","increment":1})";
  const std::pair<const char*, std::function<void()>> ways[] = {
      {"a sale", [&] { (void)sell_with(1); }},
      {"an operation", [&] { (void)execute_one(edge_, "increment_stock", {envelope(2), arguments}); }},
      {"work with a key",
       [&] { edge_.execute("SELECT tenon.begin_keyed($1::uuid, sha256('')::bytea)", {envelope(3).claim}); }}};
  for (const auto& [what, run] : ways) {
    for (const auto& [level, expected] : {std::pair{"READ COMMITTED", "accepted"},
                                          std::pair{"REPEATABLE READ", "25000"}, std::pair{"SERIALIZABLE", "25000"}}) {
      edge_.script(std::string("BEGIN ISOLATION LEVEL ") + level);
      EXPECT_EQ(refusal_of(run), expected) << what << " at " << level;
      edge_.script("ROLLBACK");
    }
  }
}

// With a stolen login: a snapshot from when a partition had expired, kept until it is stored into again.
TEST_F(SqlKeyGenerations, AreNotFreedByWhoLooksAtThemAsTheyWere) {
  opened_ago("1 hour");
  ASSERT_EQ(turn(), "turned");
  age("62 seconds");
  Session thief = connect_edge();
  thief.script("BEGIN ISOLATION LEVEL REPEATABLE READ");
  ASSERT_EQ(value(thief, "SELECT count(*) FROM inventory"), "4");  // the snapshot: the first partition may be freed
  ASSERT_EQ(turn(), "freed");
  for (int turns = 0; turns < 3; ++turns) {
    opened_ago("1 hour");
    ASSERT_EQ(turn(), "turned");
  }
  ASSERT_EQ(slot(), "0");
  ASSERT_EQ(sell_with(1).origin, 0);
  EXPECT_EQ(refusal_of([&] { (void)value(thief, "SELECT tenon.turn_key_generation()"); }), "40001");
  thief.script("COMMIT");
  EXPECT_EQ(stored_in(0), "1");
  EXPECT_EQ(sell_with(1).origin, 1);
}

// A look costs as much as storing the key again, and each sale would pay it in each partition.
TEST_F(SqlKeyGenerations, AreLookedIntoByASaleOnlyWhereItsKeyMayBe) {
  const auto looked_into = [&](std::vector<int> keys) {
    std::vector<Sale> sales;
    for (const int key : keys) sales.push_back({.envelope = envelope(key), .item = uuid_of(1 + key % 2)});
    Session session = connect_edge();  // one that has counted nothing yet
    session.script("BEGIN");
    EXPECT_THAT(sell(session, sales), testing::Each(testing::Field(&Answer::origin, 0)));
    const std::string partitions =
        value(session,
              "SELECT string_agg(right(relname, 1), ' ' ORDER BY relname) FROM"
              " pg_stat_xact_all_tables WHERE relname ~ '^idempotency_keys_.$' AND idx_scan > 0");
    session.script("COMMIT");
    return partitions;
  };
  EXPECT_EQ(looked_into({1}), "");
  EXPECT_EQ(looked_into({2, 3}), "");
  opened_ago("1 hour");
  ASSERT_EQ(turn(), "turned");
  EXPECT_EQ(looked_into({4}), "0");
  EXPECT_EQ(looked_into({5, 6}), "0");
  opened_ago("1 hour");
  ASSERT_EQ(turn(), "turned");
  EXPECT_EQ(looked_into({7}), "0 1");
  EXPECT_EQ(looked_into({8, 9}), "0 1");
  age("62 seconds");
  ASSERT_EQ(turn(), "freed");
  ASSERT_EQ(turn(), "freed");
  EXPECT_EQ(looked_into({10}), "");
  EXPECT_EQ(looked_into({11, 12}), "");
}

TEST_F(SqlKeyGenerations, LetAnExpiredKeyBeUsedAgainWhereverItLies) {
  for (const char* slots : {"the current partition", "an earlier one"}) {
    EXPECT_EQ(sell_with(1).origin, 0) << slots;
    EXPECT_EQ(sell_with(1).origin, 1);
    age("61 seconds");
    EXPECT_EQ(value(edge_, "SELECT count(*) FROM tenon.read_outcome('" + envelope(1).claim + "', '')"), "0");
    if (std::string(slots) == "an earlier one") {
      ASSERT_EQ(turn(), "turned");
    }
    EXPECT_EQ(sell_with(1).origin, 0) << "unknown again, swept or not, in " << slots;
    EXPECT_EQ(sell_with(1).origin, 1);
    EXPECT_EQ(value(superuser_, "SELECT count(*) FROM idempotency_keys"), "1");
    age("61 seconds");
  }
}

TEST_F(SqlKeyGenerations, KeepAKeyForItsLifetimeAndNoLongerThanTheLongest) {
  constexpr std::int64_t second = 1'000'000;
  const auto near = [](std::int64_t seconds) {
    return testing::AllOf(testing::Gt((seconds - 20) * second), testing::Le(seconds * second));
  };
  EXPECT_THAT(known_for(sell_with(1, 30)), near(30));
  EXPECT_THAT(known_for(sell_with(2, 60)), near(60));
  EXPECT_THAT(known_for(sell_with(3, 3600)), near(60));
  const std::string arguments = R"({"id":")" + uuid_of(1) + R"(","increment":1})";
  Call call{envelope(4), arguments};
  call.envelope.lifetime_seconds = 3600;
  EXPECT_THAT(known_for(execute_one(edge_, "increment_stock", call)), near(60)) << "command by command";
  edge_.execute("SELECT tenon.ensure_key_lifetime('1 hour')");
  EXPECT_THAT(known_for(sell_with(5, 3600)), near(3600));
  EXPECT_EQ(value(superuser_,
                  "SELECT count(*) FROM idempotency_keys WHERE expires_at > clock_timestamp() + interval '1 hour'"),
            "0");
}

TEST_F(SqlKeyGenerations, LastAsLongAsAnyoneAskedAndNeverLess) {
  const auto ensure = [&](const std::string& wanted) {
    return refusal_of([&] { edge_.execute("SELECT tenon.ensure_key_lifetime($1::interval)", {wanted}); });
  };
  const auto longest = [&] { return value(superuser_, "SELECT lifetime_max FROM tenon.key_generation"); };
  EXPECT_EQ(ensure("30 seconds"), "accepted");
  EXPECT_EQ(longest(), "00:01:00") << "never lowered";
  EXPECT_EQ(ensure("2 hours"), "accepted");
  EXPECT_EQ(longest(), "02:00:00");
  EXPECT_EQ(ensure("1 hour"), "accepted");
  EXPECT_EQ(longest(), "02:00:00");
  EXPECT_EQ(ensure("7 days"), "accepted");
  EXPECT_EQ(longest(), "7 days");
  for (const char* wanted : {"7 days 00:00:01", "infinitely", "-1 hour", "29 seconds", "0"}) {
    EXPECT_THAT(ensure(wanted), testing::AnyOf("22023", "22007")) << wanted;
  }
  EXPECT_EQ(longest(), "7 days");
  // Two of that each, from now on.
  age("13 days");
  EXPECT_EQ(turn(), "");
  age("25 hours");
  EXPECT_EQ(turn(), "turned");
}

// A turn waits for every batch under way, but only briefly: writers behind it must not pile up.
TEST_F(SqlKeyGenerations, GiveUpTurningWhileABatchIsUnderWay) {
  age("1 hour");
  Session writer = connect_edge();
  writer.script("BEGIN");
  ASSERT_EQ(sell_one(writer, {.envelope = envelope(1), .item = uuid_of(2)}).origin, 0);
  auto turning = std::async(std::launch::async, [&] {
    const Monotonic start = monotonic_now();
    const std::string did = turn();
    return std::pair(did, monotonic_now() - start);
  });
  ASSERT_TRUE(await_row(superuser_conninfo_,
                        "SELECT FROM pg_locks WHERE relation = 'tenon.key_generation'::regclass"
                        " AND mode = 'ExclusiveLock' AND NOT granted"));
  Session behind = connect_edge();
  const Monotonic start = monotonic_now();
  EXPECT_EQ(sell_one(behind, {.envelope = envelope(2), .item = uuid_of(3)}).origin, 0);
  const auto held_up = monotonic_now() - start;
  const auto [did, took] = turning.get();
  EXPECT_EQ(did, "");
  EXPECT_LT(took, std::chrono::milliseconds(2'500));
  EXPECT_LT(held_up, std::chrono::milliseconds(2'500)) << "a node's lock_timeout is 3 s";
  writer.script("COMMIT");
  EXPECT_EQ(turn(), "turned");
  EXPECT_EQ(sell_with(1).origin, 1);
  EXPECT_EQ(sell_with(2).origin, 1);
}

// A partition that is read at that moment is freed by a later call.
TEST_F(SqlKeyGenerations, GiveUpFreeingWhileAPartitionIsRead) {
  (void)sell_with(1);
  for (int n = 0; n < 3; ++n) {
    superuser_.execute("UPDATE tenon.key_generation SET opened_at = opened_at - interval '1 hour'");
    ASSERT_EQ(turn(), "turned");
  }
  age("10 minutes");
  superuser_.script("BEGIN; LOCK TABLE idempotency_keys_0 IN ACCESS SHARE MODE");
  EXPECT_EQ(turn(), "");
  superuser_.script("COMMIT");
  EXPECT_EQ(turn(), "freed");
}

// One at a time, however many nodes call.
TEST_F(SqlKeyGenerations, TurnOnceForManyCallers) {
  age("1 hour");
  std::atomic<int> turned = 0;
  std::vector<std::thread> nodes;
  for (int n = 0; n < 8; ++n) {
    nodes.emplace_back([&] {
      Session node = connect_edge();
      for (int call = 0; call < 20; ++call) {
        if (value(node, "SELECT tenon.turn_key_generation()") == "turned") ++turned;
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(turned, 1);
  EXPECT_EQ(slot(), "1");
}

// Four nodes race the same keys while the partitions turn under them. What is counted are pieces sold, which know
// nothing of keys.
TEST_F(SqlKeyGenerations, KeepEachKeySingleAcrossTurnsUnderConcurrency) {
  constexpr int keys = 200;
  std::atomic<bool> done = false;
  std::atomic<int> turns = 0;
  std::thread turner([&] {
    Session superuser = connect_superuser();
    Session node = connect_edge();
    while (!done && turns < 3) {
      superuser.execute("UPDATE tenon.key_generation SET opened_at = opened_at - interval '1 hour'");
      if (value(node, "SELECT tenon.turn_key_generation()") == "turned") ++turns;
    }
  });
  std::vector<std::thread> nodes;
  std::atomic<int> collisions = 0;
  for (int node = 0; node < 4; ++node) {
    nodes.emplace_back([&, node] {
      Session session = connect_edge();
      std::mt19937 random(static_cast<unsigned>(node));
      std::vector<int> order(keys);
      for (int n = 0; n < keys; ++n) order[static_cast<std::size_t>(n)] = n;
      std::ranges::shuffle(order, random);
      for (const int key : order) {
        // Another item on each node: no lock on an item tells them apart, only the key.
        const Sale sale{.envelope = envelope(key), .item = uuid_of(1 + node)};
        for (int attempt = 0;; ++attempt) {
          const std::string outcome = refusal_of([&] { (void)sell_one(session, sale); });
          if (outcome == "accepted") break;
          ++collisions;
          if (outcome != "TN001" || attempt == 10) {
            ADD_FAILURE() << outcome;
            break;
          }
        }
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  done = true;
  turner.join();
  EXPECT_EQ(value(superuser_, "SELECT sum(quantity_sold) FROM inventory"), std::to_string(keys));
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM audit_logs"), std::to_string(keys));
  EXPECT_EQ(value(superuser_, "SELECT count(DISTINCT claim) || ' of ' || count(*) FROM idempotency_keys"),
            std::to_string(keys) + " of " + std::to_string(keys));
  EXPECT_GE(turns, 1) << "nothing turned: this run showed nothing";
}

}  // namespace
}  // namespace tenon::test
