#include <gtest/gtest.h>

#include <map>

#include "audit/routes.hpp"
#include "business/routes.hpp"
#include "crime/routes.hpp"
#include "inventory/routes.hpp"
#include "node/serve.hpp"
#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

TEST(SettingsPage, TellsTheRateOfEveryLimit) {
  service::LimitsTable limits;
  define_limits(limits);
  audit::define_limits(limits);
  inventory::define_limits(limits);
  business::define_limits(limits);
  crime::define_limits(limits);
  const std::string text = page("docs/reference/settings.md");
  const std::size_t begin = text.find("The limits there are:");
  ASSERT_NE(begin, std::string::npos);
  std::map<std::string, safeguards::Rate> on_the_page;
  for (const Row& row : rows_of(text.substr(begin, text.find("\n## ", begin) - begin))) {
    for (const std::string& name : code_in(row[0])) {
      const auto rate = safeguards::parse_rate(code_in(row[1]).at(0));
      ASSERT_TRUE(rate) << name;
      on_the_page.emplace(name, *rate);
    }
  }
  std::map<std::string, safeguards::Rate> in_the_code;
  for (const std::string& name : limits.names()) in_the_code.emplace(name, limits.find(name)->rate);
  EXPECT_EQ(on_the_page, in_the_code);
}

}  // namespace
}  // namespace tenon::test
