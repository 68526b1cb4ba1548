#include "service/limits_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tenon::service {
namespace {

using safeguards::Mode;
using safeguards::StoreLoss;
using testing::HasSubstr;

constexpr std::int64_t second = 1'000'000;

LimitsTable two() {
  LimitsTable limits;
  limits.define("inventory-read", "600/min");
  limits.define("inventory-write", "20/min");
  return limits;
}

void change(LimitsTable& limits, std::string_view key, std::string_view value) {
  EXPECT_EQ(limits.set("inventory-write", key, value), std::nullopt) << key << " " << value;
}

TEST(ALimit, IsEnforcedWithThePenaltyOfItsRateUnlessSaidOtherwise) {
  const LimitsTable limits = two();
  const auto* limit = limits.find("inventory-write");
  ASSERT_NE(limit, nullptr);
  EXPECT_EQ(limit->rate, safeguards::parse_rate("20/min"));
  EXPECT_EQ(limit->mode, Mode::enforce);
  EXPECT_EQ(limit->penalty, safeguards::default_penalty(limit->rate));
  EXPECT_EQ(limit->on_store_loss, StoreLoss::share);
  EXPECT_EQ(limits.find("nobody's"), nullptr);
  EXPECT_EQ(limits.find(""), nullptr);
}

TEST(ALimit, TakesWhatTheFileSaysOfIt) {
  LimitsTable limits = two();
  change(limits, "rate", "5/s");
  EXPECT_EQ(limits.find("inventory-write")->rate, safeguards::parse_rate("5/s"));
  EXPECT_EQ(limits.find("inventory-write")->penalty, safeguards::default_penalty(*safeguards::parse_rate("5/s")));
  change(limits, "penalty", "3s..5min");
  EXPECT_EQ(limits.find("inventory-write")->penalty,
            (safeguards::Penalty{.base_microseconds = 3 * second, .cap_microseconds = 300 * second}));
  change(limits, "rate", "6/s");
  EXPECT_EQ(limits.find("inventory-write")->penalty.base_microseconds, 3 * second) << "what was said stays";
  change(limits, "penalty", "off");
  EXPECT_EQ(limits.find("inventory-write")->penalty, safeguards::Penalty{});
  for (const auto& [name, loss] : {std::pair{"local", StoreLoss::local},
                                   {"open", StoreLoss::open},
                                   {"closed", StoreLoss::closed},
                                   {"share", StoreLoss::share}}) {
    change(limits, "on_store_loss", name);
    EXPECT_EQ(limits.find("inventory-write")->on_store_loss, loss);
  }
  change(limits, "mode", "shadow");
  EXPECT_EQ(limits.find("inventory-write")->mode, Mode::shadow);
  change(limits, "mode", "off");
  EXPECT_EQ(limits.find("inventory-write"), nullptr);
  change(limits, "mode", "enforce");
  EXPECT_EQ(limits.find("inventory-write")->mode, Mode::enforce);
}

TEST(ALimit, IsSwitchedOffAndOnAgainByAnAssignment) {
  LimitsTable limits = two();
  change(limits, "mode", "shadow");
  EXPECT_EQ(limits.override_with("inventory-write=7/s"), std::nullopt);
  EXPECT_EQ(limits.find("inventory-write")->mode, Mode::shadow) << "a rate does not change the mode";
  EXPECT_EQ(limits.override_with("inventory-write=off"), std::nullopt);
  EXPECT_EQ(limits.find("inventory-write"), nullptr);
  EXPECT_TRUE(limits.knows("inventory-write"));
  EXPECT_EQ(limits.override_with("inventory-write=7/s"), std::nullopt);
  EXPECT_EQ(limits.find("inventory-write")->mode, Mode::enforce);
  EXPECT_EQ(limits.override_with("all=off"), std::nullopt);
  EXPECT_EQ(limits.find("inventory-write"), nullptr);
  EXPECT_EQ(limits.find("inventory-read"), nullptr);
}

TEST(ALimit, ThatCannotBeReadIsToldWithWhatWasMeant) {
  LimitsTable limits = two();
  struct Row {
    std::string_view key;
    std::string_view value;
    std::string_view told;
  };
  const Row rows[] = {
      {"rate", "5/mim", "there is no unit \"mim\" (did you mean \"min\"?)"},
      {"rate", "5/30secs", "there is no unit \"secs\" (did you mean \"sec\"?)"},
      {"rate", "often", "\"often\" is not a rate"},
      {"rate", "0/s", "\"0/s\" is not a rate"},
      {"rate", "", "write 20/min"},
      {"mode", "shaddow", "did you mean \"shadow\""},
      {"mode", "on", "there are: off, shadow, enforce"},
      {"on_store_loss", "close", "did you mean \"closed\""},
      {"penalty", "5s", "BASE..CAP"},
      {"penalty", "5min..3s", "BASE..CAP"},
      {"penalty", "1s..2days", "BASE..CAP"},
      {"penalty", "..", "BASE..CAP"},
      {"on-store-loss", "share", "did you mean \"on_store_loss\""},
      {"quota", "5", "there is no key \"quota\""},
  };
  for (const Row& row : rows) {
    const auto trouble = limits.set("inventory-write", row.key, row.value);
    ASSERT_TRUE(trouble) << row.key << "=" << row.value;
    EXPECT_THAT(*trouble, HasSubstr(row.told));
  }
  EXPECT_THAT(*limits.set("inventroy-write", "rate", "1/s"), HasSubstr("did you mean \"inventory-write\""));
  EXPECT_THAT(*limits.override_with("inventory-raed=1/s"), HasSubstr("did you mean \"inventory-read\""));
  EXPECT_THAT(*limits.override_with("inventory-read"), HasSubstr("NAME=N/UNIT"));
  EXPECT_EQ(limits.find("inventory-write")->rate, safeguards::parse_rate("20/min")) << "nothing has changed";
}

TEST(ALimit, HasANameOfItsOwn) {
  LimitsTable limits;
  for (const std::string_view name : {"", "all", "headers", "Upper", "with space", "under_score", "quote\""}) {
    EXPECT_THROW(limits.define(name, "1/s"), std::invalid_argument) << name;
  }
  EXPECT_THROW(limits.define(std::string(65, 'a'), "1/s"), std::invalid_argument);
  EXPECT_THROW(limits.define("fine", "often"), std::invalid_argument);
}

}  // namespace
}  // namespace tenon::service
