#include "http/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tenon::http {
namespace {

Router furniture() {
  Router router;
  router.add(Method::get, "/", 0);
  router.add(Method::get, "/api/inventory", 1);
  router.add(Method::post, "/api/inventory", 2);
  router.add(Method::get, "/api/inventory/{id}", 3);
  router.add(Method::patch, "/api/inventory/{id}", 4);
  router.add(Method::get, "/api/inventory/stats", 5);
  router.add(Method::get, "/api/{kind}/stats", 6);
  router.add(Method::get, "/api/idempotency/{scope}/{key}", 7);
  router.add(Method::head, "/api/inventory/{id}", 8);
  return router;
}

TEST(Router, FindsTheRouteOfAMethodAndPath) {
  struct Case {
    Method method;
    std::string_view path;
    std::size_t route;
    PathParameters parameters;
  };
  const Router router = furniture();
  const Case cases[] = {
      {Method::get, "/", 0, {}},
      {Method::get, "/api/inventory", 1, {}},
      {Method::post, "/api/inventory", 2, {}},
      {Method::get, "/api/inventory/42", 3, {"42"}},
      {Method::patch, "/api/inventory/42", 4, {"42"}},
      {Method::get, "/api/inventory/stats", 5, {}},  // a literal wins over {id}
      {Method::get, "/api/orders/stats", 6, {"orders"}},
      {Method::patch, "/api/inventory/stats", 4, {"stats"}},  // the only PATCH that fits
      {Method::get, "/api/idempotency/inventory/a%2Fb%20c", 7, {"inventory", "a/b c"}},
      {Method::head, "/api/inventory", 1, {}},
      {Method::head, "/api/inventory/42", 8, {"42"}},
      {Method::head, "/api/inventory/stats", 5, {}},
  };
  for (const Case& c : cases) {
    const auto match = router.match(c.method, c.path);
    ASSERT_TRUE(match) << name_of(c.method) << " " << c.path;
    EXPECT_EQ(match->route, c.route) << name_of(c.method) << " " << c.path;
    EXPECT_EQ(match->parameters, c.parameters) << c.path;
  }
}

TEST(Router, KnowsNoOtherPath) {
  const Router router = furniture();
  for (const auto* path : {"", "api", "//", "/api", "/api/inventory/", "/api//inventory", "/api/inventory//",
                           "/API/inventory", "/api/inventory/1/2", "/api/%69nventory", "/api/inventory/%",
                           "/api/inventory/%4", "/api/inventory/%zz", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s"}) {
    const auto match = router.match(Method::get, path);
    ASSERT_FALSE(match) << path;
    EXPECT_EQ(match.error().code, ProblemCode::unknown_path) << path;
  }
}

TEST(Router, TellsWhichMethodsAPathAnswers) {
  const Router router = furniture();
  const auto match = router.match(Method::delete_, "/api/inventory");
  ASSERT_FALSE(match);
  EXPECT_EQ(match.error().code, ProblemCode::method_not_allowed);
  EXPECT_EQ(match.error().allow, "GET, HEAD, POST");
}

TEST(Router, RefusesPatternsThatAreMalformedOrTaken) {
  Router router = furniture();
  for (const auto* pattern : {"", "api", "/a/{", "/a/{}", "/a/{x}y", "/a/x{y}", "/a/{x{y}}", "/a?b", "/a%20b"})
    EXPECT_THROW(router.add(Method::get, pattern, 9), std::invalid_argument) << pattern;
  EXPECT_THROW(router.add(Method::get, "/api/inventory/{other}", 9), std::invalid_argument);
}

}  // namespace
}  // namespace tenon::http
