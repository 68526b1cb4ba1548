#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> pages() {
  const fs::path root = TENON_REPOSITORY;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  for (const char* folder : {"docs", "bench", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

// A filter that finds no test runs none, and says that all went well.
TEST(ContributingPage, ShowsAFilterThatFindsTests) {
  static const std::regex command(R"(/unit_([a-z]+) --gtest_filter='([A-Za-z]+)\*')");
  const std::string text = page("CONTRIBUTING.md");
  std::smatch shown;
  ASSERT_TRUE(std::regex_search(text, shown, command));
  std::size_t found = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(TENON_REPOSITORY) / "tests/unit" / shown[1].str())) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string source = page(fs::relative(entry.path(), TENON_REPOSITORY).string());
    for (std::size_t at = 0; (at = source.find("\nTEST(" + shown[2].str(), at)) != std::string::npos; ++at) ++found;
  }
  EXPECT_GT(found, 1U) << shown[2];
}

TEST(Pages, LinkToNothingThatIsMissing) {
  static const std::regex link(R"(\]\(([^)#\s]+)(?:#[^)]*)?\))");
  std::size_t links = 0;
  for (const fs::path& each : pages()) {
    const std::string text = page(fs::relative(each, TENON_REPOSITORY).string());
    for (std::sregex_iterator found(text.begin(), text.end(), link), end; found != end; ++found) {
      const std::string target = (*found)[1];
      if (target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(each.parent_path() / target)) << each << " links to " << target;
      ++links;
    }
  }
  EXPECT_GT(links, 10U) << "no links were found";
}

}  // namespace
}  // namespace tenon::test
