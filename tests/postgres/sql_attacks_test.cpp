// What somebody with a role's password may try: each attempt is made, as that role, and its refusal compared.
#include <gmock/gmock.h>

#include <array>

#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

// insufficient_privilege, unless it says otherwise.
constexpr const char* denied = "42501";

struct Attack {
  const char* sql;
  const char* expected = denied;
};

class SqlAttacks : public SqlTest {
 protected:
  SqlAttacks() {
    make_item(uuid_of(1), 10);
    (void)sell_one(edge_, {.envelope = envelope(1), .item = uuid_of(1), .quantity = 3});
  }

  // Each in a transaction of its own that is rolled back.
  static void try_all(Session& session, std::span<const Attack> attacks) {
    for (const Attack& attack : attacks) {
      session.script("BEGIN");
      EXPECT_EQ(refusal_of([&] { session.script(attack.sql); }), attack.expected) << attack.sql;
      session.script("ROLLBACK");
    }
  }

  // What the constructor left, whatever was tried since.
  void expect_nothing_happened() {
    EXPECT_EQ(lines(superuser_, "SELECT quantity_available, quantity_sold, version FROM inventory"), "7|3|2\n");
    EXPECT_EQ(lines(superuser_, "SELECT action, actor FROM audit_logs"), "STOCK_DECREMENT|clerk\n");
    EXPECT_EQ(lines(superuser_, "SELECT key FROM idempotency_keys"), "key-1\n");
  }
};

constexpr Attack on_tables[] = {
    // The audit log.
    {"INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, after)"
     " VALUES (1, now(), gen_random_uuid(), 'FORGED', 'item', 'clerk', 'admin', 'r', '{}')"},
    {"UPDATE audit_logs SET actor = 'somebody else'"},
    {"UPDATE audit_logs SET actor = actor WHERE false"},
    {"DELETE FROM audit_logs"},
    {"TRUNCATE audit_logs"},
    {"COPY audit_logs FROM STDIN"},
    {"MERGE INTO audit_logs USING (SELECT 1) AS one ON false WHEN NOT MATCHED THEN DO NOTHING WHEN MATCHED THEN "
     "DELETE"},
    // Its partitions, its ledger and what keeps it complete.
    {"SELECT * FROM audit_logs_default"},
    {"INSERT INTO audit_logs_default SELECT * FROM audit_logs"},
    {"UPDATE audit_logs_default SET actor = 'somebody else'"},
    {"DELETE FROM audit_logs_default"},
    {"TRUNCATE audit_logs_default"},
    {"ALTER TABLE audit_logs DETACH PARTITION audit_logs_default"},
    {"INSERT INTO tenon.audit_batches VALUES ('1', 1, 1, now(), now(), 1)"},
    {"UPDATE tenon.audit_batches SET entries = 0"},
    {"DELETE FROM tenon.audit_batches"},
    {"TRUNCATE tenon.audit_batches"},
    {"SELECT * FROM tenon.audit_balance"},
    {"INSERT INTO tenon.audit_balance VALUES (pg_current_xact_id(), 1, 1)"},
    {"UPDATE tenon.audit_balance SET changes = 0, digest = 0"},
    {"DELETE FROM tenon.audit_balance"},
    {"TRUNCATE tenon.audit_balance"},
    {"LOCK TABLE tenon.audit_balance"},
    {"INSERT INTO tenon.audit_tiles DEFAULT VALUES"},
    {"UPDATE tenon.audit_tiles SET hashes = sha256('x')"},
    {"DELETE FROM tenon.audit_tiles"},
    {"TRUNCATE tenon.audit_tiles"},
    {"INSERT INTO tenon.audit_checkpoints DEFAULT VALUES"},
    {"UPDATE tenon.audit_checkpoints SET note = 'x'"},
    {"DELETE FROM tenon.audit_checkpoints"},
    {"TRUNCATE tenon.audit_checkpoints"},
    {"INSERT INTO tenon.audit_log_identity DEFAULT VALUES"},
    {"UPDATE tenon.audit_log_identity SET verifier_key = 'x'"},
    {"DELETE FROM tenon.audit_log_identity"},
    {"TRUNCATE tenon.audit_log_identity"},
    {"INSERT INTO tenon.audit_retired DEFAULT VALUES"},
    {"UPDATE tenon.audit_retired SET entries = 0"},
    {"DELETE FROM tenon.audit_retired"},
    {"TRUNCATE tenon.audit_retired"},
    {"LOCK TABLE tenon.audit_turn"},
    {"LOCK TABLE tenon.audit_checkpoints"},
    // Stock.
    {"INSERT INTO inventory (name, price, quantity_received) VALUES ('Forged', 1, 0)"},
    {"UPDATE inventory SET quantity_available = 1000, quantity_received = 1003, version = version + 1"},
    {"DELETE FROM inventory"},
    {"TRUNCATE inventory"},
    {"SELECT * FROM inventory FOR UPDATE"},
    {"WITH gone AS (DELETE FROM inventory RETURNING *) SELECT count(*) FROM gone"},
    // Stored answers, other users' among them: neither to write nor to read.
    {"SELECT * FROM idempotency_keys"},
    {"SELECT count(*) FROM idempotency_keys"},
    {"SELECT summary FROM idempotency_keys_0"},
    {"SELECT FROM idempotency_keys_1"},
    {"COPY idempotency_keys_0 TO STDOUT"},
    {"INSERT INTO idempotency_keys SELECT * FROM idempotency_keys"},
    {"UPDATE idempotency_keys SET summary = '{}'"},
    {"DELETE FROM idempotency_keys"},
    {"TRUNCATE idempotency_keys"},
    {"INSERT INTO idempotency_keys_0 (claim) VALUES (gen_random_uuid())"},
    {"UPDATE idempotency_keys_0 SET summary = '{}'"},
    {"DELETE FROM idempotency_keys_0"},
    {"TRUNCATE idempotency_keys_0"},
    {"TRUNCATE idempotency_keys_1, idempotency_keys_2, idempotency_keys_3"},
    {"DELETE FROM idempotency_keys_3"},
    // What the contract itself stands on.
    {"SELECT * FROM tenon.key_generation"},
    {"UPDATE tenon.key_generation SET slot = 1"},
    {"SELECT * FROM tenon.operations"},
    {"INSERT INTO tenon.operations VALUES ('forged_one', 'tenon.new_id', NULL)"},
    {"UPDATE tenon.operations SET function = 'tenon.delete_item'"},
    {"DELETE FROM tenon.migrations"},
    {"INSERT INTO tenon.migrations VALUES ('tenon', 99, 'forged', '')"},
    {"SELECT nextval('tenon.audit_log_ids')"},
    {"SELECT setval('tenon.audit_log_ids', 1)"},
    {"SELECT last_value FROM tenon.audit_log_ids"},
    // Locks that would stop everybody else. What a reader takes is allowed.
    {"LOCK TABLE inventory IN ROW SHARE MODE"},
    {"LOCK TABLE inventory IN ROW EXCLUSIVE MODE"},
    {"LOCK TABLE inventory IN ACCESS EXCLUSIVE MODE"},
    {"LOCK TABLE audit_logs IN SHARE MODE"},
    {"LOCK TABLE idempotency_keys_0 IN ACCESS SHARE MODE"},
    {"LOCK TABLE tenon.key_generation IN ROW SHARE MODE"},
    {"LOCK TABLE inventory IN ACCESS SHARE MODE", "accepted"},
    {"SELECT pg_try_advisory_xact_lock(1); NOTIFY something; LISTEN something", "accepted"},
};

TEST_F(SqlAttacks, OnTablesAreRefusedToTheEdge) {
  try_all(edge_, on_tables);
  expect_nothing_happened();
}

constexpr Attack on_the_schema[] = {
    {"CREATE TABLE public.mine (n int)"},
    {"CREATE TABLE tenon.mine (n int)"},
    {"CREATE VIEW public.mine AS SELECT 1"},
    {"CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
    {"CREATE SCHEMA mine"},
    {"CREATE TEMP TABLE inventory (id uuid)"},
    {"CREATE TEMP VIEW inventory AS SELECT 1"},
    {"CREATE TEMP SEQUENCE mine"},
    {"SELECT 1 AS n INTO TEMP mine"},
    {"CREATE FUNCTION pg_temp.unnest(uuid[]) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'"},
    {"CREATE EXTENSION pgcrypto"},
    {"CREATE EXTENSION dblink"},
    {"CREATE LANGUAGE plperlu", "0A000"},
    {"CREATE PUBLICATION mine FOR ALL TABLES"},
    {"CREATE SUBSCRIPTION mine CONNECTION 'dbname=tenon' PUBLICATION mine WITH (connect = false)"},
    {"CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION tenon.refuse_change()"},
    {"CREATE FOREIGN DATA WRAPPER mine"},
    {"CREATE COLLATION public.mine FROM \"C\""},
    {"ALTER TABLE audit_logs DISABLE TRIGGER append_only"},
    {"ALTER TABLE audit_logs DISABLE TRIGGER note_entries"},
    {"ALTER TABLE tenon.audit_balance DISABLE TRIGGER check_audit_balance"},
    {"ALTER TABLE inventory DISABLE TRIGGER note_update"},
    {"DROP TRIGGER note_update ON inventory"},
    {"DROP FUNCTION tenon.note_changes_of_inventory CASCADE"},
    {"CREATE TABLE public.mine PARTITION OF audit_logs FOR VALUES FROM ('2001-01-01') TO ('2002-01-01')"},
    {"ALTER TABLE audit_logs_default DISABLE TRIGGER ALL"},
    {"ALTER TABLE audit_logs_default DISABLE ROW LEVEL SECURITY"},
    {"ALTER TABLE audit_logs DISABLE TRIGGER ALL"},
    {"ALTER TABLE audit_logs DISABLE ROW LEVEL SECURITY"},
    {"ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY"},
    {"ALTER TABLE audit_logs OWNER TO tenon_edge"},
    {"ALTER TABLE audit_logs RENAME TO gone"},
    {"ALTER TABLE inventory DROP CONSTRAINT stock_adds_up"},
    {"ALTER TABLE inventory DISABLE TRIGGER counters_only_grow"},
    {"ALTER TABLE inventory SET (fillfactor = 10)"},
    {"ALTER FUNCTION tenon.refuse_change() SET search_path = public"},
    {"ALTER FUNCTION tenon.execute SECURITY INVOKER"},
    {"ALTER SCHEMA tenon RENAME TO gone"},
    {"ALTER TYPE tenon.replies ADD ATTRIBUTE more text"},
    {"DROP TABLE audit_logs"},
    {"DROP FUNCTION tenon.refuse_change() CASCADE"},
    {"DROP INDEX idempotency_keys_0_claim"},
    {"DROP TRIGGER append_only ON audit_logs"},
    {"DROP POLICY append ON audit_logs"},
    {"CREATE POLICY mine ON audit_logs FOR DELETE USING (true)"},
    {"CREATE TRIGGER mine BEFORE INSERT ON inventory EXECUTE FUNCTION tenon.refuse_change()"},
    {"CREATE RULE mine AS ON INSERT TO inventory DO INSTEAD NOTHING"},
    {"CREATE INDEX ON inventory (name)"},
    {"CREATE STATISTICS mine ON name, origin FROM inventory"},
    {"COMMENT ON TABLE audit_logs IS 'mine'"},
    {"REINDEX TABLE audit_logs"},
    {"CLUSTER audit_logs USING audit_logs_pkey"},
    {"DROP OWNED BY tenon_owner"},
    {"REASSIGN OWNED BY tenon_owner TO tenon_edge"},
    {"ALTER DEFAULT PRIVILEGES FOR ROLE tenon_owner GRANT ALL ON TABLES TO tenon_edge"},
    {"GRANT tenon_owner TO tenon_edge"},
    {"GRANT ALL ON SCHEMA public TO tenon_edge; CREATE TABLE public.mine (n int)"},
    {"GRANT ALL ON audit_logs TO tenon_edge; DELETE FROM audit_logs"},
};

TEST_F(SqlAttacks, OnTheSchemaAreRefusedToTheEdge) {
  try_all(edge_, on_the_schema);
  expect_nothing_happened();
}

constexpr Attack on_the_server[] = {
    {"SET ROLE tenon_owner"},
    {"SET ROLE tenon_auditor"},
    {"SET ROLE postgres"},
    {"SET SESSION AUTHORIZATION postgres"},
    {"SET session_replication_role = replica"},
    {"SELECT set_config('session_replication_role', 'replica', false)"},
    {"SET row_security = off; DELETE FROM audit_logs"},
    {"SET log_statement = 'none'"},
    {"SET session_preload_libraries = 'mine'"},
    {"SET dynamic_library_path = '/tmp'"},
    {"LOAD '/tmp/mine.so'"},
    {"ALTER SYSTEM SET fsync = off", "25001"},  // never in a transaction; refused without one as well, below
    {"ALTER ROLE tenon_edge SUPERUSER"},
    {"ALTER ROLE tenon_edge BYPASSRLS"},
    {"ALTER ROLE tenon_owner LOGIN PASSWORD 'mine'"},
    {"ALTER ROLE tenon_owner SET search_path = pg_temp"},
    {"ALTER ROLE ALL SET session_replication_role = replica"},
    {"ALTER DATABASE sql SET session_replication_role = replica"},
    {"ALTER DATABASE sql OWNER TO tenon_edge"},
    {"CREATE ROLE mine"},
    {"COPY inventory TO '/tmp/mine'"},
    {"COPY (SELECT 1) TO PROGRAM 'id'"},
    {"COPY inventory FROM PROGRAM 'id'"},
    {"COPY inventory FROM '/etc/passwd'"},
    {"SELECT pg_read_file('/etc/passwd')"},
    {"SELECT pg_read_binary_file('/etc/passwd')"},
    {"SELECT pg_ls_dir('.')"},
    {"SELECT pg_stat_file('.')"},
    {"SELECT pg_current_logfile()"},
    {"SELECT * FROM pg_hba_file_rules"},
    {"SELECT rolpassword FROM pg_authid"},
    {"SELECT * FROM pg_statistic"},
    {"SELECT lo_creat(-1)"},
    {"SELECT lo_create(0)"},
    {"SELECT lo_from_bytea(0, '\\x00')"},
    {"SELECT lo_import('/etc/passwd')"},
    {"SELECT lo_export(1, '/tmp/mine')"},
    {"SELECT lo_put(1, 0, '\\x00')", "42704"},  // there is none, and none can be made
    {"SELECT lo_unlink(1)", "42704"},
    {"SELECT pg_logical_emit_message(true, 'mine', 'text')"},
    {"SELECT pg_logical_emit_message(true, 'mine', '\\x00'::bytea)"},
    {"SELECT pg_create_logical_replication_slot('mine', 'pgoutput')"},
    {"SELECT pg_create_physical_replication_slot('mine')"},
    {"SELECT pg_switch_wal()"},
    {"SELECT pg_create_restore_point('mine')"},
    {"SELECT pg_reload_conf()"},
    {"SELECT pg_rotate_logfile()"},
    {"SELECT pg_promote()"},
    {"SELECT pg_stat_reset()"},
    {"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'"},
    {"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'"},
    {"CHECKPOINT"},
};

TEST_F(SqlAttacks, OnTheServerAreRefusedToTheEdge) {
  try_all(edge_, on_the_server);
  EXPECT_EQ(refusal_of([&] { edge_.execute("ALTER SYSTEM SET fsync = off"); }), denied);
  EXPECT_EQ(refusal_of([&] { edge_.execute("CREATE DATABASE mine"); }), denied);
  EXPECT_EQ(refusal_of([&] { edge_.execute("DROP DATABASE sql_template"); }), denied);
  // No refusal but a warning, and nothing is done.
  edge_.execute("VACUUM (FULL, FREEZE) audit_logs");
  EXPECT_EQ(value(superuser_, "SELECT pg_stat_get_vacuum_count('audit_logs'::regclass)"), "0");
  expect_nothing_happened();
}

constexpr Attack on_functions[] = {
    {"SELECT tenon.audit(ROW('clerk', 'admin', 'r', 'k')::tenon.command, 'FORGED', 'item', gen_random_uuid(), NULL, "
     "'{}')"},
    {"SELECT tenon.store_replies(NULL, NULL, NULL, NULL, NULL, NULL)"},
    {"SELECT tenon.stored_replies('{}', '{}', now())"},
    {"SELECT tenon.forget_expired('{}', 'infinity')"},
    {"SELECT tenon.raise_key_collision('{}')"},
    {"SELECT tenon.register_operation('forged_one', 'tenon.delete_item')"},
    {"SELECT tenon.lock_items('{}')"},
    {"SELECT tenon.decrement_item(NULL, '{}')"},
    {"SELECT tenon.delete_item(ROW('clerk', 'admin', 'r', 'k')::tenon.command, '{}')"},
    {"SELECT tenon.create_item(NULL, '{}')"},
    {"SELECT tenon.create_order(NULL, '{}')"},
    {"SELECT tenon.new_id()"},
    {"SELECT tenon.refuse_change()"},
    {"SELECT tenon.note_entries()"},
    {"SELECT tenon.note_changes_of_inventory()"},
    {"SELECT tenon.check_audit_balance()"},
    {"SELECT tenon.audit_table('public.inventory', 'id')"},
    {"SELECT tenon.make_append_only('public.inventory', '', 'INSERT', '')"},
    {"SELECT tenon.add_audit_partition('mine', 'DEFAULT')"},
    {"SELECT tenon.retire_audit_month('2026_01')"},
    {"SELECT tenon.take_audit_turn()"},
    {"SELECT tenon.seal_audit(0, '', '', 0, '', '', '0', 0, '{}', '{}', '{}', '{}', '{}')"},
    // Through something else that would call it.
    {"DO $$BEGIN PERFORM tenon.forget_expired('{}', 'infinity'); END$$"},
    {"DO $$BEGIN EXECUTE 'DELETE FROM ' || 'audit_logs'; END$$"},
    {"DO $$BEGIN EXECUTE format('UPDATE %I SET actor = %L', 'audit_logs', 'x'); END$$"},
    {"PREPARE mine AS DELETE FROM audit_logs; EXECUTE mine"},
    {"DECLARE mine CURSOR FOR SELECT * FROM idempotency_keys"},
    {"SELECT table_to_xml('idempotency_keys', true, true, '')"},
    {"SELECT query_to_xml('SELECT * FROM idempotency_keys', true, true, '')"},
    {"SELECT ts_stat('SELECT to_tsvector(summary) FROM idempotency_keys')"},
    {"EXPLAIN ANALYZE DELETE FROM audit_logs"},
};

TEST_F(SqlAttacks, OnInnerFunctionsAreRefusedToTheEdge) {
  try_all(edge_, on_functions);
  expect_nothing_happened();
}

TEST_F(SqlAttacks, OnTheNameOfAnOperationFindNoOperation) {
  const Call call{.envelope = envelope(2), .arguments = R"({"id":")" + uuid_of(1) + R"("})"};
  for (const char* name : {"", "nothing", "tenon.delete_item", "pg_catalog.pg_sleep", "DELETE_ITEM", "delete_item ",
                           "delete_item(NULL, NULL); DROP TABLE inventory; --",
                           "delete_item'; DROP TABLE inventory; --", "tenon.audit", "lo_create"}) {
    EXPECT_EQ(refusal_of([&] { (void)execute_one(edge_, name, call); }), "42883") << name;
  }
  EXPECT_EQ(refusal_of([&] {
              edge_.execute("SELECT tenon.execute(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
            }),
            "42883");
  expect_nothing_happened();
}

TEST_F(SqlAttacks, OnTheArgumentsOfAnOperationStayData) {
  const std::string name = R"('); DROP TABLE inventory; -- $1 %s \\ \" )";
  const Answer answer = execute_one(
      edge_, "create_item", {.envelope = envelope(2), .arguments = R"({"name":")" + name + R"(","price":"1.00"})"});
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(value(superuser_, "SELECT name FROM inventory WHERE price = 1"),
            R"('); DROP TABLE inventory; -- $1 %s \ " )");
}

// The second line: were temporary tables allowed, the functions would still write where they should.
TEST_F(SqlAttacks, WithTemporaryObjectsDoNotMoveWhereFunctionsWrite) {
  superuser_.execute("GRANT TEMPORARY ON DATABASE sql TO tenon_edge");
  superuser_.execute(
      "GRANT USAGE ON TYPE tenon.item_name, tenon.item_origin, tenon.item_price, tenon.image_url, tenon.pieces, "
      "tenon.said, tenon.version"
      " TO tenon_edge");
  edge_.script(R"(
    CREATE TEMP TABLE inventory (LIKE public.inventory);
    CREATE TEMP TABLE audit_logs (LIKE public.audit_logs);
    CREATE TEMP TABLE idempotency_keys (claim uuid, slot smallint, status_code smallint, version bigint, modified timestamptz,
      expires_at timestamptz, audit_id bigint, request_hash bytea, scope text, user_id text, key text, problem text,
      summary text, location text);
    CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT 'infinity'::timestamptz$$;
    CREATE FUNCTION pg_temp.greatest(timestamptz, timestamptz) RETURNS timestamptz LANGUAGE sql AS $$SELECT 'infinity'::timestamptz$$;
    SET search_path = pg_temp, public, pg_catalog)");
  Session other = connect_edge();
  const Sale sale{.envelope = envelope(2), .item = uuid_of(1), .quantity = 2};
  edge_.script("SET search_path = pg_temp, public");
  EXPECT_EQ(sell_one(edge_, sale).status, 200);
  EXPECT_EQ(sell_one(other, sale).origin, 1);
  EXPECT_EQ(execute_one(edge_, "increment_stock",
                        {.envelope = envelope(3), .arguments = R"({"id":")" + uuid_of(1) + R"(","increment":5})"})
                .status,
            200);
  EXPECT_EQ(lines(edge_,
                  "SELECT (SELECT count(*) FROM pg_temp.inventory), (SELECT count(*) FROM pg_temp.audit_logs),"
                  " (SELECT count(*) FROM pg_temp.idempotency_keys)"),
            "0|0|0\n");
  EXPECT_EQ(lines(superuser_, "SELECT quantity_available, quantity_sold, version FROM public.inventory"), "10|5|4\n");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM public.audit_logs"), "3");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM public.idempotency_keys WHERE expires_at < 'infinity'"), "3");
}

constexpr Attack by_readers[] = {
    {"INSERT INTO audit_logs (id) VALUES (1)"},
    {"UPDATE audit_logs SET actor = 'x'"},
    {"DELETE FROM audit_logs"},
    {"TRUNCATE audit_logs"},
    {"SELECT * FROM audit_logs_default"},
    {"DELETE FROM audit_logs_default"},
    {"DELETE FROM tenon.audit_batches"},
    {"INSERT INTO tenon.audit_batches VALUES ('1', 1, 1, now(), now(), 1)"},
    {"SELECT * FROM tenon.audit_balance"},
    {"INSERT INTO tenon.audit_tiles DEFAULT VALUES"},
    {"UPDATE tenon.audit_tiles SET hashes = sha256('x')"},
    {"DELETE FROM tenon.audit_tiles"},
    {"TRUNCATE tenon.audit_tiles"},
    {"INSERT INTO tenon.audit_checkpoints DEFAULT VALUES"},
    {"UPDATE tenon.audit_checkpoints SET note = 'x'"},
    {"DELETE FROM tenon.audit_checkpoints"},
    {"TRUNCATE tenon.audit_checkpoints"},
    {"INSERT INTO tenon.audit_log_identity DEFAULT VALUES"},
    {"UPDATE tenon.audit_log_identity SET verifier_key = 'x'"},
    {"DELETE FROM tenon.audit_log_identity"},
    {"TRUNCATE tenon.audit_log_identity"},
    {"INSERT INTO tenon.audit_retired DEFAULT VALUES"},
    {"UPDATE tenon.audit_retired SET entries = 0"},
    {"DELETE FROM tenon.audit_retired"},
    {"TRUNCATE tenon.audit_retired"},
    {"SELECT tenon.add_audit_months()"},
    {"SELECT tenon.retire_audit_month('2026_01')"},
    {"SELECT * FROM inventory"},
    {"SELECT * FROM idempotency_keys"},
    {"SELECT * FROM tenon.key_generation"},
    {"SELECT tenon.read_outcome(gen_random_uuid(), '')"},
    {"SELECT tenon.turn_key_generation()"},
    {"SELECT tenon.ensure_key_lifetime('7 days')"},
    {"SELECT tenon.execute('delete_item', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"},
    {"SELECT decrement_stock_atomic(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"},
    {"CREATE TABLE public.mine (n int)"},
    {"CREATE TEMP TABLE mine (n int)"},
    {"SET ROLE tenon_owner"},
    {"SET ROLE tenon_edge"},
    {"SET session_replication_role = replica"},
    {"SELECT lo_create(0)"},
    {"SELECT count(*) FROM audit_logs", "accepted"},
};

TEST_F(SqlAttacks, AreRefusedToTheAuditorAndTheSealer) {
  for (const char* role : {"tenon_auditor", "tenon_sealer"}) {
    std::string conninfo = edge_conninfo_;
    conninfo.replace(conninfo.find("tenon_edge"), std::string("tenon_edge").size(), role);
    Session session(conninfo);
    ASSERT_EQ(value(session, "SELECT session_user"), role);
    session.execute("SET default_transaction_read_only = off");  // a setting is no barrier: privileges are
    try_all(session, by_readers);
  }
  expect_nothing_happened();
}

// Nobody logs in as the owner, and every function runs as it: not even a fault in one of them may rewrite the log.
constexpr Attack by_the_owner[] = {
    {"UPDATE audit_logs SET actor = 'somebody else'"},
    {"UPDATE audit_logs SET actor = actor WHERE false"},
    {"DELETE FROM audit_logs"},
    {"TRUNCATE audit_logs"},
    // Not by way of a partition either.
    {"SELECT * FROM audit_logs_default"},
    {"INSERT INTO audit_logs_default SELECT * FROM audit_logs"},
    {"UPDATE audit_logs_default SET actor = 'somebody else'"},
    {"DELETE FROM audit_logs_default"},
    {"TRUNCATE audit_logs_default"},
    {"GRANT ALL ON audit_logs_default TO tenon_owner; INSERT INTO audit_logs_default SELECT * FROM audit_logs"},
    {"GRANT ALL ON audit_logs_default TO tenon_owner; UPDATE audit_logs_default SET actor = 'x'"},
    {"GRANT ALL ON audit_logs_default TO tenon_owner; DELETE FROM audit_logs_default"},
    {"GRANT ALL ON audit_logs_default TO tenon_owner; TRUNCATE audit_logs_default"},
    {"UPDATE tenon.audit_batches SET entries = 0"},
    {"DELETE FROM tenon.audit_batches"},
    {"TRUNCATE tenon.audit_batches"},
    {"GRANT ALL ON tenon.audit_batches TO tenon_owner; DELETE FROM tenon.audit_batches"},
    {"GRANT ALL ON tenon.audit_batches TO tenon_owner; TRUNCATE tenon.audit_batches"},
    {"UPDATE tenon.audit_tiles SET hashes = sha256(hashes)", "accepted"},  // there is none: see below
    {"DELETE FROM tenon.audit_tiles"},
    {"TRUNCATE tenon.audit_tiles"},
    {"UPDATE tenon.audit_checkpoints SET note = 'x'"},
    {"DELETE FROM tenon.audit_checkpoints"},
    {"TRUNCATE tenon.audit_checkpoints"},
    {"GRANT ALL ON tenon.audit_checkpoints TO tenon_owner; DELETE FROM tenon.audit_checkpoints"},
    {"UPDATE tenon.audit_log_identity SET verifier_key = 'x'"},
    {"DELETE FROM tenon.audit_log_identity"},
    {"DELETE FROM tenon.audit_retired"},
    {"TRUNCATE inventory CASCADE"},
    {"CREATE TRIGGER mine AFTER INSERT ON audit_logs EXECUTE FUNCTION tenon.refuse_change()"},
    {"GRANT ALL ON audit_logs TO tenon_owner; UPDATE audit_logs SET actor = 'somebody else'"},
    {"GRANT ALL ON audit_logs TO tenon_owner; DELETE FROM audit_logs"},
    {"GRANT ALL ON audit_logs TO tenon_owner; TRUNCATE audit_logs"},
    {"SET session_replication_role = replica"},
    {"SET SESSION AUTHORIZATION postgres", "accepted"},  // by the superuser who played the owner here
    {"COPY (SELECT 1) TO PROGRAM 'id'"},
    {"ALTER ROLE tenon_owner LOGIN"},
    {"ALTER ROLE tenon_owner BYPASSRLS"},
    // It may change what it owns, and so undo all of this in two steps: why nobody may ever be it.
    {"ALTER TABLE audit_logs DISABLE TRIGGER append_only", "accepted"},
    {"ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY", "accepted"},
};

TEST_F(SqlAttacks, OnTheLogAreRefusedToTheOwnerOfTheTables) {
  Session owner = connect_superuser();
  owner.execute("SET ROLE tenon_owner");
  try_all(owner, by_the_owner);
  expect_nothing_happened();
}

TEST_F(SqlAttacks, AsTheOwnerAreImpossibleWithoutASuperuser) {
  for (const char* role : {"tenon_edge", "tenon_auditor", "tenon_sealer"}) {
    EXPECT_EQ(value(superuser_, std::string("SELECT pg_has_role('") + role + "', 'tenon_owner', 'MEMBER')"), "f");
  }
  std::string conninfo = edge_conninfo_;
  conninfo.replace(conninfo.find("tenon_edge"), std::string("tenon_edge").size(), "tenon_owner");
  EXPECT_THROW(Session{conninfo}, postgres::ConnectionError);
  // Not for want of a line in pg_hba.conf alone.
  EXPECT_EQ(value(superuser_, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenon_owner'"), "f");
}

}  // namespace
}  // namespace tenon::test
