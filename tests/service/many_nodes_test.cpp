// Many nodes on one database.
#include <gtest/gtest.h>

#include <memory>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

TEST(Nodes, TwentyStartingAtOnceOnOneEmptyDatabaseAllComeUp) {
  TestCluster database(Durability::durable);
  const std::string superuser = database.make_database("empty");
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.push_back(std::make_unique<Node>(
        NodeSettings{.arguments = {"--migrate-url", superuser, "--threads", "1", "--write-lanes", "1"},
                     .database_url = database.edge("empty"),
                     .awaited = false}));
  }
  for (const auto& node : nodes) EXPECT_NO_THROW(node->await_listening());
  for (const auto& node : nodes) {
    if (node->port() != 0) {
      EXPECT_EQ(node->call(get(*node, "/api/inventory")).status, 200);
    }
  }
  EXPECT_EQ(query_value(superuser, "SELECT count(*) = max(number) FROM tenon.migrations"), "t");
}

}  // namespace
}  // namespace tenon::test
