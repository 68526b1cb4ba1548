// The sale: in what order, at what moments, under which tokens, and what it refuses whole.
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"
#include "postgres/sql_reference.hpp"

namespace tenon::test {
namespace {

using testing::ElementsAre;
using testing::Field;
using SqlDecrement = SqlTest;

TEST_F(SqlDecrement, ServesInTheOrderGivenAndASmallerLaterCommandGetsWhatALargerEarlierOneCouldNot) {
  make_item(uuid_of(1), 10);
  const std::vector<Sale> sales{{.envelope = envelope(1), .item = uuid_of(1), .quantity = 7},
                                {.envelope = envelope(2), .item = uuid_of(1), .quantity = 4},
                                {.envelope = envelope(3), .item = uuid_of(1), .quantity = 3},
                                {.envelope = envelope(4), .item = uuid_of(1), .quantity = 1}};
  const std::vector<Answer> answers = sell(edge_, sales);
  EXPECT_THAT(answers, ElementsAre(Field(&Answer::status, 200), Field(&Answer::status, 409),
                                   Field(&Answer::status, 200), Field(&Answer::status, 409)));
  EXPECT_EQ(answers[3].body, R"({"detail": "1 requested, 0 available.", "available": 0, "requested": 1})");
  EXPECT_EQ(lines(superuser_, "SELECT quantity_available, quantity_sold, version FROM inventory"), "0|10|3\n");
}

// An item that nobody made must not spoil what is sold beside it.
TEST_F(SqlDecrement, OfAnUnknownItemBesideKnownOnesIsRefusedAlone) {
  make_item(uuid_of(1), 10);
  const std::vector<Sale> sales{{.envelope = envelope(1), .item = uuid_of(1)},
                                {.envelope = envelope(2), .item = uuid_of(99)},
                                {.envelope = envelope(3), .item = uuid_of(1)}};
  EXPECT_THAT(sell(edge_, sales),
              ElementsAre(Field(&Answer::status, 200), Field(&Answer::status, 404), Field(&Answer::status, 200)));
  EXPECT_EQ(lines(superuser_, "SELECT quantity_available, version FROM inventory"), "8|3\n");
}

TEST_F(SqlDecrement, OfOneItemManyTimesInABatchGivesEachChangeAMomentOfItsOwn) {
  make_item(uuid_of(1), 1000);
  std::vector<Sale> sales;
  for (int n = 0; n < 100; ++n) sales.push_back({.envelope = envelope(n), .item = uuid_of(1)});
  std::int64_t last = 0;
  std::int64_t version = 1;
  for (const Answer& answer : sell(edge_, sales)) {
    EXPECT_GT(answer.modified.value_or(0), last);
    EXPECT_EQ(answer.version, ++version);
    last = answer.modified.value_or(0);
  }
  EXPECT_EQ(lines(superuser_, "SELECT (extract(epoch FROM updated_at) * 1000000)::bigint - " + std::to_string(last) +
                                  ", updated_at - prior_updated_at FROM inventory"),
            "0|00:00:00.000001\n");
}

// A batch of one has a statement of its own: it tells, keeps and audits what the one for many does.
TEST_F(SqlDecrement, AloneLeavesWhatItLeavesInABatch) {
  for (const int n : {1, 2, 3}) make_item(uuid_of(n), 10);
  const std::string made = value(superuser_, "SELECT updated_at FROM inventory WHERE id = '" + uuid_of(1) + "'");
  const std::vector<Sale> alone{{.envelope = envelope(1), .item = uuid_of(1), .quantity = 3}};
  const std::vector<Sale> together{{.envelope = envelope(2), .item = uuid_of(2), .quantity = 3},
                                   {.envelope = envelope(3), .item = uuid_of(3), .quantity = 3}};
  const Answer first = sell(edge_, alone).at(0);
  const Answer second = sell(edge_, together).at(0);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.version, second.version);
  EXPECT_EQ(value(superuser_, "SELECT prior_updated_at FROM inventory WHERE id = '" + uuid_of(1) + "'"), made);
  constexpr const char* left =
      "SELECT quantity_available, quantity_sold, i.version, action, entity_kind, before, after, audit_id = l.id,"
      " summary = tenon.item_body(i), k.modified = updated_at, l.at = updated_at"
      " FROM inventory AS i JOIN audit_logs AS l ON entity_id = i.id AND i.version = 2 JOIN idempotency_keys AS k"
      " ON k.audit_id = l.id WHERE i.id = '";
  const std::string row = lines(superuser_, left + uuid_of(1) + "' AND action = 'STOCK_DECREMENT'");
  EXPECT_EQ(row, lines(superuser_, left + uuid_of(2) + "' AND action = 'STOCK_DECREMENT'"));
  EXPECT_TRUE(row.starts_with("7|3|2|STOCK_DECREMENT|item|")) << row;
  EXPECT_TRUE(row.ends_with("|t|t|t|t\n")) << row;
}

// Sales of one item one after the other, as a batch, and beside another item's: what they say, keep and enter is the
// same.
TEST_F(SqlDecrement, OfOneItemLeaveTheSameInWhicheverBatchTheyAre) {
  for (const int n : {1, 2, 3, 4}) make_item(uuid_of(n), 20);
  int used = 0;
  const auto sales_of = [&](int item) {
    std::vector<Sale> sales;
    for (const int quantity : {3, 1, 4}) {
      sales.push_back({.envelope = envelope(++used), .item = uuid_of(item), .quantity = quantity});
    }
    return sales;
  };
  for (const Sale& sale : sales_of(1)) EXPECT_EQ(sell_one(edge_, sale).status, 200);
  EXPECT_THAT(sell(edge_, sales_of(2)), testing::Each(Field(&Answer::status, 200)));
  std::vector<Sale> mixed = sales_of(3);
  mixed.insert(mixed.begin() + 1, {.envelope = envelope(++used), .item = uuid_of(4), .quantity = 9});
  EXPECT_THAT(sell(edge_, mixed), testing::Each(Field(&Answer::status, 200)));

  const auto left = [&](int item) {
    return lines(superuser_,
                 "SELECT k.version, before, after, l.at = k.modified, l.id = k.audit_id,"
                 " expires_at > clock_timestamp(), replace(summary, i.id::text, '') ~ format('\"quantity_sold\":%s,',"
                 " after::json ->> 'quantity_sold'), (summary = tenon.item_body(i)) = (k.version = i.version),"
                 " row(k.modified = i.updated_at, k.version = i.version), row(k.modified = prior_updated_at, k.version "
                 "+ 1 = i.version)"
                 " FROM inventory AS i JOIN audit_logs AS l ON entity_id = i.id JOIN idempotency_keys AS k"
                 " ON k.audit_id = l.id WHERE i.id = '" +
                     uuid_of(item) + "' ORDER BY l.id");
  };
  const std::string one_by_one = left(1);
  EXPECT_EQ(std::ranges::count(one_by_one, '\n'), 3) << one_by_one;
  EXPECT_EQ(left(2), one_by_one);
  EXPECT_EQ(left(3), one_by_one);
}

// The row's clock is ahead of the server's (it was set back): moments still grow.
TEST_F(SqlDecrement, AfterTheClockWasSetBackStillMovesForward) {
  make_item(uuid_of(1), 10);
  meddle("UPDATE inventory SET updated_at = clock_timestamp() + interval '1 hour', version = 2");
  const std::string ahead =
      value(superuser_, "SELECT (extract(epoch FROM updated_at) * 1000000)::bigint FROM inventory");
  const std::vector<Sale> sales{{.envelope = envelope(1), .item = uuid_of(1)},
                                {.envelope = envelope(2), .item = uuid_of(1)}};
  EXPECT_THAT(sell(edge_, sales), ElementsAre(Field(&Answer::modified, std::stoll(ahead) + 1),
                                              Field(&Answer::modified, std::stoll(ahead) + 2)));
  EXPECT_EQ(execute_one(edge_, "increment_stock",
                        {.envelope = envelope(3), .arguments = R"({"id":")" + uuid_of(1) + R"(","increment":1})"})
                .modified,
            std::stoll(ahead) + 3);
}

struct DateCase {
  const char* what;
  std::int64_t prior;  // microseconds before the last change; 0: there was no earlier one
  std::int64_t token;  // microseconds after the last change
  std::int64_t grain;
  int expected;
};
constexpr std::int64_t at_half = 500'000;  // the last change was this long into its second

constexpr DateCase date_cases[] = {{"never changed, to the second", 0, 0, 1'000'000, 200},
                                   {"never changed, the second's beginning", 0, -at_half, 1'000'000, 200},
                                   {"never changed, the second before", 0, -at_half - 1, 1'000'000, 409},
                                   {"never changed, the second after", 0, at_half, 1'000'000, 409},
                                   {"changed twice within the second", 1, 0, 1'000'000, 409},
                                   {"changed twice within the second, from its beginning", at_half, 0, 1'000'000, 409},
                                   {"changed in the second before", at_half + 1, 0, 1'000'000, 200},
                                   {"twice within the second, to the millisecond", at_half, 0, 1'000, 200},
                                   {"twice within the millisecond", 0 + 999, 999, 1'000, 200},
                                   {"to the millisecond, the one after", 0, 1'000, 1'000, 409},
                                   {"to the microsecond", 1, 0, 1, 200},
                                   {"one microsecond early", 1, -1, 1, 409},
                                   {"one microsecond late", 1, 1, 1, 409}};

TEST_F(SqlDecrement, ComparesADateInItsGrainAndRefusesItWhereItTellsTwoStatesApartNoMore) {
  make_item(uuid_of(1), 1000);
  int number = 0;
  for (const DateCase& the : date_cases) {
    meddle("UPDATE inventory SET updated_at = '2025-12-02T05:21:11.5Z', prior_updated_at = " +
           (the.prior == 0
                ? "NULL"
                : "'2025-12-02T05:21:11.5Z'::timestamptz - interval '" + std::to_string(the.prior) + " us'"));
    constexpr std::int64_t changed = 1'764'652'871'000'000 + at_half;
    const Tokens tokens{.dates = {{.at = changed + the.token, .grain = the.grain}}};
    const Sale sale{.envelope = envelope(++number), .item = uuid_of(1), .precondition = tokens.as_json()};
    EXPECT_EQ(sell_one(edge_, sale).status, the.expected) << the.what;
  }
}

struct Crafted {
  const char* what;
  std::optional<std::int64_t> quantity;
  const char* expected;
};

TEST_F(SqlDecrement, OfCraftedQuantitiesIsRefusedWhole) {
  make_item(uuid_of(1), 10);
  for (const Crafted& crafted :
       {Crafted{"none", 0, "23514"}, Crafted{"less than none", -5, "23514"}, Crafted{"null", std::nullopt, "23514"}}) {
    const std::vector<Sale> sales{{.envelope = envelope(1), .item = uuid_of(1)},
                                  {.envelope = envelope(2), .item = uuid_of(1), .quantity = crafted.quantity}};
    EXPECT_EQ(refusal_of([&] { (void)sell(edge_, sales); }), crafted.expected) << crafted.what;
  }
  for (const char* decrement : {"-5", "null", "9223372036854775807", "\"x\"", "1.5", "[]"}) {
    const std::string arguments = R"({"id":")" + uuid_of(1) + R"(","decrement":)" + decrement + "}";
    const std::string outcome = refusal_of([&] {
      const Answer answer = execute_one(edge_, "decrement_item", {.envelope = envelope(3), .arguments = arguments});
      EXPECT_EQ(answer.status, 409) << decrement;  // 9223372036854775807 of them there are not
    });
    EXPECT_THAT(outcome, testing::AnyOf("23514", "23502", "22P02", "accepted")) << decrement;
  }
  EXPECT_EQ(lines(superuser_, "SELECT quantity_available, quantity_sold, version FROM inventory"), "10|0|1\n");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM audit_logs"), "0");
}

// Arrays of unequal length: what is missing must not become a sale without its entry or its key. There are as many
// commands as claims, at least two here: a batch of one is looked at below.
TEST_F(SqlDecrement, OfArraysOfUnequalLengthIsRefused) {
  make_item(uuid_of(1), 10);
  const std::vector<std::string> columns{
      "ARRAY['c1a10000-0000-4000-8000-000000000001', 'c1a10000-0000-4000-8000-000000000002']::uuid[]",
      "ARRAY['inventory', 'inventory']",
      "ARRAY['clerk', 'clerk']",
      "ARRAY['key-1', 'key-2']",
      "ARRAY[decode(repeat('aa', 32), 'hex'), decode(repeat('aa', 32), 'hex')]",
      "ARRAY[60, 60]",
      "ARRAY['admin', 'admin']",
      "ARRAY['r', 'r']",
      "ARRAY['" + uuid_of(1) + "', '" + uuid_of(1) + "']::uuid[]",
      "ARRAY[1, 1]",
      "ARRAY[NULL, NULL]::jsonb[]"};
  for (std::size_t shortened = 1; shortened < columns.size(); ++shortened) {
    std::string call = "SELECT decrement_stock_atomic(";
    for (std::size_t n = 0; n < columns.size(); ++n) {
      call += (n == 0 ? "" : ", ") + (n == shortened ? "(" + columns[n] + ")[1:1]" : columns[n]);
    }
    EXPECT_EQ(refusal_of([&] { edge_.execute(call + ")"); }), "23514") << "column " << shortened;
  }
  EXPECT_EQ(lines(superuser_, "SELECT DISTINCT quantity_sold FROM inventory"), "0\n");
}

// Elements are taken by number. An array that counts from elsewhere, or that has rows of its own, would give nulls for
// them: so could whoever stole a node's login sell without telling how many.
TEST_F(SqlDecrement, OfArraysThatDoNotCountFromOneOrHaveRowsIsRefused) {
  make_item(uuid_of(1), 100);
  make_item(uuid_of(2), 100);
  const auto columns = [](int second) {
    return std::vector<std::pair<std::string, std::string>>{
        {"c1a10000-0000-4000-8000-000000000001,c1a10000-0000-4000-8000-000000000002", "uuid[]"},
        {"inventory,inventory", "text[]"},
        {"clerk,clerk", "text[]"},
        {"key-1,key-2", "text[]"},
        {std::string(R"("\\x)") + std::string(64, 'a') + R"(","\\x)" + std::string(64, 'a') + "\"", "bytea[]"},
        {"60,60", "int[]"},
        {"admin,admin", "text[]"},
        {"r,r", "text[]"},
        {uuid_of(1) + "," + uuid_of(second), "uuid[]"},
        {"5,7", "int[]"},
        {"NULL,NULL", "jsonb[]"}};
  };
  const auto rows_of = [](std::string elements) {
    return "{{" + elements.replace(elements.find(','), 1, "},{") + "}}";
  };
  for (const int second : {1, 2}) {
    const auto given = columns(second);
    for (std::size_t bent = 0; bent < given.size(); ++bent) {
      const std::string& elements = given[bent].first;
      for (const std::string& shape :
           {"[2:3]={" + elements + "}", "[0:1]={" + elements + "}", "{{" + elements + "}}", rows_of(elements)}) {
        std::string call = "SELECT decrement_stock_atomic(";
        for (std::size_t n = 0; n < given.size(); ++n) {
          call += (n == 0 ? "'" : ", '") + (n == bent ? shape : "{" + given[n].first + "}") + "'::" + given[n].second;
        }
        EXPECT_EQ(refusal_of([&] { edge_.execute(call + ")"); }), "23514") << "column " << bent << " as " << shape;
      }
    }
  }
  EXPECT_EQ(lines(superuser_,
                  "SELECT sum(quantity_sold), (SELECT count(*) FROM audit_logs WHERE action = 'STOCK_DECREMENT')"
                  " FROM inventory"),
            "0|0\n");
}

// A batch of one takes each array's first element and nothing else. Where there is none, nothing is sold without its
// entry, its key, its seller or its number of pieces.
TEST_F(SqlDecrement, OfOneCommandTakesFirstElementsOrIsRefused) {
  make_item(uuid_of(1), 100);
  const std::vector<std::pair<std::string, std::string>> columns{
      {"", "uuid[]"},  // another claim each time
      {"inventory", "text[]"}, {"clerk", "text[]"},
      {"key-1", "text[]"},     {R"("\\x)" + std::string(64, 'a') + "\"", "bytea[]"},
      {"60", "int[]"},         {"admin", "text[]"},
      {"r", "text[]"},         {uuid_of(1), "uuid[]"},
      {"5", "int[]"},          {"NULL", "jsonb[]"}};
  constexpr std::size_t claims = 0, lifetimes = 5, preconditions = 10;
  int calls = 0, sales = 0;
  for (std::size_t bent = 0; bent < columns.size(); ++bent) {
    for (const char* shape : {"[2:2]={@}", "[0:0]={@}", "{{@}}", "{@,@}"}) {
      std::string call = "SELECT decrement_stock_atomic(";
      ++calls;
      for (std::size_t n = 0; n < columns.size(); ++n) {
        const std::string element = n == claims ? envelope(calls).claim : columns[n].first;
        std::string array = n == bent ? shape : "{@}";
        for (std::size_t at = 0; (at = array.find('@')) != std::string::npos;) array.replace(at, 1, element);
        call += (n == 0 ? "'" : ", '") + array + "'::" + columns[n].second;
      }
      const bool has_all =
          shape == std::string_view("{@,@}") ? bent != claims : bent == lifetimes || bent == preconditions;
      EXPECT_THAT(refusal_of([&] { edge_.execute(call + ")"); }),
                  has_all ? testing::AnyOf("accepted", "accepted") : testing::AnyOf("23514", "23502"))
          << "column " << bent << " as " << shape;
      sales += has_all ? 1 : 0;
    }
  }
  const std::string all = std::to_string(sales);
  EXPECT_EQ(lines(superuser_,
                  "SELECT quantity_sold, (SELECT count(*) FROM audit_logs WHERE actor = 'clerk' AND role = 'admin'"
                  " AND idempotency_key = 'key-1'), (SELECT count(*) FROM idempotency_keys WHERE key = 'key-1'"
                  " AND expires_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '60 s')"
                  " FROM inventory"),
            std::to_string(5 * sales) + "|" + all + "|" + all + "\n");
}

// A batch's entries have a block of ids. Who stole a node's login must not enter under ids that are another batch's.
TEST_F(SqlDecrement, OfMoreCommandsThanABlockHasIdsIsRefused) {
  make_item(uuid_of(1), 5000);
  make_item(uuid_of(2), 5000);
  for (const int second : {1, 2}) {
    std::vector<Sale> sales;
    for (int n = 0; n < 1025; ++n) {
      sales.push_back({.envelope = envelope(n), .item = uuid_of(n % 2 == 0 ? 1 : second)});
    }
    EXPECT_EQ(refusal_of([&] { static_cast<void>(sell(edge_, sales)); }), "23514") << second;
  }
  EXPECT_EQ(lines(superuser_, "SELECT sum(quantity_sold), (SELECT count(*) FROM audit_logs) FROM inventory"), "0|0\n");
  std::vector<Sale> sales;
  for (int n = 0; n < 1024; ++n) sales.push_back({.envelope = envelope(n), .item = uuid_of(1)});
  EXPECT_THAT(sell(edge_, sales), testing::Each(Field(&Answer::status, 200)));
  sales.resize(1);
  sales[0].envelope = envelope(1024);
  EXPECT_THAT(sell(edge_, sales), testing::Each(Field(&Answer::status, 200)));
}

// No trigger counts what the sale changes and enters: it does so itself, and an edit that loses an entry cannot commit.
TEST_F(SqlDecrement, HoldsItsEntriesAgainstItsChangesInEachOfItsWays) {
  struct Defect {
    const char* what;
    const char* where;
    const char* instead;
    std::vector<int> items;
  };
  const Defect defects[] = {
      {"alone, of another row", "sold_id, 'STOCK_DECREMENT'", "gen_random_uuid(), 'STOCK_DECREMENT'", {1}},
      {"of different items, of another row",
       "item_ids[n], 'STOCK_DECREMENT'",
       "item_ids[1], 'STOCK_DECREMENT'",
       {1, 2}},
      {"of different items, one missing",
       "FROM generate_series(1, size) AS n\n      RETURNING",
       "FROM generate_series(2, size) AS n\n      RETURNING",
       {1, 2}},
      {"all of one item, one missing",
       "FROM generate_series(1, size) AS n\n      RETURNING",
       "FROM generate_series(2, size) AS n\n      RETURNING",
       {1, 1}},
      {"all of one item, of another row",
       "item_ids[n], 'STOCK_DECREMENT'",
       "gen_random_uuid(), 'STOCK_DECREMENT'",
       {1, 1}},
      {"some of one item, one missing",
       "FROM generate_series(1, size) AS n\n      RETURNING",
       "FROM generate_series(2, size) AS n\n      RETURNING",
       {1, 1, 2}},
      {"some of one item, of another row",
       "item_ids[n], 'STOCK_DECREMENT'",
       "item_ids[size], 'STOCK_DECREMENT'",
       {1, 1, 2}},
  };
  make_item(uuid_of(1), 100);
  make_item(uuid_of(2), 100);
  const std::string whole = value(superuser_, "SELECT pg_get_functiondef('decrement_stock_atomic'::regproc)");
  int used = 0;
  const auto sell_all = [&](const std::vector<int>& items) {
    std::vector<Sale> sales;
    for (const int item : items) sales.push_back({.envelope = envelope(++used), .item = uuid_of(item)});
    return refusal_of([&] { static_cast<void>(sell(edge_, sales)); });
  };
  for (const Defect& defect : defects) {
    EXPECT_EQ(sell_all(defect.items), "accepted") << defect.what;
    const std::size_t at = whole.find(defect.where);
    ASSERT_NE(at, std::string::npos) << defect.what;
    std::string broken = whole;
    broken.replace(at, std::string_view(defect.where).size(), defect.instead);
    superuser_.script(broken);
    const std::string before = lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id");
    EXPECT_EQ(sell_all(defect.items), "TN010") << defect.what;
    EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id"), before) << defect.what;
    superuser_.script(whole);
  }
}

}  // namespace
}  // namespace tenon::test
