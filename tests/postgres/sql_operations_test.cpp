// tenon.execute and the operations of the inventory: what each does, refuses, and leaves alone.
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Optional;

class SqlOperations : public SqlTest {
 protected:
  Answer run(const std::string& operation, const std::string& arguments) {
    return execute_one(edge_, operation, {.envelope = envelope(++last_key_), .arguments = arguments});
  }
  std::string refusal(const std::string& operation, const std::string& arguments) {
    return refusal_of([&] { (void)run(operation, arguments); });
  }
  std::string stock() {
    return lines(superuser_,
                 "SELECT quantity_available, quantity_sold, quantity_received, version FROM inventory ORDER BY id");
  }
  std::string log() { return lines(superuser_, "SELECT action, before, after FROM audit_logs ORDER BY id"); }
  std::string entries() { return value(superuser_, "SELECT count(*) FROM audit_logs"); }
  std::string keys() { return value(superuser_, "SELECT count(*) FROM idempotency_keys"); }

  int last_key_ = 0;
};

std::string with_id(const std::string& more = "") { return R"({"id":")" + uuid_of(1) + '"' + more + "}"; }
std::string line(int item, const std::string& quantity) {
  return R"({"item_id":")" + uuid_of(item) + R"(","quantity":)" + quantity + "}";
}

TEST_F(SqlOperations, CreateAnItemWithItsFirstStockAndItsEntry) {
  const Answer answer =
      run("create_item", R"({"name":"Chair \"A\"","price":"129.90","quantity_available":12,"origin":null})");
  EXPECT_EQ(answer.origin, 0);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.version, 1);
  EXPECT_THAT(answer.location, Optional(MatchesRegex("/api/inventory/[0-9a-f-]{36}")));
  EXPECT_THAT(answer.body,
              Optional(MatchesRegex(
                  R"re(\{"id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}","name":"Chair \\"A\\"","origin":null,)re"
                  R"re("price":129\.90,"image_url":null,"created_at":"[-0-9T:.]+Z",)re"
                  R"re("quantity_available":12,"quantity_sold":0,"version":1,"updated_at":"[-0-9T:.]+Z"\})re")));
  EXPECT_EQ(stock(), "12|0|12|1\n");
  EXPECT_EQ(log(), "CREATE_ITEM||" + *answer.body + "\n");
  EXPECT_EQ(value(superuser_, "SELECT id FROM audit_logs"), std::to_string(*answer.audit_id));
}

TEST_F(SqlOperations, UpdateOnlyWhatIsNamedAndNullClearsWhatMayBeNull) {
  make_item(uuid_of(1), 5);
  Answer answer = run("update_item", with_id(R"(,"name":"Table","origin":"Oslo","image_url":"http://x")"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.version, 2);
  EXPECT_THAT(*answer.body,
              AllOf(HasSubstr(R"("name":"Table","origin":"Oslo","price":129.90,"image_url":"http://x")")));
  answer = run("update_item", with_id(R"(,"origin":null)"));
  EXPECT_THAT(*answer.body, AllOf(HasSubstr(R"("name":"Table","origin":null,"price":129.90,"image_url":"http://x")")));
  EXPECT_EQ(stock(), "5|0|5|3\n") << "no operation but its own moves stock";
  EXPECT_EQ(entries(), "2");
}

TEST_F(SqlOperations, IncrementAndDecrementSayWhatWasThereBeforeAndAfter) {
  make_item(uuid_of(1), 5);
  EXPECT_EQ(run("increment_stock", with_id(R"(,"increment":7)")).status, 200);
  EXPECT_EQ(run("decrement_item", with_id(R"(,"decrement":2)")).status, 200);
  EXPECT_EQ(stock(), "10|2|12|3\n");
  EXPECT_EQ(
      log(),
      R"(STOCK_INCREMENT|{"quantity_available":5,"quantity_sold":0,"version":1}|{"quantity_available":12,"quantity_sold":0,"version":2})"
      "\n"
      R"(STOCK_DECREMENT|{"quantity_available":12,"quantity_sold":0,"version":2}|{"quantity_available":10,"quantity_sold":2,"version":3})"
      "\n");
}

TEST_F(SqlOperations, AFacilityConvertsFromTheLawsFirstDayToItsLast) {
  const struct {
    const char* status;
    const char* effective;
    const char* sunset;
    const char* today;
    const char* convertible;
  } rows[] = {
      {"Medical", "2026-03-01", "", "2026-02-28", "f"},
      {"Medical", "2026-03-01", "", "2026-03-01", "t"},
      {"Medical", "2026-03-01", "", "2999-12-31", "t"},
      {"Recreational", "2026-03-01", "2026-03-31", "2026-03-30", "t"},
      {"Recreational", "2026-03-01", "2026-03-31", "2026-03-31", "t"},
      {"Recreational", "2026-03-01", "2026-03-31", "2026-04-01", "f"},
      {"Recreational", "2026-03-01", "2026-03-01", "2026-03-01", "t"},
      {"Recreational", "2026-03-01", "2026-03-01", "2026-02-28", "f"},
      {"Illegal", "2026-03-01", "", "2026-03-01", "f"},
      {"Decriminalized", "2026-03-01", "", "2026-03-01", "f"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(superuser_
                  .execute("SELECT tenon.is_convertible(jsonb_populate_record(NULL::legislation, jsonb_build_object("
                           "'status', $1::text, 'effective_date', $2::text, 'sunset_date', nullif($3, ''))), $4::date)",
                           {row.status, row.effective, row.sunset, row.today})
                  .text(0, 0),
              row.convertible)
        << row.status << " " << row.effective << " to " << row.sunset << " on " << row.today;
  }
}

TEST_F(SqlOperations, DeleteAnItemLeavesItsLastStateInTheLog) {
  make_item(uuid_of(1), 5);
  const std::string body = value(superuser_, "SELECT tenon.item_body(i) FROM inventory AS i");
  const Answer answer = run("delete_item", with_id());
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.version, std::nullopt);
  EXPECT_EQ(stock(), "");
  EXPECT_EQ(log(), "DELETE_ITEM|" + body + "|\n");
  EXPECT_EQ(run("delete_item", with_id()).status, 404);
  EXPECT_EQ(entries(), "1");
}

TEST_F(SqlOperations, OrdersTakeEveryLineOrNone) {
  make_item(uuid_of(1), 5, "Chair");
  make_item(uuid_of(2), 5, "Table");
  const Answer done =
      run("create_order", R"({"lines":[)" + line(2, "1") + "," + line(1, "2") + "," + line(2, "3") + "]}");
  EXPECT_EQ(done.status, 201);
  EXPECT_THAT(*done.body, AllOf(HasSubstr(R"({"item_id":")" + uuid_of(2) + R"(","name":"Table","quantity":1)"),
                                HasSubstr(R"("total":779.40)"), HasSubstr(R"("line_total":389.70)")));
  EXPECT_EQ(stock(), "3|2|5|2\n1|4|5|3\n");
  EXPECT_EQ(lines(superuser_,
                  "SELECT entity_id, (before::jsonb ->> 'quantity_available')::int -"
                  " (after::jsonb ->> 'quantity_available')::int, (after::jsonb ->> 'order_id') IS NOT NULL"
                  " FROM audit_logs ORDER BY id"),
            uuid_of(2) + "|1|t\n" + uuid_of(1) + "|2|t\n" + uuid_of(2) + "|3|t\n");
  EXPECT_EQ(value(superuser_, "SELECT min(id) FROM audit_logs"), std::to_string(done.audit_id.value_or(0)));

  const Answer refused =
      run("create_order", R"({"lines":[)" + line(1, "1") + "," + line(2, "1") + "," + line(2, "1") + "]}");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.problem, "insufficient_stock");
  EXPECT_EQ(refused.body,
            R"({"lines": [{"line": 2, "item_id": ")" + uuid_of(2) +
                R"(", "available": 0, "requested": 1}], "detail": "Some lines ask for more than there is."})");
  const Answer unknown = run("create_order", R"({"lines":[)" + line(1, "1") + "," + line(9, "1") + "]}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(*unknown.body, HasSubstr(R"([{"line": 1, "item_id": ")" + uuid_of(9)));
  EXPECT_EQ(stock(), "3|2|5|2\n1|4|5|3\n");
  EXPECT_EQ(entries(), "3");
}

struct Refused {
  const char* operation;
  std::string more;
  int status;
  const char* problem;
};

TEST_F(SqlOperations, RefuseAsAnAnswerThatIsStoredAndChangesNothing) {
  make_item(uuid_of(1), 5);
  const std::string unknown = R"({"id":")" + uuid_of(9) + '"';
  const std::string known = R"({"id":")" + uuid_of(1) + '"';
  const std::string stale = R"(,"precondition":{"versions":[2]}})";
  const Refused cases[] = {
      {"update_item", unknown + R"(,"name":"x"})", 404, "not_found"},
      {"increment_stock", unknown + R"(,"increment":1})", 404, "not_found"},
      {"decrement_item", unknown + R"(,"decrement":1})", 404, "not_found"},
      {"delete_item", unknown + "}", 404, "not_found"},
      {"update_item", known + R"(,"name":"x")" + stale, 409, "conflict"},
      {"increment_stock", known + R"(,"increment":1)" + stale, 409, "conflict"},
      {"decrement_item", known + R"(,"decrement":1)" + stale, 409, "conflict"},
      {"delete_item", known + stale, 409, "conflict"},
      {"decrement_item", known + R"(,"decrement":6})", 409, "insufficient_stock"},
      {"increment_stock", known + R"(,"increment":9007199254740987})", 409, "stock_limit"},
  };
  const std::string before = lines(superuser_, "SELECT i FROM inventory AS i");
  for (const Refused& the : cases) {
    const Answer answer = run(the.operation, the.more);
    EXPECT_EQ(answer.status, the.status) << the.operation << the.more;
    EXPECT_EQ(answer.problem, the.problem) << the.operation << the.more;
    EXPECT_EQ(answer.audit_id, std::nullopt);
  }
  EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i"), before);
  EXPECT_EQ(entries(), "0");
  EXPECT_EQ(keys(), std::to_string(std::size(cases)));
}

// What no node sends, and a stolen password might: the database says no, and the whole batch is as if it had never
// been.
TEST_F(SqlOperations, OfCraftedArgumentsAbortTheWholeBatch) {
  make_item(uuid_of(1), 5);
  const Refused cases[] = {
      {"create_item", R"({"name":"","price":"1.00"})", 0, "23514"},
      {"create_item", R"({"name":")" + std::string(201, 'x') + R"(","price":"1.00"})", 0, "23514"},
      {"create_item", R"({"name":"x","price":"0"})", 0, "23514"},
      {"create_item", R"({"name":"x","price":"-1"})", 0, "23514"},
      {"create_item", R"({"name":"x","price":"NaN"})", 0, "23514"},
      {"create_item", R"({"name":"x","price":"99999999999"})", 0, "22003"},
      {"create_item", R"({"name":"x"})", 0, "23502"},
      {"create_item", R"({"price":"1.00"})", 0, "23502"},
      {"create_item", R"({"name":"x","price":"1.00","quantity_available":-1})", 0, "23514"},
      {"create_item", R"({"name":"x","price":"1.00","quantity_available":9007199254740992})", 0, "23514"},
      {"update_item", with_id(R"(,"name":null)"), 0, "23502"},
      {"update_item", with_id(R"(,"price":"0")"), 0, "23514"},
      {"increment_stock", with_id(R"(,"increment":-1)"), 0, "23514"},
      {"increment_stock", with_id(R"(,"increment":null)"), 0, "23502"},
      {"decrement_item", with_id(R"(,"decrement":-1)"), 0, "23514"},
      {"decrement_item", with_id(R"(,"decrement":null)"), 0, "23502"},
      {"create_order", R"({"lines":[)" + line(1, "-1") + "]}", 0, "23514"},
      {"create_order", R"({"lines":[)" + line(1, "-3") + "," + line(1, "5") + "]}", 0, "23514"},
      {"create_order", R"({"lines":[)" + line(1, "0") + "]}", 0, "23514"},
      {"create_order", R"({"lines":[)" + line(1, "null") + "]}", 0, "23514"},
      {"create_order", R"({"lines":[]})", 0, "23502"},
      {"create_order", "{}", 0, "23502"},
      {"delete_item", R"({"id":"x"})", 0, "22P02"},
  };
  const std::string before = lines(superuser_, "SELECT i FROM inventory AS i");
  for (const Refused& the : cases) {
    EXPECT_EQ(refusal(the.operation, the.more), the.problem) << the.operation << the.more;
  }
  // Its innocent neighbours in the batch are not half done either.
  const std::vector<Call> batch{{envelope(100), R"({"name":"fine","price":"1.00"})"},
                                {envelope(101), R"({"name":"","price":"1.00"})"},
                                {envelope(102), R"({"name":"fine too","price":"1.00"})"}};
  EXPECT_EQ(refusal_of([&] { (void)execute(edge_, "create_item", batch); }), "23514");
  EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i"), before);
  EXPECT_EQ(entries(), "0");
  EXPECT_EQ(keys(), "0");
}

TEST_F(SqlOperations, AreAnsweredInOrderWhateverEachCameTo) {
  make_item(uuid_of(1), 5);
  ASSERT_EQ(execute_one(edge_, "decrement_item", {envelope(1), with_id(R"(,"decrement":1)")}).status, 200);
  Envelope reused = envelope(1);
  reused.fingerprint = 0xbb;
  const std::vector<Call> batch{{envelope(2), with_id(R"(,"decrement":2)")},
                                {envelope(1), with_id(R"(,"decrement":1)")},
                                {envelope(3), with_id(R"(,"decrement":9)")},
                                {envelope(4), with_id(R"(,"decrement":2)")}};
  EXPECT_THAT(execute(edge_, "decrement_item", batch),
              ElementsAre(AllOf(Field(&Answer::origin, 0), Field(&Answer::status, 200)),
                          AllOf(Field(&Answer::origin, 1), Field(&Answer::status, 200)),
                          AllOf(Field(&Answer::origin, 0), Field(&Answer::status, 409)),
                          AllOf(Field(&Answer::origin, 0), Field(&Answer::status, 200))));
  EXPECT_EQ(execute_one(edge_, "decrement_item", {reused, with_id(R"(,"decrement":1)")}), Answer{.origin = 2});
  EXPECT_EQ(stock(), "0|5|5|4\n");
}

// One user's key is nobody else's: the claim is of (scope, user, key), and the fingerprint of another is never
// compared.
TEST_F(SqlOperations, OfTwoUsersUnderTheSameKeyBothRun) {
  make_item(uuid_of(1), 5);
  Envelope first = envelope(1);
  Envelope second = envelope(2);
  second.key = first.key;
  second.user = "another";
  EXPECT_EQ(execute_one(edge_, "decrement_item", {first, with_id(R"(,"decrement":1)")}).origin, 0);
  EXPECT_EQ(execute_one(edge_, "decrement_item", {second, with_id(R"(,"decrement":1)")}).origin, 0);
  EXPECT_EQ(stock(), "3|2|5|3\n");
  EXPECT_EQ(lines(superuser_, "SELECT actor FROM audit_logs ORDER BY id"), "clerk\nanother\n");
}

// The effects are counted in a table without any key, so that nothing but the fence can keep the count right.
TEST_F(SqlOperations, AreNeverCalledForACommandWhoseAnswerIsStored) {
  superuser_.script(R"(
    SET ROLE tenon_owner;
    CREATE TABLE public.calls (key text);
    CREATE FUNCTION public.count_call(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    BEGIN
      INSERT INTO calls VALUES ((command).idempotency_key);
      RETURN ROW(200, NULL, '{}', NULL, NULL, NULL, NULL)::tenon.outcome;
    END
    $$;
    SELECT tenon.register_operation('count_call', 'public.count_call'))");
  Envelope reused = envelope(1);
  reused.fingerprint = 0xbb;
  const std::vector<Call> first{{envelope(1), "{}"}, {envelope(2), "{}"}};
  const std::vector<Call> again{{envelope(2), "{}"}, {envelope(3), "{}"}, {reused, "{}"}};
  EXPECT_THAT(execute(edge_, "count_call", first), ElementsAre(Field(&Answer::origin, 0), Field(&Answer::origin, 0)));
  EXPECT_THAT(execute(edge_, "count_call", again),
              ElementsAre(Field(&Answer::origin, 1), Field(&Answer::origin, 0), Field(&Answer::origin, 2)));
  // Whatever the planner makes of it: with statistics, with a custom plan, with every join.
  superuser_.execute("ANALYZE");
  edge_.execute("SET plan_cache_mode = force_custom_plan");
  for (int n = 0; n < 10; ++n) EXPECT_EQ(execute(edge_, "count_call", again).size(), 3U);
  EXPECT_EQ(lines(superuser_, "SELECT key, count(*) FROM calls GROUP BY key ORDER BY key"),
            "key-1|1\nkey-2|1\nkey-3|1\n");
}

// "Not stored, since nothing ran" must be true of what is not stored.
TEST_F(SqlOperations, WhoseAnswerWouldNotBeStoredMayNotHaveRun) {
  superuser_.script(R"(
    SET ROLE tenon_owner;
    CREATE TABLE public.calls (n int);
    CREATE TABLE public.words (id uuid PRIMARY KEY);
    SELECT tenon.audit_table('public.words', 'id');
    CREATE FUNCTION public.say(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    DECLARE
      word CONSTANT uuid := gen_random_uuid();
    BEGIN
      INSERT INTO calls VALUES (1);
      INSERT INTO words SELECT word WHERE arguments ? 'entry';
      RETURN ROW((arguments ->> 'status')::smallint, NULL, '{}', NULL, NULL, NULL,
                 CASE WHEN arguments ? 'entry' THEN tenon.audit(command, 'SAID', 'word', word, NULL, '{}') END)::tenon.outcome;
    END
    $$;
    SELECT tenon.register_operation('say', 'public.say'))");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"status":null})", "23502"},          {R"({"status":500})", "23514"},
      {R"({"status":403,"entry":1})", "23514"}, {R"({"status":422,"entry":1})", "23514"},
      {R"({"status":100,"entry":1})", "23514"}, {R"({"status":200,"entry":1})", "accepted"},
      {R"({"status":403})", "accepted"},        {R"({"status":422})", "accepted"},
  };
  for (const auto& [arguments, expected] : cases) EXPECT_EQ(refusal("say", arguments), expected) << arguments;
  EXPECT_EQ(keys(), "1");
  EXPECT_EQ(entries(), "1");
}

// Every row that the batch will touch, and in the order of ids: the whole list, not its first row alone.
TEST_F(SqlOperations, LockEveryItemOfTheBatchBeforeTheFirstRuns) {
  for (int n = 1; n <= 5; ++n) make_item(uuid_of(n), 5);
  superuser_.script("BEGIN");
  superuser_.execute("SELECT tenon.lock_items(ARRAY['{\"id\":\"" + uuid_of(4) + "\"}', '{\"lines\":[" + line(2, "1") +
                     "," + line(1, "1") + "]}']::jsonb[])");
  Session other = connect_superuser();
  EXPECT_EQ(lines(other, "SELECT id FROM inventory ORDER BY id FOR UPDATE SKIP LOCKED"),
            uuid_of(3) + "\n" + uuid_of(5) + "\n");
  superuser_.script("ROLLBACK");
}

TEST_F(SqlOperations, WhoseEntryCannotBeWrittenDoNothing) {
  make_item(uuid_of(1), 5);
  make_item(uuid_of(2), 5);
  break_table("public.audit_logs", "INSERT");
  const std::string before = lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id");
  const std::vector<Sale> sales{{.envelope = envelope(1), .item = uuid_of(1)},
                                {.envelope = envelope(2), .item = uuid_of(2)}};
  EXPECT_EQ(refusal_of([&] { (void)sell(edge_, sales); }), "58030") << "set-based";
  EXPECT_EQ(refusal("create_item", R"({"name":"x","price":"1.00"})"), "58030");
  EXPECT_EQ(refusal("update_item", with_id(R"(,"name":"x")")), "58030");
  EXPECT_EQ(refusal("increment_stock", with_id(R"(,"increment":1)")), "58030");
  EXPECT_EQ(refusal("decrement_item", with_id(R"(,"decrement":1)")), "58030") << "command by command";
  EXPECT_EQ(refusal("delete_item", with_id()), "58030");
  EXPECT_EQ(refusal("create_order", R"({"lines":[)" + line(1, "1") + "]}"), "58030");
  EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id"), before);
  EXPECT_EQ(keys(), "0") << "what did not happen has no answer stored";
}

TEST_F(SqlOperations, WhoseAnswerCannotBeStoredDoNothing) {
  make_item(uuid_of(1), 5);
  break_table("public.idempotency_keys_0", "INSERT");
  superuser_.execute("DROP TRIGGER broken ON public.idempotency_keys_0");
  superuser_.execute(
      "CREATE TRIGGER broken BEFORE INSERT ON public.idempotency_keys_0 FOR EACH ROW"
      " EXECUTE FUNCTION public.broken()");  // statement triggers of a partition are not asked
  const std::string before = lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id");
  EXPECT_EQ(refusal_of([&] { (void)sell_one(edge_, {.envelope = envelope(1), .item = uuid_of(1)}); }), "58030");
  EXPECT_EQ(refusal("increment_stock", with_id(R"(,"increment":1)")), "58030");
  EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id"), before);
  EXPECT_EQ(entries(), "0");
}

}  // namespace
}  // namespace tenon::test
