// Lists: pages that neither skip nor repeat, and filters.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "postgres/session.hpp"
#include "service/inventory.hpp"

namespace tenon::test {
namespace {

// The ids of all entries, page by page; `first` is the first page's path with its query.
std::vector<std::string> walk(const Node& node, const std::string& first, std::size_t page_items,
                              const std::string& cursor = "") {
  std::vector<std::string> ids;
  std::string path = first + (cursor.empty() ? "" : "&cursor=" + cursor);
  for (int pages = 0; pages < 1000; ++pages) {
    const RawResponse page = node.call(get(node, path));
    EXPECT_EQ(page.status, 200) << page.body;
    std::size_t count = 0;
    for (; at(page.body, "items." + std::to_string(count)) != "(nothing)"; ++count) {
      ids.push_back(at(page.body, "items." + std::to_string(count) + ".id"));
    }
    const std::string next = at(page.body, "next_cursor");
    if (next == "null" || page.status != 200) return ids;
    EXPECT_EQ(count, page_items) << "only the last page may be short";
    path = first + "&cursor=" + next;
  }
  ADD_FAILURE() << "the pages never end";
  return ids;
}

// A node of its own: only what a test puts there is listed.
class Lists : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node_ = new Node;
    for (int i = 0; i < 23; ++i) {
      const std::string name = std::string(i % 2 == 0 ? "Oak " : "Walnut ") + (i % 3 == 0 ? "CHAIR" : "Table");
      const RawResponse made = node_->call(
          {.method = "POST",
           .path = "/api/inventory",
           .token = node_->token("maker", "admin"),
           .key = fresh_key(),
           .body = R"({"name":")" + name + R"(","price":1,"origin":")" + (i % 4 == 0 ? "Italy" : "Japan") + R"("})"});
      ids_.push_back(at(made.body, "id"));
    }
  }
  static void TearDownTestSuite() {
    delete node_;
    node_ = nullptr;
  }
  static std::size_t count(const std::string& query) {
    return walk(*node_, "/api/inventory?limit=200" + query, 200).size();
  }

  // Past the operations, which would take a version and leave an entry in the audit log.
  static void remove(const std::string& which) {
    postgres::Session(node_->superuser())
        .script("SET session_replication_role = replica; DELETE FROM inventory WHERE " + which);
  }

  static inline Node* node_ = nullptr;
  static inline std::vector<std::string> ids_;
};

TEST_F(Lists, OfItemsComeInPagesOfEverySizeWithoutSkipOrRepeat) {
  for (const std::size_t size : {1UL, 2UL, 5UL, 22UL, 23UL, 24UL, 200UL}) {
    std::vector<std::string> listed = walk(*node_, "/api/inventory?limit=" + std::to_string(size), size);
    std::ranges::sort(listed);
    std::vector<std::string> made = ids_;
    std::ranges::sort(made);
    EXPECT_EQ(listed, made) << "pages of " << size;
  }
}

TEST_F(Lists, OfItemsNeitherSkipNorRepeatWhileItemsComeAndGo) {
  const RawResponse page = node_->call(get(*node_, "/api/inventory?limit=10"));
  const std::string first = at(page.body, "items.0.id");
  const std::string last = at(page.body, "items.9.id");
  // The last one shown goes, and a new one comes: the cursor still knows where it stands.
  const std::string extra = make_item(*node_, 1, "Late");
  remove("id = '" + last + "'");
  const auto rest = walk(*node_, "/api/inventory?limit=10", 10, at(page.body, "next_cursor"));
  EXPECT_EQ(rest.size(), ids_.size() - 10 + 1);
  EXPECT_EQ(std::ranges::count(rest, first) + std::ranges::count(rest, last), 0);
  EXPECT_EQ(std::ranges::count(rest, extra), 1);
  remove("id = '" + extra + "'");
  std::erase(ids_, last);
}

TEST_F(Lists, OfItemsAreFilteredByNameAndOrigin) {
  const auto in_database = [](const std::string& condition) {
    return std::stoul(node_->ask("SELECT count(*) FROM inventory WHERE " + condition));
  };
  EXPECT_EQ(count("&search=chair"), in_database("name ILIKE '%chair%'"));
  EXPECT_EQ(count("&search=OAK%20chair"), in_database("name ILIKE '%oak chair%'"));
  EXPECT_EQ(count("&search=oak+chair"), in_database("name ILIKE '%oak chair%'"));
  EXPECT_EQ(count("&origin=Italy"), in_database("origin = 'Italy'"));
  EXPECT_EQ(count("&origin=Italy&search=table"), in_database("origin = 'Italy' AND name ILIKE '%table%'"));
  EXPECT_EQ(count("&origin=italy"), 0U);
  EXPECT_GT(in_database("origin = 'Italy' AND name ILIKE '%table%'"), 0U);
  for (const char* meant_literally : {"%25", "_", "'", "%5C", "%22", ".*"}) {
    EXPECT_EQ(count(std::string("&search=") + meant_literally), 0U) << meant_literally;
  }
}

// Fields are bounded in characters, and a character may have four bytes, each of which is three in a query string.
TEST_F(Lists, AreFilteredByTextsOfEveryLengthThatCanBeStored) {
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  ASSERT_EQ(node_
                ->call({.method = "POST",
                        .path = "/api/inventory",
                        .token = node_->token("maker", "admin"),
                        .key = fresh_key(),
                        .body = R"({"name":")" + repeated("𠮷", 200) + R"(","price":1,"origin":")" +
                                repeated("木", 100) + R"("})"})
                .status,
            201);
  const std::string origin = "&origin=" + repeated("%E6%9C%A8", 100);
  const std::string name = "&search=" + repeated("%F0%A0%AE%B7", 200);
  EXPECT_EQ(count(origin), 1U);
  EXPECT_EQ(count(origin + name), 1U);
  EXPECT_EQ(node_->call(get(*node_, "/api/inventory?search=" + repeated("%F0%A0%AE%B7", 200) + "a")).status, 400);
  remove("origin = '" + repeated("木", 100) + "'");
}

TEST_F(Lists, OfItemsHaveFiftyAPageUnlessAskedOtherwise) {
  const Node& node = *node_;
  for (int i = 0; i < 30; ++i) make_item(node, 1, "Filler");
  const std::string page = node.call(get(node, "/api/inventory")).body;
  EXPECT_EQ(at(page, "items"), "[50]");
  EXPECT_NE(at(page, "next_cursor"), "null");
  remove("name = 'Filler'");
}

TEST_F(Lists, OfTheAuditLogAreNewestFirstAndPaged) {
  const Node& node = *node_;
  const std::string item = make_item(node, 50, "Much Sold");
  for (int i = 0; i < 12; ++i) ASSERT_EQ(node.call(sell(node, item, 1)).status, 200);
  const auto ids = walk(node, "/api/audit-logs?limit=5&entity=" + item, 5);
  EXPECT_EQ(ids.size(), 13U);  // and the creation
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 13U);
  std::vector<long> numbers;
  for (const std::string& id : ids) numbers.push_back(std::stol(id));
  EXPECT_TRUE(std::ranges::is_sorted(numbers, std::greater<>()));
  EXPECT_EQ(at(node.call(get(node, "/api/audit-logs?limit=1&entity=" + item)).body, "items.0.after.quantity_sold"),
            "12");
}

TEST_F(Lists, OfTheAuditLogAreFilteredByEntityActorActionAndTime) {
  const Node& node = *node_;
  const std::string item = make_item(node, 50, "Filtered");
  ApiCall by_dora = sell(node, item, 1);
  by_dora.token = node.token("dora", "staff");
  ASSERT_EQ(node.call(by_dora).status, 200);
  ASSERT_EQ(node.call(sell(node, item, 1)).status, 200);
  ASSERT_EQ(node.call(change(node, item, R"({"increment":5})")).status, 200);
  ASSERT_EQ(node.call(change(node, item, R"({"name":"Filtered Again"})")).status, 200);
  const std::string moment = node.ask(
      "SELECT to_char(min(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM audit_logs "
      "WHERE entity_id = $1 AND action = 'STOCK_INCREMENT'",
      {item});
  struct {
    std::string filter;
    const char* entries;
  } const table[] = {{"", "[5]"},
                     {"&actor=dora", "[1]"},
                     {"&actor=clerk", "[3]"},
                     {"&actor=nobody", "[0]"},
                     {"&action=STOCK_DECREMENT", "[2]"},
                     {"&action=STOCK_DECREMENT&actor=dora", "[1]"},
                     {"&action=CREATE_ITEM", "[1]"},
                     {"&action=UPDATE_ITEM", "[1]"},
                     {"&action=DELETE_ITEM", "[0]"},
                     {"&from=" + moment, "[2]"},  // from is included, to is not
                     {"&to=" + moment, "[3]"},
                     {"&from=" + moment + "&to=" + moment, "[0]"},
                     {"&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z", "[5]"}};
  for (const auto& row : table) {
    const RawResponse page = node.call(get(node, "/api/audit-logs?entity=" + item + row.filter));
    EXPECT_EQ(at(page.body, "items"), row.entries) << row.filter << page.body;
  }
  ApiCall as_auditor = get(node, "/api/audit-logs?entity=" + item);
  as_auditor.token = node.token("eve", "auditor");
  EXPECT_EQ(node.call(as_auditor).status, 200);
  as_auditor.token = node.token("eve", "staff");
  EXPECT_EQ(node.call(as_auditor).status, 403);
}

TEST_F(Lists, OfOneItemTellWhetherItChanged) {
  const Node& node = *node_;
  const std::string item = make_item(node, 5);
  ApiCall read = get(node, "/api/inventory/" + item);
  const RawResponse full = node.call(read);
  EXPECT_EQ(full.header("ETag"), "W/\"v1\"");
  EXPECT_TRUE(full.header("Last-Modified").has_value());
  EXPECT_EQ(full.header("Cache-Control"), "private, no-cache") << "a browser would guess how long it is good";
  EXPECT_EQ(node.call(get(node, "/api/inventory")).header("Cache-Control"), "private, no-cache");
  read.headers = {{"If-None-Match", "W/\"v1\""}};
  const RawResponse unchanged = node.call(read);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(unchanged.header("Cache-Control"), "private, no-cache");
  ASSERT_EQ(node.call(sell(node, item, 1)).status, 200);
  EXPECT_EQ(node.call(read).status, 200);
  read.method = "HEAD";
  read.headers.clear();
  EXPECT_EQ(node.call(read).status, 200);
}

}  // namespace
}  // namespace tenon::test
