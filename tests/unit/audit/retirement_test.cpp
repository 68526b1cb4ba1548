#include "audit/retirement.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tenon::audit {
namespace {

constexpr std::int64_t day = std::int64_t{86'400} * 1'000'000;
constexpr std::int64_t march_2026 = as_postgres(std::int64_t{1'772'323'200} * 1'000'000);
constexpr std::int64_t april_2026 = march_2026 + 31 * day;

RetiredRange march() { return {.name = "audit_logs_2026_03", .from = march_2026, .to = april_2026, .entries = 7}; }

// Far from what a clock says, and yet what a log may hold; a signed overflow would not compile here.
static_assert(as_postgres(std::numeric_limits<std::int64_t>::min()) > 0);
static_assert(as_postgres(946'684'800'000'000) == 0);

TEST(Retirement, TakesWholeMonthsUnderTheirOwnNames) {
  EXPECT_EQ(Retirement({march()}).months().size(), 1U);
  for (const auto& bend : std::initializer_list<void (*)(RetiredRange&)>{
           [](RetiredRange& month) { month.name = "audit_logs_2026_04"; },
           [](RetiredRange& month) { month.name = "audit_logs_2026_13"; },
           [](RetiredRange& month) { month.name = "audit_logs_2026_3"; },
           [](RetiredRange& month) { month.name = "audit_logs_2026_03 "; },
           [](RetiredRange& month) { month.name = "audit_logs"; },
           [](RetiredRange& month) { month.name = ""; },
           [](RetiredRange& month) { ++month.from; },
           [](RetiredRange& month) { --month.to; },
           [](RetiredRange& month) { month.to = month.from + 1; },
           [](RetiredRange& month) { month.entries = -1; },
       }) {
    RetiredRange bent = march();
    bend(bent);
    EXPECT_TRUE(Retirement({bent}).months().empty()) << bent.name << ' ' << bent.from << ' ' << bent.to;
  }
}

TEST(Retirement, CoversItsMonthsFromTheirFirstMomentToTheirLast) {
  const Retirement retirement({march()});
  const auto covers = [&](std::int64_t at) {
    Entry entry;
    entry.at = at + 946'684'800'000'000;
    return retirement.covers(entry);
  };
  EXPECT_FALSE(covers(march_2026 - 1));
  EXPECT_TRUE(covers(march_2026));
  EXPECT_TRUE(covers(april_2026 - 1));
  EXPECT_FALSE(covers(april_2026));
}

TEST(Retirement, ExplainsAsManyLeavesAsItHasEntries) {
  const Retirement retirement({march()});
  EXPECT_TRUE(retirement.explains(7, true));
  EXPECT_FALSE(retirement.explains(6, true)) << "of the whole log each of them";
  EXPECT_TRUE(retirement.explains(6, false));
  EXPECT_FALSE(retirement.explains(8, false));
}

}  // namespace
}  // namespace tenon::audit
