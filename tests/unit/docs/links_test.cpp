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
