// Who may do what, as a written table: a new table, sequence or function must be added here, and so be thought about.
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using SqlPrivileges = SqlTest;

// r SELECT, a INSERT, w UPDATE, d DELETE, D TRUNCATE, x REFERENCES, t TRIGGER; of a sequence: U USAGE, r SELECT, w
// UPDATE.
struct Allowed {
  const char* relation;
  const char* owner;
  const char* edge;
  const char* auditor;
  const char* sealer;
  const char* everybody;
};
constexpr Allowed relations[] = {
    {"public.audit_logs", "ra", "r", "r", "r", ""},     // the owner itself may neither change nor truncate it
    {"public.audit_logs_default", "", "", "", "", ""},  // as each month, which are left out here: their names pass
    {"public.businesses", "rawdDxt", "r", "", "", ""},
    {"public.facilities", "rawdDxt", "r", "", "", ""},
    {"public.facility_conversions", "rawdDxt", "", "", "", ""},
    {"public.idempotency_keys", "rawdDxt", "", "", "", ""},
    {"public.idempotency_keys_0", "rawdDxt", "", "", "", ""},
    {"public.idempotency_keys_1", "rawdDxt", "", "", "", ""},
    {"public.idempotency_keys_2", "rawdDxt", "", "", "", ""},
    {"public.idempotency_keys_3", "rawdDxt", "", "", "", ""},
    {"public.inventory", "rawdDxt", "r", "", "", ""},
    {"public.laundering_channels", "rawdDxt", "r", "", "", ""},
    {"public.legislation", "rawdDxt", "r", "", "", ""},
    {"public.market_items", "rawdDxt", "r", "", "", ""},
    {"public.market_purchases", "rawdDxt", "", "", "", ""},
    {"public.signature_nonces", "rawdDxt", "", "", "", ""},
    {"public.signature_replays", "rawdDxt", "", "", "", ""},
    {"public.signing_keys", "rawdDxt", "r", "", "", ""},
    {"public.token_revocations", "rawdDxt", "r", "", "", ""},
    {"tenon.audit_balance", "rawdDxt", "", "", "", ""},
    {"tenon.audit_batches", "ra", "r", "r", "r", ""},
    {"tenon.audit_checkpoints", "ra", "r", "r", "r", ""},
    {"tenon.audit_log_identity", "ra", "r", "r", "r", ""},
    {"tenon.audit_log_ids", "Urw", "", "r", "", ""},
    {"tenon.audit_retired", "ra", "r", "r", "r", ""},
    {"tenon.audit_tiles", "raw", "r", "r", "r", ""},  // its last tiles grow, by a trigger's leave
    {"tenon.audit_turn", "rawdDxt", "", "", "", ""},
    {"tenon.key_generation", "rawdDxt", "", "", "", ""},
    {"tenon.migrations", "rawdDxt", "r", "", "", ""},
    {"tenon.operations", "rawdDxt", "", "", "", ""},
    {"tenon.signature_rules", "rawdDxt", "", "", "", ""},
};

// What tenon_edge may call, and tenon_sealer where it says so below; nobody else may call anything.
const char* const callable_functions[] = {
    // Writes, and what belongs to them. Each runs as tenon_owner.
    "public.decrement_stock_atomic(uuid[],text[],text[],text[],bytea[],integer[],text[],text[],uuid[],integer[],jsonb[]"
    ")",
    "public.decrement_stock_signed(uuid[],text[],text[],text[],bytea[],integer[],text[],text[],uuid[],integer[],jsonb[]"
    ","
    "uuid[],uuid[],uuid[],timestamp with time zone[])",
    "tenon.add_audit_months()",
    "tenon.admit_signed(text[],text[],text[],text[],uuid[],uuid[],uuid[],timestamp with time zone[])",
    "tenon.begin_keyed(uuid,bytea)",
    "tenon.ensure_key_lifetime(interval)",
    "tenon.ensure_signature_window(interval)",
    "tenon.execute(text,uuid[],text[],text[],text[],bytea[],integer[],text[],text[],jsonb[])",
    "tenon.execute_signed(text,uuid[],text[],text[],text[],bytea[],integer[],text[],text[],jsonb[],uuid[],uuid[],uuid[]"
    ","
    "timestamp with time zone[])",
    "tenon.forget_nonces()",
    "tenon.keep_reply(uuid,text,text,text,bytea,integer,integer,text,text,bigint,timestamp with time zone,text)",
    "tenon.read_outcome(uuid,text)",
    "tenon.seal_audit(bigint,text,text,bigint,bytea,text,xid8,bigint,smallint[],bigint[],bytea[],xid8[],bigint[])",
    "tenon.take_audit_turn()",
    "tenon.turn_key_generation()",
    // Expressions without access to any table, for the queries in sql/queries. Each runs as its caller.
    "tenon.business_body(public.businesses)",
    "tenon.channel_body(public.laundering_channels)",
    "tenon.facility_body(public.facilities)",
    "tenon.iso(timestamp with time zone)",
    "tenon.item_body(public.inventory)",
    "tenon.item_tail(bigint,bigint,bigint,timestamp with time zone)",
    "tenon.json_text(text)",
    "tenon.legislation_body(public.legislation)",
    "tenon.location_body(text,text)",
    "tenon.market_item_body(public.market_items)",
    "tenon.revocation_body(public.token_revocations)",
    "tenon.signing_key_body(public.signing_keys)",
};

// One column a role: the letters of what it may do with `c`.
std::string letters_of(const std::string& role) {
  return "(SELECT string_agg(letter, '' ORDER BY n) FROM unnest("
         "  CASE WHEN c.relkind = 'S' THEN '{USAGE,SELECT,UPDATE}'"
         "       ELSE '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}' END::text[],"
         "  CASE WHEN c.relkind = 'S' THEN '{U,r,w}' ELSE '{r,a,w,d,D,x,t}' END::text[])"
         "  WITH ORDINALITY AS u (privilege, letter, n)"
         " WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('" +
         role + "', c.oid, privilege) ELSE has_table_privilege('" + role + "', c.oid, privilege) END)";
}

TEST_F(SqlPrivileges, OnTablesAndSequencesAreThoseWrittenHere) {
  std::string expected;
  for (const Allowed& row : relations) {
    for (const char* cell : {row.relation, row.owner, row.edge, row.auditor, row.sealer}) {
      expected += cell + std::string("|");
    }
    expected += row.everybody + std::string("\n");
  }
  EXPECT_EQ(lines(superuser_, "SELECT nspname || '.' || relname, " + letters_of("tenon_owner") + ", " +
                                  letters_of("tenon_edge") + ", " + letters_of("tenon_auditor") + ", " +
                                  letters_of("tenon_sealer") + ", " + letters_of("public") +
                                  " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace"
                                  " WHERE nspname IN ('public', 'tenon') AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
                                  " AND relname !~ '^audit_logs_2'"
                                  " ORDER BY nspname || '.' || relname COLLATE \"C\""),
            expected);
}

TEST_F(SqlPrivileges, OnColumnsAreNoMoreThanThoseOnTheirTablesButTheTellers) {
  EXPECT_EQ(lines(superuser_,
                  "SELECT attrelid::regclass, attname FROM pg_attribute WHERE attacl IS NOT NULL"
                  " AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace IN"
                  "                  ('public'::regnamespace, 'tenon'::regnamespace)) ORDER BY attname"),
            "inventory|prior_updated_at\ninventory|quantity_available\ninventory|quantity_sold\ninventory|updated_at\n"
            "inventory|version\n");
}

// The role whose changes no trigger holds against their entries: it can't be logged in as, owns the sale and nothing
// else, and may do what a sale needs.
TEST_F(SqlPrivileges, OfTheTellerAreThoseOfASale) {
  EXPECT_EQ(
      lines(superuser_, "SELECT nspname || '.' || relname, " + letters_of("tenon_teller") +
                            " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace"
                            " WHERE nspname IN ('public', 'tenon') AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND " +
                            letters_of("tenon_teller") + " <> '' ORDER BY nspname || '.' || relname COLLATE \"C\""),
      "public.audit_logs|ra\npublic.idempotency_keys|ra\npublic.idempotency_keys_0|r\npublic.idempotency_keys_1|r\n"
      "public.idempotency_keys_2|r\npublic.idempotency_keys_3|r\npublic.inventory|r\ntenon.audit_batches|ra\n"
      "tenon.audit_log_ids|U\ntenon.key_generation|rw\n");
  EXPECT_EQ(lines(superuser_, R"(
    SELECT attname, privilege_type FROM pg_attribute, aclexplode(attacl)
    WHERE grantee = 'tenon_teller'::regrole ORDER BY attname)"),
            "prior_updated_at|UPDATE\nquantity_available|UPDATE\nquantity_sold|UPDATE\nupdated_at|UPDATE\n"
            "version|UPDATE\n");
  superuser_.script("SET search_path = pg_catalog");
  EXPECT_EQ(lines(superuser_, R"(
    SELECT proname FROM pg_proc WHERE has_function_privilege('tenon_teller', oid, 'EXECUTE')
      AND pronamespace IN ('public'::regnamespace, 'tenon'::regnamespace) ORDER BY proname)"),
            "decrement_stock_atomic\nexecute\niso\nitem_body\nitem_stock\nitem_tail\nstored_in\n");
}

TEST_F(SqlPrivileges, OnFunctionsAreTheEdgesListAndTheSealersTwo) {
  std::string expected;
  const auto callers = [](std::string_view function) {
    return function.starts_with("tenon.seal_audit(") || function.starts_with("tenon.take_audit_turn(")
               ? "|tenon_sealer\n"
               : "|tenon_edge\n";
  };
  for (const char* function : callable_functions) expected += std::string(function) + callers(function);
  // Names are written with their schema where the search path does not hold it.
  superuser_.script("SET search_path = pg_catalog");
  EXPECT_EQ(lines(superuser_, R"(
    SELECT p.oid::regprocedure, string_agg(role, ',' ORDER BY role)
    FROM pg_proc AS p, unnest('{tenon_edge,tenon_auditor,tenon_sealer,public}'::text[]) AS role
    WHERE pronamespace IN ('public'::regnamespace, 'tenon'::regnamespace) AND has_function_privilege(role, p.oid, 'EXECUTE')
    GROUP BY p.oid, prosecdef
    ORDER BY NOT prosecdef, p.oid::regprocedure::text COLLATE "C")"),
            expected);
}

TEST_F(SqlPrivileges, OnSchemasTheDatabaseAndTypesLetNobodyMakeAnything) {
  EXPECT_EQ(lines(superuser_, R"(
    SELECT role, schema, has_schema_privilege(role, schema, 'USAGE'), has_schema_privilege(role, schema, 'CREATE')
    FROM unnest('{tenon_edge,tenon_auditor,tenon_sealer,public}'::text[]) AS role, unnest('{public,tenon}'::text[]) AS schema
    ORDER BY role, schema)"),
            "public|public|f|f\npublic|tenon|f|f\n"
            "tenon_auditor|public|t|f\ntenon_auditor|tenon|t|f\n"
            "tenon_edge|public|t|f\ntenon_edge|tenon|t|f\n"
            "tenon_sealer|public|t|f\ntenon_sealer|tenon|t|f\n");
  EXPECT_EQ(lines(superuser_, R"(
    SELECT role, string_agg(privilege, ',' ORDER BY privilege)
    FROM unnest('{tenon_owner,tenon_edge,tenon_auditor,tenon_sealer,public}'::text[]) AS role,
         unnest('{CONNECT,CREATE,TEMPORARY}'::text[]) AS privilege
    WHERE has_database_privilege(role, current_database(), privilege) GROUP BY role ORDER BY role)"),
            "tenon_auditor|CONNECT\ntenon_edge|CONNECT\ntenon_owner|CREATE\ntenon_sealer|CONNECT\n");
  EXPECT_EQ(lines(superuser_, R"(
    SELECT typname, role
    FROM pg_type, unnest('{tenon_auditor,tenon_sealer,public}'::text[]) AS role
    WHERE typnamespace IN ('public'::regnamespace, 'tenon'::regnamespace) AND typrelid = 0 AND typelem = 0
      AND has_type_privilege(role, pg_type.oid, 'USAGE'))"),
            "");
}

// A default that gives something away would do so for the tables of every later migration.
TEST_F(SqlPrivileges, GivenByDefaultGoToTheOwnerAlone) {
  EXPECT_EQ(lines(superuser_,
                  "SELECT defaclrole::regrole, defaclobjtype, grantee::regrole FROM pg_default_acl,"
                  " aclexplode(defaclacl) WHERE grantee <> defaclrole"),
            "");
  EXPECT_EQ(lines(superuser_,
                  "SELECT string_agg(defaclobjtype::text, '' ORDER BY 1) FROM pg_default_acl"
                  " WHERE defaclrole = 'tenon_owner'::regrole"),
            "fT\n");
}

TEST_F(SqlPrivileges, OfTheRolesThemselvesAreNone) {
  EXPECT_EQ(
      lines(superuser_, "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'tenon\\_%' ORDER BY rolname"),
      "tenon_auditor|t\ntenon_edge|t\ntenon_owner|f\ntenon_sealer|t\ntenon_teller|f\n");
  EXPECT_EQ(value(superuser_,
                  "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenon\\_%' AND"
                  " (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"),
            "0");
  EXPECT_EQ(lines(superuser_,
                  "SELECT member::regrole, roleid::regrole FROM pg_auth_members"
                  " WHERE member::regrole::text LIKE 'tenon\\_%' OR roleid::regrole::text LIKE 'tenon\\_%'"),
            "tenon_owner|tenon_teller\n");
}

TEST_F(SqlPrivileges, AreNotGivenByOwningAnything) {
  EXPECT_EQ(lines(superuser_, R"(
    SELECT classid::regclass, objid, refobjid::regrole FROM pg_shdepend
    WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass
      AND refobjid IN (SELECT oid FROM pg_roles WHERE rolcanlogin AND NOT rolsuper))"),
            "");
  EXPECT_EQ(
      lines(superuser_, R"(
    SELECT 'relation', oid::regclass::text FROM pg_class WHERE relowner <> 'tenon_owner'::regrole
      AND relnamespace IN ('public'::regnamespace, 'tenon'::regnamespace)
    UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE proowner <> 'tenon_owner'::regrole
      AND pronamespace IN ('public'::regnamespace, 'tenon'::regnamespace)
    UNION ALL SELECT 'type', oid::regtype::text FROM pg_type WHERE typowner <> 'tenon_owner'::regrole
      AND typnamespace IN ('public'::regnamespace, 'tenon'::regnamespace)
    UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspowner <> 'tenon_owner'::regrole
      AND nspname IN ('public', 'tenon'))"),
      "function|decrement_stock_atomic(uuid[],text[],text[],text[],bytea[],integer[],text[],text[],uuid[],integer[],"
      "jsonb[])\n");
}

// An object found by a name that somebody else may take is an object of somebody else's choice.
TEST_F(SqlPrivileges, OfSecurityDefinersAreUsedUnderAPinnedSearchPath) {
  EXPECT_EQ(lines(superuser_, R"(
    SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE prosecdef AND pronamespace IN ('public'::regnamespace, 'tenon'::regnamespace)
      AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting
                      WHERE setting ~ '^search_path=((pg_catalog|public|tenon), )+pg_temp$'))"),
            "");
  EXPECT_EQ(value(superuser_,
                  "SELECT count(*) >= 5 FROM pg_proc WHERE prosecdef AND pronamespace IN"
                  " ('public'::regnamespace, 'tenon'::regnamespace)"),
            "t");
}

// What writes and has no pinned path of its own would follow its caller's.
TEST_F(SqlPrivileges, OfFunctionsInPlpgsqlAreUsedUnderAPinnedSearchPathToo) {
  EXPECT_EQ(lines(superuser_, R"(
    SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_language AS l ON l.oid = prolang
    WHERE lanname <> 'sql' AND pronamespace IN ('public'::regnamespace, 'tenon'::regnamespace)
      AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting ~ '^search_path=.*, pg_temp$'))"),
            "");
}

TEST_F(SqlPrivileges, OnTheAuditLogHoldForItsOwnerToo) {
  constexpr const char* guards =
      "SELECT relrowsecurity, relforcerowsecurity,"
      " (SELECT string_agg(polcmd::text || ':' || (SELECT string_agg(r::regrole::text, ',' ORDER BY r::regrole::text)"
      "                                      FROM unnest(polroles) AS r), ' ' ORDER BY polcmd)"
      "  FROM pg_policy WHERE polrelid = c.oid),"
      " (SELECT string_agg(tgname || ':' || tgenabled::text, ' ' ORDER BY tgname)"
      "  FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) FROM pg_class AS c WHERE oid = '";
  const std::string readers = "r:tenon_auditor,tenon_edge,tenon_owner,tenon_sealer";
  const std::string with_teller = "t|t|a:tenon_owner,tenon_teller " + readers + ",tenon_teller|";
  EXPECT_EQ(lines(superuser_, std::string(guards) + "public.audit_logs'::regclass"),
            with_teller + "append_only:O note_entries:O\n");
  EXPECT_EQ(lines(superuser_, std::string(guards) + "tenon.audit_batches'::regclass"), with_teller + "append_only:O\n");
  for (const char* table : {"audit_log_identity", "audit_checkpoints", "audit_retired"}) {
    EXPECT_EQ(lines(superuser_, std::string(guards) + "tenon." + table + "'::regclass"),
              "t|t|a:tenon_owner " + readers + "|append_only:O\n")
        << table;
  }
  EXPECT_EQ(lines(superuser_, std::string(guards) + "tenon.audit_tiles'::regclass"),
            "t|t|a:tenon_owner " + readers + " w:tenon_owner|append_only:O only_grows:O\n");
}

// A partition that had more than its parent gives would be a way round it.
TEST_F(SqlPrivileges, OnAPartitionOfTheLogAreNobodysAndEveryMonthIsLikeTheDefaultOne) {
  EXPECT_EQ(lines(superuser_, R"(
    SELECT DISTINCT relowner::regrole, relacl IS NOT NULL, relrowsecurity, relforcerowsecurity,
           (SELECT count(*) FROM aclexplode(relacl)), (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid),
           (SELECT string_agg(tgname || ' ' || tgtype, ',') FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
           (SELECT string_agg(substr(pg_get_indexdef(indexrelid), strpos(pg_get_indexdef(indexrelid), 'btree')), ', '
                              ORDER BY indisprimary DESC) FROM pg_index WHERE indrelid = c.oid),
           (SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c')
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'audit_logs'::regclass)"),
            "tenon_owner|t|t|t|0|0|append_only 62|btree (id), btree (entity_id, id)|says_what_changed\n");
  EXPECT_GE(std::stoi(value(superuser_, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass")),
            5)
      << "this month, three ahead, and the default one";
}

}  // namespace
}  // namespace tenon::test
