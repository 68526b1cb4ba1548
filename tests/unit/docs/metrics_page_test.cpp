#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "service/metrics.hpp"
#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

TEST(MetricsPage, ListsEveryMetricWithItsTypeAndNoOther) {
  service::Metrics metrics;
  const writes::Operation operation = writes::registered_write("any");
  metrics.on_answer("GET /", 200, {});
  metrics.on_refusal(ProblemCode::not_found);
  metrics.on_replay();
  metrics.on_limit("any", service::Metrics::LimitEvent::refused);
  metrics.on_batch(operation, 1, {});
  metrics.on_retry("split", 1);
  std::set<std::string> in_the_code;
  const std::string rendered = metrics.render();
  static const std::regex type("# TYPE (\\S+) (\\S+)");
  for (std::sregex_iterator found(rendered.begin(), rendered.end(), type), end; found != end; ++found) {
    in_the_code.insert((*found)[1].str() + " " + (*found)[2].str());
  }
  // Those that a node adds when it is put together.
  const std::string node =
      page("src/node/serve.cpp") + page("src/node/shared_limits.cpp") + page("src/node/sealing.cpp");
  static const std::regex watch("watch\\(\"([a-z_]+)\"");
  for (std::sregex_iterator found(node.begin(), node.end(), watch), end; found != end; ++found) {
    in_the_code.insert((*found)[1].str() + " gauge");
  }
  static const std::regex total("\"(tenon_[a-z_]+_total)\"");
  for (std::sregex_iterator found(node.begin(), node.end(), total), end; found != end; ++found) {
    in_the_code.insert((*found)[1].str() + " counter");
  }

  std::set<std::string> on_the_page;
  for (const Row& row : rows_of(page("docs/reference/metrics.md")))
    on_the_page.insert(code_in(row[0]).at(0) + " " + row[1]);
  EXPECT_EQ(on_the_page, in_the_code);
}

}  // namespace
}  // namespace tenon::test
