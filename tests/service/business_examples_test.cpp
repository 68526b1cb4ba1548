// The seed's worked examples: as a script that anybody can run, and to the letter.
#include <gtest/gtest.h>

#include "service/business.hpp"
#include "support/child_program.hpp"

namespace tenon::test {
namespace {

TEST(TheWorkedExamples, RunAsAScript) {
  const Node& node = shared_node();
  const TemporaryFolder folder;
  ChildProgram script({"/usr/bin/env", "BASE=http://127.0.0.1:" + std::to_string(node.port()),
                       "TOKEN=" + node.token("u1", ""), "/bin/bash", TENON_EXAMPLES "/business.sh"},
                      folder.path() / "errors");
  EXPECT_EQ(script.await_end(std::chrono::seconds(60)), 0) << script.output() << script.errors();
  const std::string output = script.output();
  std::size_t from = 0;
  for (const char* promised :
       {"HTTP/1.1 201", "Idempotency-Status: stored", "HTTP/1.1 201", "Idempotency-Status: replayed", "HTTP/1.1 200",
        "ETag: W/\"v1\"", "HTTP/1.1 200", "ETag: W/\"v2\"", "Last-Modified: ", "HTTP/1.1 409",
        "Conflict: resource modified or not found", "HTTP/1.1 428", "HTTP/1.1 409", "HTTP/1.1 428", "HTTP/1.1 204",
        "HTTP/1.1 404", "all as promised"}) {
    from = output.find(promised, from);
    ASSERT_NE(from, std::string::npos) << promised << " is missing in\n" << output;
  }
}

// "PATCH Business with version": a row at version 3, last changed at that very second.
TEST(TheWorkedExamples, ChangeABusinessFromVersionThreeToFour) {
  const Node& node = shared_node();
  const std::string id = id_of(make_business(node, "u1"));
  meddle(node,
         "UPDATE businesses SET version = 3, updated_at = '2025-12-02 05:21:11.5Z', prior_updated_at = "
         "'2025-12-02 05:20:00Z' WHERE id = '" +
             id + "'");
  const ApiCall change = with_header(
      as(node, "u1", "PATCH", "/api/business/" + id, R"({"name":"Green Valley Dispensary","taxRate":8.5,"version":3})"),
      "If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:11 GMT");
  const RawResponse changed = node.call(change);
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.header("ETag"), "W/\"v4\"");
  EXPECT_NE(changed.header("Last-Modified"), "Tue, 02 Dec 2025 05:21:11 GMT");
  EXPECT_EQ(at(changed.body, "taxRate"), "8.5");

  // "DELETE Business with If-Unmodified-Since": 409 on stale.
  const RawResponse stale = node.call(with_header(as(node, "u1", "DELETE", "/api/business/" + id),
                                                  "If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:11 GMT"));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(at(stale.body, "error"), "Conflict: resource modified or not found");
}

// "Idempotent Business Create", with the very key and body.
TEST(TheWorkedExamples, CreateABusinessOnce) {
  const Node node;
  const ApiCall create = with_key(as(node, "u1", "POST", "/api/business",
                                     R"({ "name": "GVD", "ownerId": "u1", "category": "Dispensary", )"
                                     R"("address": { "state": "CA", "city": "LA" } })"),
                                  "42f1f7e5-5a55-4d2e-9b8c-9f7db7d7a1aa");
  const RawResponse first = node.call(create);
  EXPECT_EQ(first.status, 201) << first.body;
  const RawResponse again = node.call(create);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  EXPECT_EQ(node.ask("SELECT count(*) FROM businesses"), "1");
}

}  // namespace
}  // namespace tenon::test
