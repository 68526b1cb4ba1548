#include <gtest/gtest.h>

#include <set>

#include "audit/proof_routes.hpp"
#include "audit/routes.hpp"
#include "business/routes.hpp"
#include "crime/routes.hpp"
#include "inventory/operations.hpp"
#include "inventory/routes.hpp"
#include "node/revocation_routes.hpp"
#include "node/signing_key_routes.hpp"
#include "node/system_routes.hpp"
#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

namespace roles = service::roles;

std::string text_of(service::Need need) {
  switch (need) {
    case service::Need::none:
      return "";
    case service::Need::optional:
      return "optional";
    case service::Need::required:
      return "required";
  }
  return "?";
}

std::string text_of(safeguards::Roles who) {
  if (who.empty()) return "anybody";
  if (who == roles::authenticated) return "authenticated";
  if (who == roles::staff) return "staff, admin";
  if (who == roles::auditor) return "auditor, admin";
  if (who == roles::admin) return "admin";
  return "?";
}

// The table's lines, and the scopes, which are told below it.
struct Routes {
  std::set<std::string> lines;
  std::set<std::string> scopes;
};

void add(Routes& known, const std::vector<service::Route>& routes) {
  for (const service::Route& route : routes) {
    const service::Policy& policy = route.policy;
    if (!policy.scope.empty()) known.scopes.emplace(policy.scope);
    known.lines.insert(std::string(http::name_of(route.method)) + " " + route.pattern + " | " + text_of(policy.roles) +
                       " | " + text_of(policy.key) + " | " + text_of(policy.precondition) + " | " +
                       std::string(policy.address_limit) + std::string(policy.user_limit));
  }
}

TEST(HttpApiPages, ListEveryRouteWithItsPolicyAndNoOther) {
  boost::asio::io_context context;
  boost::asio::io_context* contexts[] = {&context};
  Logger log("-", LogLevel::off);
  service::Metrics metrics;
  const writes::Writer writer(contexts, {.conninfo = {}}, log, metrics);
  const safeguards::MemoryBucketStore buckets(8, [] { return std::int64_t{0}; });
  const std::atomic<bool> stopping = false;
  const Readiness readiness{.writer = writer, .buckets = buckets, .stopping = stopping};
  const inventory::Operations inventory_operations;
  const business::Operations business_operations;
  const crime::Operations crime_operations;
  Routes in_the_code;
  add(in_the_code, audit::routes(std::make_shared<const audit::Operations>()));
  add(in_the_code, audit::proof_routes(std::make_shared<const audit::ProofOperations>()));
  add(in_the_code, inventory::routes(inventory_operations));
  add(in_the_code, business::routes(business_operations));
  add(in_the_code, crime::routes(crime_operations));
  add(in_the_code, system_routes(metrics, readiness));
  const RevocationOperations revocation_operations;
  add(in_the_code, revocation_routes(revocation_operations));
  const SigningKeyOperations signing_key_operations;
  const signature::SecretSealer sealer(std::string(32, 's'));
  add(in_the_code, signing_key_routes(signing_key_operations, sealer));

  std::set<std::string> on_the_page;
  const std::string pages = page("docs/reference/http-api.md") + page("docs/reference/business-api.md");
  for (const Row& row : rows_of(pages)) {
    const std::string route = code_in(row[0]).at(0);
    if (row.size() == 6 && route.find(" /") != std::string::npos) {
      on_the_page.insert(route + " | " + row[1] + " | " + row[2] + " | " + row[3] + " | " + row[4]);
    }
  }
  EXPECT_EQ(on_the_page, in_the_code.lines);
  for (const std::string& scope : in_the_code.scopes)
    EXPECT_NE(pages.find("`" + scope + "`"), std::string::npos) << scope;
}

}  // namespace
}  // namespace tenon::test
