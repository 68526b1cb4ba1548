#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

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
  for (const char* folder : {"docs", "bench", "deploy", "examples", "fuzz"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

std::string text_of(const fs::path& file) { return page(fs::relative(file, TENON_REPOSITORY).string()); }

// Of a heading, as the forges make it: in small letters, with hyphens for spaces, and without punctuation.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return anchor;
}

std::set<std::string> anchors_of(const std::string& text) {
  static const std::regex heading("^#+ +(.*)$");
  std::set<std::string> anchors;
  std::istringstream lines(text);
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, found, heading)) anchors.insert(anchor_of(found[1]));
  }
  return anchors;
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
  static const std::regex link(R"(\]\(([^)#\s]*)(?:#([^)\s]*))?\))");
  std::size_t links = 0;
  std::size_t anchors = 0;
  for (const fs::path& each : pages()) {
    const std::string text = text_of(each);
    for (std::sregex_iterator found(text.begin(), text.end(), link), end; found != end; ++found) {
      const std::string target = (*found)[1];
      const std::string anchor = (*found)[2];
      if (target.find("://") != std::string::npos || (target.empty() && anchor.empty())) continue;
      const fs::path file = target.empty() ? each : each.parent_path() / target;
      EXPECT_TRUE(fs::exists(file)) << each << " links to " << target;
      ++links;
      if (anchor.empty() || !fs::exists(file)) continue;
      EXPECT_TRUE(anchors_of(text_of(file)).contains(anchor)) << each << " links to " << target << "#" << anchor;
      ++anchors;
    }
  }
  EXPECT_GT(links, 10U) << "no links were found";
  EXPECT_GT(anchors, 0U) << "no links to headings were found";
}

}  // namespace
}  // namespace tenon::test
