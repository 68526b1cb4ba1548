// The tables of routes against the page that promises them: scope, limit, key and token of each.
#include <gtest/gtest.h>

#include "business/routes.hpp"
#include "crime/routes.hpp"
#include "http/message.hpp"

namespace tenon {
namespace {

using service::Need;

struct Row {
  const char* route;
  const char* scope;
  const char* limit;
  Need token;
};

constexpr Row promised[] = {
    {"GET /api/business", "", "", Need::none},
    {"POST /api/business", "business:create", "30/min", Need::none},
    {"GET /api/business/{id}", "", "", Need::none},
    {"PATCH /api/business/{id}", "business:update", "30/min", Need::required},
    {"DELETE /api/business/{id}", "business:delete", "30/min", Need::required},
    {"POST /api/crime/conversion/convert", "crime:conversion", "15/min", Need::optional},
    {"GET /api/crime/facilities", "", "", Need::none},
    {"POST /api/crime/facilities", "crime:facility:create", "30/min", Need::none},
    {"GET /api/crime/black-market", "", "", Need::none},
    {"POST /api/crime/black-market", "crime:black-market:create", "25/min", Need::none},
    {"GET /api/crime/black-market/{id}", "", "", Need::none},
    {"POST /api/crime/black-market/{id}/purchase", "crime:black-market:purchase", "20/min", Need::none},
    {"GET /api/crime/laundering", "", "", Need::none},
    {"POST /api/crime/laundering", "crime:laundering:create", "20/min", Need::none},
    {"GET /api/crime/legislation", "", "", Need::none},
    {"PUT /api/crime/legislation", "crime:legislation:update", "30/min", Need::optional},
};

TEST(TheTablesOfRoutes, AreAsPromised) {
  service::LimitsTable limits;
  business::define_limits(limits);
  crime::define_limits(limits);
  const business::Operations business_operations;
  const crime::Operations crime_operations;
  std::vector<service::Route> routes = business::routes(business_operations);
  for (service::Route& route : crime::routes(crime_operations)) routes.push_back(std::move(route));

  ASSERT_EQ(routes.size(), std::size(promised));
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const service::Route& route = routes[i];
    const Row& row = promised[i];
    SCOPED_TRACE(row.route);
    EXPECT_EQ(std::string(http::name_of(route.method)) + " " + route.pattern, row.route);
    EXPECT_EQ(route.policy.scope, row.scope);
    EXPECT_EQ(route.policy.key, *row.scope == '\0' ? Need::none : Need::optional) << "a write takes a key";
    EXPECT_EQ(route.policy.precondition, row.token);
    EXPECT_EQ(route.policy.address_limit, "") << "limits are per user";
    EXPECT_EQ(route.policy.signature, Need::optional) << "--require-signature makes it required";
    EXPECT_FALSE(route.policy.roles.empty()) << "nobody plays without a token";
    const safeguards::Limit* limit = limits.find(route.policy.user_limit);
    ASSERT_EQ(limit != nullptr, *row.limit != '\0');
    if (limit != nullptr) {
      EXPECT_EQ(std::to_string(limit->rate.quota) + "/min", row.limit);
      EXPECT_EQ(limit->rate.window_microseconds, 60'000'000);
    }
  }
}

}  // namespace
}  // namespace tenon
