// Every file of sql/queries, run as the role that runs it. Run in the project's folder.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

namespace fs = std::filesystem;

struct QueryRun {
  const char* query;      // sql/queries/<query>.sql
  const char* types;      // of its parameters
  const char* arguments;  // SQL
};

// At least one of each file: a query that is not here has never been run as tenon_edge by this test, which then fails.
const QueryRun runs[] = {
    {"list_audit", "bigint[], text[], uuid[], text[], text[], timestamptz[], timestamptz[], int[]",
     "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{50}'"},
    {"list_businesses", "text[], text[], text[], text[], text[], text[], int[], int[]",
     "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{50}', '{0}'"},
    {"list_channels", "text[], uuid[], int[]", "'{clerk}', '{NULL}', '{50}'"},
    {"list_facilities", "text[], uuid[], int[]", "'{clerk}', '{NULL}', '{50}'"},
    {"list_items", "text[], text[], uuid[], int[]", "'{NULL}', '{NULL}', '{NULL}', '{50}'"},
    {"list_legislation", "text[], text[], text[], text[], text[], int[]",
     "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{50}'"},
    {"list_market_items", "text[], text[], text[], text[], uuid[], int[]",
     "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{50}'"},
    {"list_signing_keys", "text[], uuid[], int[]", "'{NULL}', '{NULL}', '{50}'"},
    {"read_audit", "bigint[]", "'{1}'"},
    {"list_revocations", "uuid[], int[]", "'{NULL}', '{50}'"},
    {"read_audit_checkpoint", "bigint[]", "'{0}'"},
    {"read_audit_leaf", "bigint[]", "'{1}'"},
    {"read_audit_tiles", "text[]", "'{0/0 1/0}'"},
    {"read_business", "uuid[]", "'{00000000-0000-7000-8000-000000000001}'"},
    {"read_item", "uuid[]", "'{00000000-0000-7000-8000-000000000001}'"},
    {"read_market_item", "uuid[]", "'{00000000-0000-7000-8000-000000000001}'"},
    {"read_signing_key", "uuid[]", "'{00000000-0000-7000-8000-000000000001}'"},
};

struct Page {
  std::vector<std::string> ids;
  std::string next;  // empty: the last page
};

class SqlQueries : public SqlTest {
 protected:
  static std::string text_of(const std::string& query) {
    std::ifstream file("sql/queries/" + query + ".sql");
    EXPECT_TRUE(file) << query;
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Its five columns: statuses, problems, bodies, versions, modified.
  postgres::Rows run(const std::string& query, const std::string& arguments) {
    if (prepared_.insert(query).second) {
      for (const QueryRun& known : runs) {
        if (known.query == query) edge_.script("PREPARE " + query + " (" + known.types + ") AS " + text_of(query));
      }
    }
    return edge_.script("EXECUTE " + query + " (" + arguments + ")");
  }

  // Of a list: the one body it returns.
  std::string body(const std::string& query, const std::string& arguments) {
    const postgres::Rows rows = run(query, arguments);
    return superuser_.execute("SELECT ($1::text[])[1]", {rows.text(0, 2)}).text(0, 0);
  }

  Page page(const std::string& query, const std::string& arguments) {
    const std::string json = body(query, arguments);
    Page page;
    const postgres::Rows rows = superuser_.execute(
        "SELECT item ->> 'id' FROM json_array_elements($1::json -> 'items') WITH ORDINALITY AS u (item, n) ORDER BY n",
        {json});
    for (int row = 0; row < rows.size(); ++row) page.ids.push_back(rows.text(row, 0));
    page.next = superuser_.execute("SELECT $1::json ->> 'next_cursor'", {json}).text(0, 0);
    return page;
  }

  // The names of the items that are found, in order.
  std::string found(const std::string& search) {
    const std::string json = body("list_items", "ARRAY[" + search + "], '{NULL}', '{NULL}', '{50}'");
    return superuser_
        .execute(
            "SELECT string_agg(item ->> 'name', ' | ' ORDER BY n)"
            " FROM json_array_elements($1::json -> 'items') WITH ORDINALITY AS u (item, n)",
            {json})
        .text(0, 0);
  }

  std::set<std::string> prepared_;
};

TEST_F(SqlQueries, AreAllRunAsTheEdge) {
  std::set<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator("sql/queries"))
    files.insert(entry.path().stem().string());
  std::set<std::string> run_here;
  for (const QueryRun& one : runs) {
    run_here.insert(one.query);
    const postgres::Rows rows = run(one.query, one.arguments);
    EXPECT_EQ(rows.size(), 1) << one.query << ": one row of arrays";
    EXPECT_EQ(rows.columns(), 5) << one.query << ": statuses, problems, bodies, versions, modified";
    EXPECT_THAT(rows.text(0, 0), testing::AnyOf("{200}", "{404}", "{409}")) << one.query;
  }
  EXPECT_EQ(run_here, files) << "add a run of the new query above";
}

// A batch of reads is answered by position: in another order, somebody reads what somebody else asked for.
TEST_F(SqlQueries, ByIdAnswerEachInTheOrderAskedWhateverIsUnknown) {
  const std::pair<const char*, const char*> tables[] = {
      {"read_item",
       "INSERT INTO inventory (id, name, price, quantity_received) SELECT id, 'Chair ' || id, 1, 0 FROM made"},
      {"read_business",
       "INSERT INTO businesses (id, name, owner_id, category, state, city)"
       " SELECT id, 'Shop ' || id, 'clerk', 'Dispensary', 'OR', 'Portland' FROM made"},
      {"read_market_item",
       "INSERT INTO market_items (id, seller_id, category, item_name, description, price_per_unit, state, city,"
       " quantity_listed, quantity)"
       " SELECT id, 'clerk', 'Services', 'Thing ' || id, 'as good as new', 1, 'OR', 'Portland', 1, 1 FROM made"},
  };
  // Every second of a hundred exists; they are asked for backwards, and the first once more at the end.
  superuser_.script(
      "CREATE TEMP TABLE made AS SELECT format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid AS id"
      " FROM generate_series(2, 100, 2) AS n");
  for (const auto& [query, insert] : tables) {
    meddle(insert);
    std::vector<std::optional<std::string>> asked;
    for (int n = 100; n >= 1; --n) asked.emplace_back(fmt::format("00000000-0000-7000-8000-{:012}", n));
    asked.push_back(asked.front());
    for (const char* joins : {"on", "off"}) {  // whichever join is chosen
      edge_.script(std::string("SET enable_hashjoin = ") + joins + "; SET enable_nestloop = " + joins);
      const postgres::Rows rows = run(query, "'" + array_text(asked) + "'");
      const postgres::Rows wrong = superuser_.execute(
          "SELECT n, id, body FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) WITH ORDINALITY"
          " AS u (id, status, problem, body, n) WHERE strpos(body, id::text) = 0"
          " OR (status, problem IS NULL) IS DISTINCT FROM"
          "    (CASE WHEN id IN (SELECT id FROM made) THEN 200 ELSE 404 END, id IN (SELECT id FROM made))",
          {array_text(asked), rows.text(0, 0), rows.text(0, 1), rows.text(0, 2)});
      EXPECT_EQ(wrong.size(), 0) << query << ", first at " << (wrong.size() > 0 ? wrong.text(0, 0) : "");
    }
  }
}

TEST_F(SqlQueries, SearchForTextAndNotForAPattern) {
  int number = 0;
  for (const char* name : {"100% wool", "1000 wool", "under_score", "underXscore", R"(back\slash)", "Chair", "ÄRMEL"}) {
    make_item(uuid_of(++number), 1, name);
  }
  const std::map<std::string, std::string> expected{
      {"'%'", "100% wool"},
      {"'0% w'", "100% wool"},
      {"'_'", "under_score"},
      {R"('\')", R"(back\slash)"},
      {R"('k\s')", R"(back\slash)"},
      {"'CHAIR'", "Chair"},
      {"'wool'", "100% wool | 1000 wool"},
      {"'.*'", ""},
      {"''''", ""},
      {"'ärm'", "ÄRMEL"},
      {"''", R"(100% wool | 1000 wool | under_score | underXscore | back\slash | Chair | ÄRMEL)"},
  };
  for (const auto& [search, names] : expected) EXPECT_EQ(found(search), names) << search;
}

TEST_F(SqlQueries, ByOriginTakeTheWholeNameOnly) {
  make_item(uuid_of(1), 1, "Chair");
  make_item(uuid_of(2), 1, "Table");
  meddle("UPDATE inventory SET origin = 'Oslo' WHERE name = 'Table'");
  const auto ids = [&](const std::string& origin) {
    return page("list_items", "'{NULL}', ARRAY[" + origin + "], '{NULL}', '{50}'").ids;
  };
  EXPECT_EQ(ids("'Oslo'"), std::vector{uuid_of(2)});
  EXPECT_TRUE(ids("'Osl%'").empty());
  EXPECT_TRUE(ids("'oslo'").empty());
}

TEST_F(SqlQueries, GoThroughAllItemsOncePageByPageWhileOthersAreMade) {
  for (int n = 1; n <= 7; ++n) make_item(uuid_of(n), 1);
  std::vector<std::string> seen;
  std::string cursor = "NULL";
  int pages = 0;
  do {
    const Page one = page("list_items", "'{NULL}', '{NULL}', '{" + cursor + "}', '{3}'");
    EXPECT_LE(one.ids.size(), 3U);
    seen.insert(seen.end(), one.ids.begin(), one.ids.end());
    cursor = one.next;
    if (++pages == 1) make_item(uuid_of(8), 1);  // a new one has a later id
  } while (!cursor.empty() && pages < 10);
  std::vector<std::string> all;
  for (int n = 1; n <= 8; ++n) all.push_back(uuid_of(n));
  EXPECT_EQ(seen, all);
  EXPECT_EQ(page("list_items", "'{NULL}', '{NULL}', '{NULL}', '{8}'").next, "") << "exactly a page: no next one";
  EXPECT_EQ(page("list_items", "'{NULL}', '{NULL}', '{" + uuid_of(8) + "}', '{8}'").ids.size(), 0U);
}

// Commands that come together run within one statement, many of them in the same millisecond.
TEST_F(SqlQueries, ListInOrderOfCreationAlsoWhatOneBatchMade) {
  const std::string place = R"({"state":"OR","city":"Portland"})";
  const struct {
    const char* operation;
    std::string members;
    const char* query;
    const char* arguments;
  } cases[] = {
      {"create_item", R"("name":"Chair","price":1)", "list_items", "'{NULL}', '{NULL}', '{NULL}', '{200}'"},
      {"create_business", R"("ownerId":"clerk","category":"Dispensary","address":)" + place, "list_businesses",
       "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{200}', '{0}'"},
      {"create_facility", R"("type":"Lab","capacity":1,"location":)" + place, "list_facilities",
       "'{clerk}', '{NULL}', '{200}'"},
      {"create_market_item",
       R"("category":"Services","itemName":"x","description":"as good as new","quantity":1,"pricePerUnit":1,"location":)" +
           place,
       "list_market_items", "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{200}'"},
      {"create_channel", R"("method":"Shell","throughputCap":1,"feePercent":1,"latencyDays":1,"detectionRisk":1)",
       "list_channels", "'{clerk}', '{NULL}', '{200}'"},
  };
  int key = 0;
  for (const auto& [operation, members, query, arguments] : cases) {
    std::vector<Call> calls;
    for (int n = 0; n < 200; ++n) {
      calls.push_back({envelope(++key), R"({"name":"Number )" + std::to_string(n) + "\"," + members + "}"});
    }
    std::vector<std::string> made;
    for (const Answer& answer : execute(edge_, operation, calls)) {
      made.push_back(superuser_.execute("SELECT $1::json ->> 'id'", {answer.body.value_or("{}")}).text(0, 0));
    }
    EXPECT_EQ(page(query, arguments).ids, made) << operation;
  }
}

// RFC 9562 section 5.7: 48 bits of milliseconds since 1970, the version, and here the fraction of that millisecond.
TEST_F(SqlQueries, FindRowsByIdsThatTellWhenTheyWereMade) {
  EXPECT_EQ(
      lines(superuser_,
            "SELECT count(*), count(*) FILTER (WHERE NOT made_us BETWEEN before_us AND after_us),"
            " bool_and(text ~ '^.{8}-.{4}-7.{3}-[89ab].{3}-.{12}$') FROM ("
            "  SELECT id::text AS text, extract(epoch FROM before) * 1000000 - 1 AS before_us,"
            "         extract(epoch FROM clock_timestamp()) * 1000000 AS after_us,"
            "         ('x' || substr(translate(id::text, '-', ''), 1, 12))::bit(48)::bigint * 1000"
            "           + ('x' || substr(id::text, 16, 3))::bit(12)::integer * 1000.0 / 4096 AS made_us"
            "  FROM (SELECT clock_timestamp() AS before, tenon.new_id() AS id FROM generate_series(1, 1000) OFFSET 0)"
            "    AS made) AS told"),
      "1000|0|t\n");
}

// A page's cursor as the node hands it on: "ID~SNAPSHOT".
std::string cursor_arguments(const std::string& cursor) {
  if (cursor.empty()) return "'{NULL}', '{NULL}'";
  const std::size_t tilde = cursor.find('~');
  return "'{" + cursor.substr(0, tilde) + "}', ARRAY['" + cursor.substr(tilde + 1) + "']";
}

TEST_F(SqlQueries, GoThroughTheAuditLogFromTheNewestAndNewEntriesMoveNothing) {
  make_item(uuid_of(1), 100);
  make_item(uuid_of(2), 100);
  for (int n = 0; n < 7; ++n) (void)sell_one(edge_, {.envelope = envelope(n), .item = uuid_of(1)});
  const std::string all = lines(superuser_, "SELECT id FROM audit_logs ORDER BY id DESC");
  std::string seen;
  std::string cursor;
  int pages = 0;
  do {
    const Page one =
        page("list_audit", cursor_arguments(cursor) + ", '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{3}'");
    for (const std::string& id : one.ids) seen += id + "\n";
    cursor = one.next;
    (void)sell_one(edge_, {.envelope = envelope(100 + ++pages), .item = uuid_of(2)});
  } while (!cursor.empty() && pages < 10);
  EXPECT_EQ(seen, all);
}

// An entry whose transaction took its id early and commits late, under a walk: it is in none of the walk's pages, and
// in the next walk in its place. Were it to turn up in the middle of the walk, who reads on from the newest id would
// never see it.
TEST_F(SqlQueries, GoThroughTheAuditLogAsItWasWhenTheWalkBegan) {
  make_item(uuid_of(1), 100);
  make_item(uuid_of(2), 100);
  Session late = connect_edge();
  (void)sell_one(edge_, {.envelope = envelope(1), .item = uuid_of(1)});
  late.script("BEGIN");
  (void)sell_one(late, {.envelope = envelope(2), .item = uuid_of(2)});
  for (int n = 3; n < 6; ++n) (void)sell_one(edge_, {.envelope = envelope(n), .item = uuid_of(1)});
  const std::string before = lines(superuser_, "SELECT id FROM audit_logs ORDER BY id DESC");
  std::string walked;
  std::string cursor;
  do {
    const Page one =
        page("list_audit", cursor_arguments(cursor) + ", '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{1}'");
    for (const std::string& id : one.ids) walked += id + "\n";
    if (cursor.empty()) late.script("COMMIT");
    cursor = one.next;
  } while (!cursor.empty());
  EXPECT_EQ(walked, before);
  const Page again = page("list_audit", "'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{50}'");
  EXPECT_EQ(again.ids.size(), 5U);
}

TEST_F(SqlQueries, OfTheAuditLogFilterByEachOfTheirParameters) {
  make_item(uuid_of(1), 100);
  make_item(uuid_of(2), 100);
  Sale sale{.envelope = envelope(1), .item = uuid_of(1)};
  (void)sell_one(edge_, sale);
  sale = {.envelope = envelope(2), .item = uuid_of(2)};
  sale.envelope.user = "an\"other";
  (void)sell_one(edge_, sale);
  (void)execute_one(edge_, "increment_stock", {envelope(3), R"({"id":")" + uuid_of(2) + R"(","increment":1})"});
  const auto count = [&](const std::string& arguments) {
    return page("list_audit", "'{NULL}', '{NULL}', " + arguments + ", '{50}'").ids.size();
  };
  EXPECT_EQ(count("'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}'"), 3U);
  EXPECT_EQ(count("'{" + uuid_of(2) + "}', '{NULL}', '{NULL}', '{NULL}', '{NULL}'"), 2U);
  EXPECT_EQ(count("'{NULL}', ARRAY['an\"other'], '{NULL}', '{NULL}', '{NULL}'"), 1U);
  EXPECT_EQ(count("'{NULL}', '{NULL}', '{STOCK_DECREMENT}', '{NULL}', '{NULL}'"), 2U);
  EXPECT_EQ(count("'{NULL}', '{NULL}', '{NULL}', '{infinity}', '{NULL}'"), 0U);
  EXPECT_EQ(count("'{NULL}', '{NULL}', '{NULL}', '{NULL}', '{-infinity}'"), 0U);
  EXPECT_EQ(count("'{" + uuid_of(2) + "}', '{clerk}', '{STOCK_INCREMENT}', '{-infinity}', '{infinity}'"), 1U);
}

}  // namespace
}  // namespace tenon::test
