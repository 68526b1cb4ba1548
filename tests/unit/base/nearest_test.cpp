#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace tenon {
namespace {

const std::string known[] = {"inventory-read", "inventory-write", "s", "min", "hour"};

TEST(TheNearestName, IsTheOneFewestEditsAway) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"inventory-write", "inventory-write"},
      {"inventroy-write", "inventory-write"},
      {"inventory-wirte", "inventory-write"},
      {"inventory_read", "inventory-read"},
      {"inventory-rad", "inventory-read"},
      {"mim", "min"},
      {"mins", "min"},
      {"huor", "hour"},
  };
  for (const auto& [text, meant] : cases) EXPECT_EQ(nearest(text, known), meant) << text;
}

TEST(TheNearestName, IsNobodysWhenNoneIsNear) {
  for (const std::string_view text : {"", "x", "week", "orders", "inventory", "fortnight"})
    EXPECT_EQ(nearest(text, known), "") << text;
  EXPECT_EQ(nearest(std::string(100'000, 'i'), known), "");
  EXPECT_EQ(nearest("min", {}), "");
}

TEST(DidYouMean, StandsInASentenceOrSaysNothing) {
  EXPECT_EQ(did_you_mean("mim", known), " (did you mean \"min\"?)");
  EXPECT_EQ(did_you_mean("fortnight", known), "");
}

}  // namespace
}  // namespace tenon
