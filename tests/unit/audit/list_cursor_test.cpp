#include <gtest/gtest.h>

#include "audit/routes.hpp"

namespace tenon::audit {
namespace {

TEST(ListCursor, IsAnIdAndASnapshot) {
  for (const std::string snapshot :
       {"1:1:", "700:700:", "700:705:", "700:705:700", "700:705:700,704", "1:9223372036854775807:"}) {
    const std::string text = "1024~" + snapshot;
    const auto cursor = parse_list_cursor(text);
    ASSERT_TRUE(cursor) << text;
    EXPECT_EQ(cursor->before, 1024);
    EXPECT_EQ(cursor->snapshot, snapshot);
  }
}

// What PostgreSQL would refuse with an error of its own is refused before it gets there.
TEST(ListCursor, WhatIsNoSnapshotIsRefused) {
  for (const std::string text : {"",
                                 "~",
                                 "1024",
                                 "1024~",
                                 "~1:1:",
                                 "0~1:1:",
                                 "-5~1:1:",
                                 "x~1:1:",
                                 "1024~1:1",
                                 "1024~1",
                                 "1024~0:1:",
                                 "1024~5:4:",
                                 "1024~700:705:699",
                                 "1024~700:705:705",
                                 "1024~700:705:704,703",
                                 "1024~700:705:703,703",
                                 "1024~700:705:,703",
                                 "1024~700:705:703,",
                                 "1024~700:705:703:",
                                 "1024~ 1:1:",
                                 "1024~1:9223372036854775808:",
                                 "1024~1:1:'",
                                 "1024~+1:1:"}) {
    EXPECT_FALSE(parse_list_cursor(text)) << text;
  }
  std::string long_one = "1024~1:9000000:1";
  for (int id = 2; long_one.size() < 7'000; ++id) long_one += "," + std::to_string(id);
  EXPECT_FALSE(parse_list_cursor(long_one));
}

}  // namespace
}  // namespace tenon::audit
