// The audit entry is part of the write: what cannot be audited does not happen.
#include <gtest/gtest.h>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

TEST(AuditLog, ThatCannotBeWrittenKeepsEveryWriteFromHappening) {
  const Node node;
  const std::string item = make_item(node, 10);
  const std::string key_count = "SELECT count(*) FROM idempotency_keys";
  const ApiCall writes[] = {sell(node, item, 1),
                            change(node, item, R"({"increment":1})"),
                            change(node, item, R"({"name":"Other"})"),
                            order(node, R"([{"item_id":")" + item + R"(","quantity":1}])"),
                            {.method = "POST",
                             .path = "/api/inventory",
                             .token = node.token("clerk", "admin"),
                             .key = fresh_key(),
                             .body = R"({"name":"Unaudited","price":1})"},
                            {.method = "DELETE",
                             .path = "/api/inventory/" + item,
                             .token = node.token("clerk", "admin"),
                             .key = fresh_key()}};
  node.ask("ALTER TABLE audit_logs ADD CONSTRAINT full_disk CHECK (actor <> 'clerk') NOT VALID");
  const std::string before = traces(node.superuser());
  for (const ApiCall& write : writes) {
    const RawResponse answer = node.call(write);
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_EQ(code_of(answer), "internal_error");
    EXPECT_TRUE(answer.header("Retry-After").has_value());
    EXPECT_EQ(answer.body.find("full_disk"), std::string::npos) << "what is inside stays inside";
  }
  EXPECT_EQ(traces(node.superuser()), before);
  node.ask("ALTER TABLE audit_logs DROP CONSTRAINT full_disk");
  for (const ApiCall& write : writes) {
    const RawResponse answer = node.call(write);
    EXPECT_LT(answer.status, 300) << write.body << answer.body;
    EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  }
}

// The answer's rows come before the COMMIT that refuses them: they are no answer. (A sale holds its entry against its
// change before it answers; `SqlDecrement` has that.)
TEST(AuditLog, WhoseEntryAnOperationForgetsKeepsItFromCommitting) {
  const Node node;
  const std::string item = make_item(node, 10);
  node.ask("ALTER TABLE audit_logs DISABLE TRIGGER note_entries");  // as if no entry had been written
  const std::string before = traces(node.superuser());
  for (const ApiCall& write :
       {change(node, item, R"({"increment":1})"), order(node, R"([{"item_id":")" + item + R"(","quantity":1}])")}) {
    const RawResponse answer = node.call(write);
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_EQ(code_of(answer), "internal_error");
  }
  EXPECT_EQ(traces(node.superuser()), before);
  node.ask("ALTER TABLE audit_logs ENABLE TRIGGER note_entries");
  EXPECT_EQ(node.call(change(node, item, R"({"increment":1})")).status, 200);
}

// One command of a batch cannot be audited; those beside it are none the worse.
TEST(AuditLog, ThatRefusesOneCommandDoesNotHurtItsNeighbours) {
  const Node node;
  const std::string item = make_item(node, 100);
  node.ask("ALTER TABLE audit_logs ADD CONSTRAINT refuses CHECK (actor <> 'mallory')");
  std::vector<ApiCall> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(sell(node, item, 1));
    if (i % 10 == 0) calls.back().token = node.token("mallory", "staff");
  }
  const auto answers = send_all(node.port(), calls);
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].status, i % 10 == 0 ? 500 : 200);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 64, .sold = 36, .entries = 36}));
}

}  // namespace
}  // namespace tenon::test
