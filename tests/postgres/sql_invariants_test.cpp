// What no statement may make of a row, whoever runs it: the last line under every function.
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

// As the owner of the tables, in one transaction that is never committed: its changes have no entries in the audit log.
class SqlInvariants : public SqlTest {
 protected:
  void begin_as_owner() { superuser_.script("SET ROLE tenon_owner; BEGIN"); }

  // The SQLSTATE; what was refused leaves no trace.
  std::string attempt(const std::string& sql) {
    superuser_.script("SAVEPOINT before");
    const std::string refusal = refusal_of([&] { superuser_.execute(sql); });
    if (refusal != "accepted") superuser_.script("ROLLBACK TO SAVEPOINT before");
    return refusal;
  }
};

struct Change {
  const char* set;
  const char* expected;
};

TEST_F(SqlInvariants, OfAnItemHoldForItsOwnersDirectUpdatesToo) {
  make_item(uuid_of(1), 10);
  (void)sell_one(edge_,
                 {.envelope = envelope(1), .item = uuid_of(1), .quantity = 4});  // 6 available, 4 sold, version 2
  begin_as_owner();
  const std::string newer = ", version = version + 1, updated_at = updated_at + interval '1 us'";
  constexpr Change changes[] = {
      {"quantity_available = -1, quantity_received = 3", "23514"},
      {"quantity_available = 7", "23514"},  // available + sold <> received
      {"quantity_sold = 5", "23514"},
      {"quantity_available = 5", "23514"},                         // a piece is lost
      {"quantity_sold = 3, quantity_available = 7", "23514"},      // sold only grows
      {"quantity_received = 9, quantity_available = 5", "23514"},  // received only grows
      {"quantity_received = 9007199254740992, quantity_available = 9007199254740988", "23514"},
      {"quantity_available = NULL", "23502"},
      {"quantity_available = NULL, quantity_received = NULL", "23502"},
      {"name = ''", "23514"},
      {"price = 0", "23514"},
      {"price = 'NaN'", "23514"},
      {"id = gen_random_uuid()", "23514"},
      {"quantity_sold = 5, quantity_available = 5", "accepted"},
      {"quantity_received = 11, quantity_available = 6", "accepted"},
  };
  for (const Change& change : changes) {
    EXPECT_EQ(attempt(std::string("UPDATE inventory SET ") + change.set + newer), change.expected) << change.set;
  }
  constexpr Change versions[] = {
      {"name = 'x'", "23514"},
      {"name = 'x', version = version, updated_at = now()", "23514"},
      {"name = 'x', version = version - 1, updated_at = now()", "23514"},
      {"name = 'x', version = version + 1", "23514"},
      {"name = 'x', version = version + 1, updated_at = updated_at - interval '1 us'", "23514"},
      {"name = 'x', version = NULL, updated_at = now()", "23502"},
  };
  for (const Change& change : versions) {
    EXPECT_EQ(attempt(std::string("UPDATE inventory SET ") + change.set), change.expected) << change.set;
  }
  EXPECT_EQ(lines(superuser_, "SELECT quantity_available, quantity_sold, quantity_received, version FROM inventory"),
            "6|5|11|4\n");
}

TEST_F(SqlInvariants, OfANewItemHoldForItsOwnersDirectInsertsToo) {
  begin_as_owner();
  constexpr Change values[] = {
      {"('x', 1, -1, 0, -1)", "23514"},  {"('x', 1, 1, 0, 0)", "23514"},  {"('x', 1, 0, -1, -1)", "23514"},
      {"('x', 0, 0, 0, 0)", "23514"},    {"(NULL, 1, 0, 0, 0)", "23502"}, {"('x', 1, 0, 0, NULL)", "23502"},
      {"('x', 1, 1, 2, 3)", "accepted"},
  };
  for (const Change& change : values) {
    EXPECT_EQ(attempt(std::string("INSERT INTO inventory (name, price, quantity_available, quantity_sold,"
                                  " quantity_received) VALUES ") +
                      change.set),
              change.expected)
        << change.set;
  }
}

TEST_F(SqlInvariants, OfAnEntryAreThatItSaysWhoDidWhatAndWhatChanged) {
  begin_as_owner();
  constexpr Change entries[] = {
      {"(1, now(), gen_random_uuid(), '', 'item', 'clerk', 'admin', 'r', NULL, '{}')", "23514"},
      {"(1, now(), gen_random_uuid(), 'SOLD', '', 'clerk', 'admin', 'r', NULL, '{}')", "23514"},
      {"(1, now(), gen_random_uuid(), 'SOLD', 'item', '', 'admin', 'r', NULL, '{}')", "23514"},
      {"(1, now(), gen_random_uuid(), 'SOLD', 'item', NULL, 'admin', 'r', NULL, '{}')", "23502"},
      {"(1, now(), gen_random_uuid(), 'SOLD', 'item', 'clerk', 'admin', 'r', NULL, NULL)", "23514"},
      {"(1, now(), gen_random_uuid(), 'SOLD', 'item', 'clerk', 'admin', 'r', '{}', NULL)", "accepted"},
      {"(1, now(), gen_random_uuid(), 'SOLD', 'item', 'clerk', 'admin', 'r', NULL, '{}')", "23505"},
  };
  for (const Change& entry : entries) {
    EXPECT_EQ(attempt(std::string("INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role,"
                                  " request_id, before, after) VALUES ") +
                      entry.set),
              entry.expected)
        << entry.set;
  }
}

TEST_F(SqlInvariants, OfAStoredAnswerAreThatItIsAnAnswerThatMayBeStored) {
  begin_as_owner();
  for (const char* status : {"100", "199", "300", "400", "401", "403", "422", "429", "500", "503"}) {
    EXPECT_EQ(attempt(std::string("INSERT INTO idempotency_keys (claim, slot, status_code, expires_at, request_hash,"
                                  " scope, user_id, key, summary) VALUES (gen_random_uuid(), 0, ") +
                      status + ", now(), decode(repeat('00', 32), 'hex'), 's', 'u', 'k', '{}')"),
              "23514")
        << status;
  }
  EXPECT_EQ(attempt("INSERT INTO idempotency_keys (claim, slot, status_code, expires_at, request_hash, scope,"
                    " user_id, key, summary) VALUES (gen_random_uuid(), 0, 200, now(), '\\x00', 's', 'u', 'k', '')"),
            "23514");
}

}  // namespace
}  // namespace tenon::test
