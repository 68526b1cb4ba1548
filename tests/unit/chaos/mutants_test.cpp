// The table of mutants against the switches and the SQL that break things.
#include "chaos/mutants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "chaos/switch_settings.hpp"

namespace tenon::chaos {
namespace {

// Of their sources: findings.begin("NAME", ...).
std::set<std::string> checkers() {
  static const std::regex begin(R"--(findings\.begin\("([a-z_]+)")--");
  std::set<std::string> names;
  for (const char* file : {"checks.cpp", "checks_audit.cpp", "checks_effects.cpp"}) {
    std::ostringstream text;
    text << std::ifstream(std::filesystem::path("tests/chaos") / file).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator found(source.begin(), source.end(), begin), end; found != end; ++found)
      names.insert((*found)[1]);
  }
  return names;
}

std::set<std::string> sql_files() {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator("tests/chaos/mutants")) {
    EXPECT_EQ(file.path().extension(), ".sql");
    names.insert(file.path().stem());
  }
  return names;
}

TEST(Mutants, AreWhatSwitchesAndSqlFilesThereAre) {
  std::set<std::string> breakable = sql_files();
  for (std::size_t i = 0; i < test_switch::mutant_count; ++i) {
    breakable.emplace(test_switch::name_of(static_cast<test_switch::Mutant>(i)));
  }
  std::set<std::string> told;
  for (const Mutant& mutant : mutants()) {
    EXPECT_TRUE(told.emplace(mutant.name).second) << mutant.name << " stands there twice";
    EXPECT_FALSE(mutant.broken.empty()) << mutant.name;
    if (mutant.of_disk) breakable.emplace(mutant.name);
    EXPECT_EQ(mutant.faults.empty(), mutant.seconds == 0) << mutant.name;
  }
  EXPECT_EQ(told, breakable);
}

TEST(Mutants, AreEachNoticedByCheckersThatThereAre) {
  const std::set<std::string> known = checkers();
  for (const Mutant& mutant : mutants()) {
    EXPECT_FALSE(mutant.by.front().empty()) << mutant.name;
    for (const std::string_view checker : mutant.by) {
      EXPECT_TRUE(checker.empty() || known.contains(std::string(checker))) << mutant.name << ": " << checker;
    }
  }
}

TEST(Mutants, AreFoundByName) {
  ASSERT_NE(find_mutant("replica_reads"), nullptr);
  EXPECT_EQ(find_mutant("replica_reads")->name, "replica_reads");
  EXPECT_EQ(find_mutant("replica"), nullptr);
}

}  // namespace
}  // namespace tenon::chaos
