// The audit log's proofs over HTTP, from a node whose log is sealed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/proof.hpp"
#include "audit/tile.hpp"
#include "postgres/session.hpp"
#include "service/inventory.hpp"
#include "support/audit_log.hpp"
#include "support/node.hpp"

namespace tenon::test {
namespace {

// Started at the first call. It leaves sealing to us.
const Node& unsealing_node() {
  static Node node({.arguments = {"--sealer", "off"}});
  return node;
}

RawResponse get_as(const Node& node, const std::string& path, const std::string& role) {
  return node.call({.path = path, .token = node.token("eve", role)});
}

TEST(AuditProofs, OverHttpAreOfTheEntryThatAWriteWasAnsweredWith) {
  const Node& node = unsealing_node();
  const std::string item = make_item(node, 50, "Proven");
  const RawResponse sold = node.call(sell(node, item, 1, "to-be-proven"));
  ASSERT_EQ(sold.status, 200);
  const std::string id(sold.header("Audit-Id").value_or(""));
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(node.call(sell(node, item, 1, "to-be-proven")).header("Audit-Id"), id) << "a replay names the same entry";

  const std::string path = "/api/audit-logs/" + id;
  const RawResponse entry = get_as(node, path, "auditor");
  EXPECT_EQ(entry.status, 200);
  EXPECT_EQ(at(entry.body, "id"), id);
  EXPECT_EQ(at(entry.body, "idempotency_key"), "to-be-proven");

  const audit::NoteSigner signer = audit::NoteSigner::generate("tenon/node");
  const std::uint64_t size = std::stoull(node.ask("SELECT count(*) FROM audit_logs"));
  rebuild_tree(node.superuser(), signer, {size});
  const RawResponse proved = get_as(node, path + "/proof", "auditor");
  ASSERT_EQ(proved.status, 200) << proved.body;
  EXPECT_EQ(proved.header("Content-Type"), "text/plain; charset=utf-8");
  const auto proof = audit::Proof::parse(proved.body);
  ASSERT_TRUE(proof) << proof.error();
  audit::Hasher hasher;
  EXPECT_TRUE(audit::check(hasher, *proof, signer.verifier()));
  EXPECT_EQ(std::to_string(audit::parse_leaf(proof->leaf)->id), id);

  const RawResponse checkpoint = get_as(node, "/api/audit-logs/checkpoint", "");
  EXPECT_EQ(checkpoint.body, proof->note);
  EXPECT_EQ(get_as(node, "/api/audit-logs/key", "").body, signer.verifier().text() + "\n");

  ASSERT_EQ(node.call(sell(node, item, 1, "not-yet")).status, 200);
  const std::string newest = node.ask("SELECT max(id) FROM audit_logs");
  const RawResponse early = get_as(node, "/api/audit-logs/" + newest + "/proof", "auditor");
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(at(early.body, "code"), "not_sealed");

  postgres::Session(node.superuser())
      .script("SET session_replication_role = replica; UPDATE audit_logs SET actor = 'x' WHERE id = " + id);
  EXPECT_EQ(get_as(node, path + "/proof", "auditor").status, 500) << "no proof of what is not as it was sealed";
}

TEST(AuditProofs, AreForAuditorsAndOfEntriesThatThereAre) {
  const Node& node = unsealing_node();
  struct {
    const char* path;
    const char* role;
    int status;
  } const table[] = {{"/api/audit-logs/1", "auditor", 404},
                     {"/api/audit-logs/1/proof", "auditor", 404},
                     {"/api/audit-logs/x", "auditor", 400},
                     {"/api/audit-logs/x/proof", "auditor", 400},
                     {"/api/audit-logs/0/proof", "auditor", 400},
                     {"/api/audit-logs/1", "staff", 403},
                     {"/api/audit-logs/1/proof", "staff", 403},
                     {"/api/audit-logs/1?limit=5", "auditor", 400},
                     {"/api/audit-logs/99999999999999999999/proof", "auditor", 400}};
  for (const auto& row : table) EXPECT_EQ(get_as(node, row.path, row.role).status, row.status) << row.path << row.role;
}

}  // namespace
}  // namespace tenon::test
