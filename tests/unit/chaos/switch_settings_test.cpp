// What a test may write into the environment of a node that it breaks.
#include "chaos/switch_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tenon::test_switch {
namespace {

TEST(SwitchSettings, EveryMutantAndStepHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  std::string all;
  for (std::size_t i = 0; i < mutant_count; ++i) {
    const auto mutant = static_cast<Mutant>(i);
    EXPECT_THAT(mutants_in(name_of(mutant)), testing::ElementsAre(mutant));
    names.push_back(name_of(mutant));
    all += std::string(name_of(mutant)) + ',';
  }
  EXPECT_EQ(mutants_in(all).size(), mutant_count);
  for (std::size_t i = 0; i < step_count; ++i) {
    const auto points = failpoints_in(std::string(name_of(static_cast<Step>(i))) + "=kill@1");
    ASSERT_TRUE(points);
    EXPECT_EQ(points->front().step, static_cast<Step>(i));
    names.push_back(name_of(static_cast<Step>(i)));
  }
  EXPECT_THAT(names, testing::Each(testing::Not(testing::IsEmpty())));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(SwitchSettings, NamesOfMutantsThatAreSqlAreLeftToOthers) {
  EXPECT_THAT(mutants_in("no_key_lookup,replica_reads"), testing::ElementsAre(Mutant::replica_reads));
  EXPECT_THAT(mutants_in(""), testing::IsEmpty());
}

TEST(SwitchSettings, AFailpointIsAStepAnActionAndWhen) {
  const auto points = failpoints_in("latched=delay-250@3:2,answer_came=raise@7,sealed=stop@1:0");
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 3U);
  const Failpoint& delay = points->at(0);
  EXPECT_EQ(delay.step, Step::latched);
  EXPECT_EQ(delay.action, Failpoint::Action::delay);
  EXPECT_EQ(delay.milliseconds, 250U);
  const std::vector<std::pair<std::uint64_t, bool>> rows{{2, false}, {3, true}, {4, true}, {5, false}};
  for (const auto& [pass, strikes] : rows) EXPECT_EQ(delay.strikes_at(pass), strikes) << pass;
  EXPECT_TRUE(points->at(1).strikes_at(7));
  EXPECT_FALSE(points->at(1).strikes_at(8));
  EXPECT_TRUE(points->at(2).strikes_at(1'000'000));
}

TEST(SwitchSettings, WhatIsNotOneIsRefused) {
  for (const char* text :
       {"latched", "latched=kill", "latched=kill@0", "latched=kill@x", "latched=kill@1:", "latched=kill@1:x",
        "latched=kill-5@1", "latched=delay@1", "latched=delay-@1", "latched=explode@1", "lunch=kill@1", "=kill@1",
        "latched=kill@1,latched", "latched=kill@-1", "latched=kill@1 "}) {
    EXPECT_FALSE(failpoints_in(text)) << text;
  }
  EXPECT_TRUE(failpoints_in("")->empty());
}

}  // namespace
}  // namespace tenon::test_switch
