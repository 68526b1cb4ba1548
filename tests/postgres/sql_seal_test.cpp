// What the database itself holds a sealer to, whatever key and whatever tree that has.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

class SqlSeal : public SqlTest {
 protected:
  SqlSeal() : sealer_(login("tenon_sealer")) {
    for (int n = 1; n <= 3; ++n) make_item(uuid_of(n), 100);
    for (int n = 1; n <= 3; ++n) (void)sell_one(edge_, {.envelope = envelope(n), .item = uuid_of(n)});
  }

  [[nodiscard]] Session login(const std::string& role) const {
    std::string conninfo = edge_conninfo_;
    conninfo.replace(conninfo.find("tenon_edge"), std::string("tenon_edge").size(), role);
    return Session(conninfo);
  }

  struct Round {
    int known = 0;
    int size = 3;
    std::string key = "k";
    std::string transaction = "(SELECT max(transaction_id) FROM tenon.audit_batches)";
    std::string last = "(SELECT max(last_id) FROM tenon.audit_batches)";
    int leaves = 3;  // in the tile; each hash is its number, repeated
    int first = 1;   // the first one's number
  };
  std::string seal(const Round& round) {
    std::string tile;
    for (int n = 0; n < round.leaves; ++n) tile += fmt::format("{:02x}", round.first + n);
    return refusal_of([&] {
      sealer_.script(
          fmt::format("SELECT tenon.seal_audit({}, 'log', '{}', {}, sha256('root'), 'note', {}, {}, '{{0}}', '{{0}}',"
                      " ARRAY[(SELECT string_agg(decode(repeat(h, 32), 'hex'), '') FROM regexp_split_to_table('{}', "
                      "'(?<=..)(?=(..)+$)') AS h)],"
                      " ARRAY['1'::xid8], ARRAY[1::bigint])",
                      round.known, round.key, round.size, round.transaction, round.last, tile));
    });
  }

  Session sealer_;
};

TEST_F(SqlSeal, TakesARoundThatGoesOnFromTheStoredTree) {
  EXPECT_EQ(seal({}), "accepted");
  (void)sell_one(edge_, {.envelope = envelope(9), .item = uuid_of(1)});
  EXPECT_EQ(seal({.known = 3, .size = 4, .leaves = 4}), "accepted");
  EXPECT_EQ(lines(superuser_, "SELECT size, note FROM tenon.audit_checkpoints ORDER BY size"), "3|note\n4|note\n");
  EXPECT_EQ(lines(superuser_, "SELECT level, index, octet_length(hashes) FROM tenon.audit_tiles"), "0|0|128\n");
}

TEST_F(SqlSeal, RefusesForksGapsAndStrangers) {
  (void)sell_one(edge_, {.envelope = envelope(9), .item = uuid_of(1)});
  const std::string second = "(SELECT transaction_id FROM tenon.audit_batches ORDER BY 1 OFFSET 1 LIMIT 1)";
  const std::string second_id = "(SELECT last_id FROM tenon.audit_batches ORDER BY transaction_id OFFSET 1 LIMIT 1)";
  const std::pair<Round, const char*> rounds[] = {
      {{.known = 1, .size = 4, .leaves = 4}, "TN012"},   // nothing is sealed yet
      {{.size = 3}, "TN013"},                            // one entry left out
      {{.size = 5, .leaves = 5}, "TN013"},               // one too many
      {{.size = 4, .leaves = 3}, "TN013"},               // the tile has fewer than the tree
      {{.size = 4, .last = "1", .leaves = 4}, "TN013"},  // not the last entry
      {{.size = 4, .transaction = "'9000000000000000000'", .leaves = 4}, "TN013"},
      {{.size = 0, .transaction = "'3'", .leaves = 1}, "TN013"},
      {{.size = 2, .transaction = second, .last = second_id, .leaves = 2}, "accepted"},
      {{.size = 2, .transaction = second, .last = second_id, .leaves = 2}, "TN012"},  // once more
      {{.known = 2, .size = 4, .key = "other", .leaves = 4}, "TN011"},
      {{.known = 2, .size = 4, .leaves = 4, .first = 2}, "42501"},  // other hashes where some are already
      {{.known = 2, .size = 4, .leaves = 1}, "42501"},              // fewer
      {{.known = 2, .size = 2, .transaction = second, .last = second_id, .leaves = 2}, "TN013"},  // nothing new
      {{.known = 2, .size = 4, .leaves = 4}, "accepted"},
  };
  int number = 0;
  for (const auto& [round, expected] : rounds) EXPECT_EQ(seal(round), expected) << "round " << number++;
  EXPECT_EQ(lines(superuser_, "SELECT size FROM tenon.audit_checkpoints ORDER BY size"), "2\n4\n");
}

TEST_F(SqlSeal, RefusesWhatATransactionUnderWayMayStillPrecede) {
  Session open = connect_edge();
  open.script("BEGIN");
  (void)sell_one(open, {.envelope = envelope(8), .item = uuid_of(1)});
  (void)sell_one(edge_, {.envelope = envelope(9), .item = uuid_of(2)});
  EXPECT_EQ(seal({.size = 4, .leaves = 4}), "TN013");
  open.script("COMMIT");
  EXPECT_EQ(seal({.size = 4, .leaves = 4}), "TN013") << "it has come now";
  EXPECT_EQ(seal({.size = 5, .leaves = 5}), "accepted");
}

TEST_F(SqlSeal, OfATileLetsNobodyChangeAHash) {
  ASSERT_EQ(seal({}), "accepted");
  Session owner = connect_superuser();
  owner.execute("SET ROLE tenon_owner");
  for (const char* sql :
       {"UPDATE tenon.audit_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM 70 FOR 1)",
        "UPDATE tenon.audit_tiles SET hashes = substr(hashes, 1, 64)", "UPDATE tenon.audit_tiles SET first_id = 2",
        "UPDATE tenon.audit_tiles SET index = 7", "DELETE FROM tenon.audit_tiles"}) {
    EXPECT_EQ(refusal_of([&] { owner.execute(sql); }), "42501") << sql;
  }
  EXPECT_EQ(refusal_of([&] { owner.execute("UPDATE tenon.audit_tiles SET hashes = hashes || sha256('more')"); }),
            "accepted");
}

TEST_F(SqlSeal, GivesTheTurnToOneSessionAtATimeAndOnWhenThatEnds) {
  auto first = std::make_unique<Session>(login("tenon_sealer"));
  Session second = login("tenon_sealer");
  const auto asks = [](Session& session) { return value(session, "SELECT tenon.take_audit_turn()"); };
  EXPECT_EQ(asks(*first), "t");
  EXPECT_EQ(asks(*first), "t") << "it has it";
  EXPECT_EQ(asks(second), "f");
  EXPECT_EQ(asks(second), "f") << "asking takes nothing away";
  EXPECT_EQ(asks(*first), "t");
  const std::string process = value(*first, "SELECT pg_backend_pid()");
  first.reset();
  ASSERT_TRUE(await_row(superuser_conninfo_,
                        "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = " + process + ")"));
  EXPECT_EQ(asks(second), "t");
}

// Advisory locks are anybody's, and so is every lock on what one may read.
TEST_F(SqlSeal, IsNotHeldUpByAnyLockThatANodesLoginCanTake) {
  ASSERT_EQ(value(sealer_, "SELECT tenon.take_audit_turn()"), "t");
  Session thief = connect_edge();
  thief.script("BEGIN; SELECT pg_advisory_lock(n) FROM generate_series(-50, 50) AS n");
  for (const char* table : {"audit_checkpoints", "audit_tiles", "audit_batches", "audit_log_identity", "audit_turn"}) {
    thief.script("SAVEPOINT before");
    for (const char* mode : {"SHARE", "ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}) {
      EXPECT_EQ(refusal_of([&] { thief.script(fmt::format("LOCK TABLE tenon.{} IN {} MODE", table, mode)); }), "42501")
          << table << mode;
      thief.script("ROLLBACK TO before");
    }
    EXPECT_EQ(refusal_of([&] { thief.script(fmt::format("SELECT FROM tenon.{} FOR KEY SHARE", table)); }), "42501");
    thief.script("ROLLBACK TO before");
  }
  sealer_.script("SET lock_timeout = '5s'");
  EXPECT_EQ(value(sealer_, "SELECT tenon.take_audit_turn()"), "t");
  EXPECT_EQ(seal({}), "accepted");
  EXPECT_EQ(value(superuser_,
                  "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid IN"
                  " (SELECT pid FROM pg_stat_activity WHERE usename = 'tenon_sealer')"),
            "0");
}

class SqlRetire : public SqlSeal {
 protected:
  // Months long past, whose partitions are made by hand; the entries above are of this month.
  SqlRetire() {
    superuser_.script(
        "SET ROLE tenon_owner;"
        "SELECT tenon.add_audit_partition('audit_logs_2020_01', "
        "  $$FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-02-01 00:00Z')$$);"
        "SELECT tenon.add_audit_partition('audit_logs_2020_02', "
        "  $$FOR VALUES FROM ('2020-02-01 00:00Z') TO ('2020-03-01 00:00Z')$$);"
        "BEGIN;"
        "UPDATE inventory SET name = 'Old', version = version + 1, updated_at = clock_timestamp() WHERE id = '" +
        uuid_of(1) +
        "';"
        "INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, after)"
        " VALUES (nextval('tenon.audit_log_ids'), '2020-01-15', '" +
        uuid_of(1) + "', 'OLD', 'item', 'clerk', 'staff', 'r', '{}'); COMMIT");
  }
  std::string retire(const std::string& month) {
    return refusal_of([&] { superuser_.execute("SELECT tenon.retire_audit_month($1)", {month}); });
  }
};

TEST_F(SqlRetire, LetsAMonthGoOnceItIsOverAndSealed) {
  EXPECT_EQ(retire("2020_01"), "55000") << "not sealed";
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM audit_logs"), "4") << "and so it is still there";
  ASSERT_EQ(seal({.size = 4, .leaves = 4}), "accepted");
  EXPECT_EQ(retire(value(superuser_, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")), "55000") << "not over";
  for (const char* none : {"2019_12", "default", "", "2020_01; DROP TABLE audit_logs"})
    EXPECT_NE(retire(none), "accepted") << none;
  EXPECT_EQ(retire("2020_01"), "accepted");
  EXPECT_EQ(retire("2020_02"), "accepted") << "nothing happened in it";
  EXPECT_EQ(retire("2020_01"), "42P01") << "it has gone";
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM audit_logs"), "3");
  EXPECT_EQ(value(superuser_, "SELECT sum(entries) FROM tenon.audit_batches"), "4") << "the ledger still tells of it";
  EXPECT_EQ(lines(superuser_, "SELECT name, entries, first_id = last_id FROM tenon.audit_retired ORDER BY name"),
            "audit_logs_2020_01|1|t\naudit_logs_2020_02|0|\n");
  // Apart from the log, and still nobody's to change.
  EXPECT_EQ(value(superuser_, "SELECT action FROM audit_logs_2020_01"), "OLD");
  EXPECT_EQ(refusal_of([&] { superuser_.execute("UPDATE audit_logs_2020_01 SET actor = 'x'"); }), "42501");
  EXPECT_EQ(refusal_of([&] { edge_.execute("SELECT * FROM audit_logs_2020_01"); }), "42501");
}

}  // namespace
}  // namespace tenon::test
