#include <gtest/gtest.h>

#include "business/routes.hpp"
#include "crime/routes.hpp"
#include "inventory/routes.hpp"
#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

TEST(SettingsPage, TellsTheRateOfEveryLimit) {
  service::LimitsTable limits;
  inventory::define_limits(limits);
  business::define_limits(limits);
  crime::define_limits(limits);
  std::size_t checked = 0;
  for (const Row& row : rows_of(page("docs/reference/settings.md"))) {
    for (const std::string& name : code_in(row[0])) {
      const safeguards::Limit* limit = limits.find(name);
      if (limit == nullptr) continue;
      EXPECT_EQ(safeguards::parse_rate(code_in(row[1]).at(0)), limit->rate) << name;
      ++checked;
    }
  }
  // The other way round, no limit left out: SettingsPage.NamesEveryLimit.
  EXPECT_GE(checked, 8U);
}

}  // namespace
}  // namespace tenon::test
