#include "audit/leaf.hpp"

#include <gtest/gtest.h>

#include <set>

#include "unit/audit/reference_tree.hpp"

namespace tenon::audit {
namespace {

Entry sale() {
  return {.id = 1024,
          .transaction_id = 771,
          .at = 1'763'741'234'567'890,
          .entity_id = *Uuid::parse("0190163d-8694-739b-aea5-966c26f8ad91"),
          .action = "STOCK_DECREMENT",
          .entity_kind = "item",
          .actor = "clerk-1",
          .role = "staff",
          .request_id = "r-1",
          .idempotency_key = "order-7",
          .before = R"({"version":1})",
          .after = R"({"version":2})"};
}

TEST(Leaf, HasTheBytesOfTheFormatsPage) {
  EXPECT_EQ(hex({reinterpret_cast<const std::uint8_t*>(leaf_of(sale()).data()), leaf_of(sale()).size()}),
            "74656e6f6e20617564697420656e7472792076310a"  // tenon audit entry v1\n
            "0000000000000400"
            "0000000000000303"
            "0006441d01c31ad2"                  // id, transaction_id, at
            "0190163d8694739baea5966c26f8ad91"  // entity_id
            "0000000f"
            "53544f434b5f44454352454d454e54"  // action
            "00000004"
            "6974656d"
            "00000007"
            "636c65726b2d31"
            "00000005"
            "7374616666"  // kind, actor, role
            "00000003"
            "722d31"
            "00000007"
            "6f726465722d37"  // request_id, idempotency_key
            "0000000d"
            "7b2276657273696f6e223a317d"
            "0000000d"
            "7b2276657273696f6e223a327d");
}

TEST(Leaf, EveryFieldCountsAndNoneRunsIntoItsNeighbour) {
  std::set<std::string> leaves = {leaf_of(sale())};
  const auto expect_another = [&leaves](void (*change)(Entry&)) {
    Entry entry = sale();
    change(entry);
    EXPECT_TRUE(leaves.insert(leaf_of(entry)).second) << leaves.size();
  };
  expect_another([](Entry& e) { e.id = 1025; });
  expect_another([](Entry& e) { e.id = -1024; });
  expect_another([](Entry& e) { e.transaction_id = 772; });
  expect_another([](Entry& e) { e.at += 1; });
  expect_another([](Entry& e) { e.entity_id.bytes[15] ^= 1; });
  expect_another([](Entry& e) { e.action = "STOCK_DECREMENt"; });
  expect_another([](Entry& e) { e.entity_kind = "items"; });
  expect_another([](Entry& e) { e.actor = "clerk-2"; });
  expect_another([](Entry& e) { e.role = "admin"; });
  expect_another([](Entry& e) { e.request_id = "r-2"; });
  expect_another([](Entry& e) { e.idempotency_key = "order-8"; });
  expect_another([](Entry& e) { e.idempotency_key.reset(); });
  expect_another([](Entry& e) { e.idempotency_key = ""; });
  expect_another([](Entry& e) { e.before.reset(); });
  expect_another([](Entry& e) { e.after.reset(); });
  expect_another([](Entry& e) { std::swap(e.before, e.after); });
  expect_another([](Entry& e) {
    e.actor = "clerk-1s";
    e.role = "taff";
  });
}

TEST(Leaf, IsReadBackAndNothingElseIsALeaf) {
  const std::string leaf = leaf_of(sale());
  const auto entry = parse_leaf(leaf);
  ASSERT_TRUE(entry);
  EXPECT_EQ(leaf_of(*entry), leaf);
  EXPECT_EQ(entry->idempotency_key, "order-7");
  Entry bare = sale();
  bare.idempotency_key.reset();
  bare.before.reset();
  const std::string bare_leaf = leaf_of(bare);
  ASSERT_TRUE(parse_leaf(bare_leaf));
  EXPECT_FALSE(parse_leaf(bare_leaf)->before);
  for (std::size_t size = 0; size < leaf.size(); ++size) EXPECT_FALSE(parse_leaf(leaf.substr(0, size))) << size;
  EXPECT_FALSE(parse_leaf(leaf + "x"));
  EXPECT_FALSE(parse_leaf("T" + leaf.substr(1)));
  std::string null_action = leaf;
  null_action.replace(61, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(parse_leaf(null_action)) << "an action is never null";
}

TEST(Leaf, TakesARowAsPostgresSendsIt) {
  const std::string id = reference::unhex("0000000000000400");
  const std::string at = reference::unhex("0002e71bc68b3ad2");  // microseconds since 2000
  const std::string transaction = reference::unhex("0000000000000303");
  const std::string entity = reference::unhex("0190163d8694739baea5966c26f8ad91");
  const Entry wanted = sale();
  std::vector<std::optional<std::string_view>> columns = {id,
                                                          at,
                                                          transaction,
                                                          entity,
                                                          wanted.action,
                                                          wanted.entity_kind,
                                                          wanted.actor,
                                                          wanted.role,
                                                          wanted.request_id,
                                                          wanted.idempotency_key,
                                                          wanted.before,
                                                          wanted.after};
  EXPECT_EQ(leaf_of(entry_of(columns)), leaf_of(wanted));
  columns[9] = columns[10] = std::nullopt;
  EXPECT_FALSE(entry_of(columns).idempotency_key);
  for (const std::size_t required : {0, 1, 2, 3, 4, 5, 6, 7, 8}) {
    auto broken = columns;
    broken[required] = std::nullopt;
    EXPECT_THROW((void)entry_of(broken), std::runtime_error) << required;
  }
  columns[0] = "1024";
  EXPECT_THROW((void)entry_of(columns), std::runtime_error);
}

TEST(Leaf, TheHasherGivesTheTreesLeafHash) {
  Hasher hasher;
  LeafHasher leaf_hash;
  EXPECT_EQ(leaf_hash(sale()), hasher.leaf(leaf_of(sale())));
  EXPECT_EQ(leaf_hash.bytes(), leaf_of(sale()).size());
  Entry other = sale();
  other.actor = "b";
  EXPECT_EQ(leaf_hash(other), hasher.leaf(leaf_of(other))) << "nothing is left over from the last";
}

}  // namespace
}  // namespace tenon::audit
