// The one function that writes the audit log's tree, as the role that seals.
#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

class SqlSeal : public SqlTest {
 protected:
  SqlSeal() : sealer_(connect_superuser()) { sealer_.script("SET ROLE tenon_sealer"); }

  // A round with one level-0 tile of `size` hashes, all of the byte `fill`.
  std::string seal(int old_size, int size, int last_id, const std::string& key = "log+1+k",
                   const std::string& fill = "aa") {
    const std::string hashes = "decode(repeat('" + fill + "', 32 * " + std::to_string(size) + "), 'hex')";
    return "SELECT tenon.seal_audit(" + std::to_string(old_size) + ", " + std::to_string(size) +
           ", decode(repeat('bb', 32), 'hex'), 'note', '700'::xid8, " + std::to_string(last_id) +
           ", '{0}', '{0}', ARRAY[" + hashes + "], '{700}'::xid8[], '{1}', 'log', '" + key + "')";
  }
  std::string tried(Session& session, const std::string& sql) {
    return refusal_of([&] { session.script(sql); });
  }
  Session sealer_;
};

TEST_F(SqlSeal, GrowsTheTreeRoundByRound) {
  sealer_.script(seal(0, 2, 10));
  sealer_.script(seal(2, 5, 20));
  EXPECT_EQ(lines(edge_, "SELECT size, last_id FROM tenon.audit_checkpoints ORDER BY size"), "2|10\n5|20\n");
  EXPECT_EQ(value(edge_, "SELECT length(hashes) FROM tenon.audit_tiles"), "160");
  EXPECT_EQ(value(edge_, "SELECT origin || ' ' || verifier_key FROM tenon.audit_log_identity"), "log log+1+k");
}

TEST_F(SqlSeal, WhoIsLateDoesNothing) {
  sealer_.script(seal(0, 2, 10));
  const std::string before = lines(superuser_, "SELECT * FROM tenon.audit_tiles");
  EXPECT_EQ(tried(sealer_, seal(0, 3, 30)), "TN005") << "somebody else sealed meanwhile";
  EXPECT_EQ(tried(sealer_, seal(3, 4, 30)), "TN005");
  EXPECT_EQ(tried(sealer_, seal(2, 2, 30)), "23514") << "no leaf was added";
  EXPECT_EQ(tried(sealer_, seal(2, 3, 10)), "23514") << "no entry was added";
  EXPECT_EQ(lines(superuser_, "SELECT * FROM tenon.audit_tiles"), before);
}

TEST_F(SqlSeal, AnotherKeyIsRefused) {
  sealer_.script(seal(0, 2, 10));
  EXPECT_EQ(tried(sealer_, seal(2, 3, 20, "log+2+other")), "TN006");
  EXPECT_EQ(value(edge_, "SELECT count(*) FROM tenon.audit_checkpoints"), "1");
}

TEST_F(SqlSeal, WhatIsSealedStays) {
  sealer_.script(seal(0, 2, 10));
  EXPECT_EQ(tried(sealer_, seal(2, 3, 20, "log+1+k", "cc")), "42501") << "a tile's first hashes are other ones";
  superuser_.script("SET ROLE tenon_owner");
  for (const char* attack :
       {"UPDATE tenon.audit_tiles SET hashes = decode(repeat('aa', 32), 'hex')",
        "UPDATE tenon.audit_tiles SET index = 1", "UPDATE tenon.audit_tiles SET first_id = 2",
        "DELETE FROM tenon.audit_tiles", "TRUNCATE tenon.audit_tiles", "UPDATE tenon.audit_checkpoints SET size = 3",
        "DELETE FROM tenon.audit_checkpoints", "TRUNCATE tenon.audit_checkpoints",
        "UPDATE tenon.audit_log_identity SET origin = 'x'", "DELETE FROM tenon.audit_log_identity",
        "DELETE FROM tenon.audit_retired", "TRUNCATE tenon.audit_retired"}) {
    EXPECT_EQ(tried(superuser_, attack), "42501") << attack;
  }
}

TEST_F(SqlSeal, OnlyTheSealerSealsAndOnlyByTheFunction) {
  EXPECT_EQ(tried(edge_, seal(0, 2, 10)), "42501");
  for (const char* table : {"audit_tiles", "audit_checkpoints", "audit_log_identity", "audit_retired"}) {
    for (const char* attack : {"INSERT INTO tenon.%s DEFAULT VALUES", "DELETE FROM tenon.%s", "TRUNCATE tenon.%s"}) {
      std::string sql = attack;
      sql.replace(sql.find("%s"), 2, table);
      EXPECT_EQ(tried(sealer_, sql), "42501") << sql;
      EXPECT_EQ(tried(edge_, sql), "42501") << sql;
    }
  }
}

}  // namespace
}  // namespace tenon::test
