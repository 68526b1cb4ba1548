#include "base/text_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>

namespace tenon {
namespace {

TEST(TextThatIsPutTogether, IsAppendedToWhatIsThere) {
  std::string out = "a";
  append_at_most(out, 100, [](TextWriter& to) { to.text("bc").number(-12).text({}).text("d").number(0.5); });
  EXPECT_EQ(out, "abc-12d0.5");
  append_at_most(out, 0, [](TextWriter&) {});
  EXPECT_EQ(out, "abc-12d0.5");
}

TEST(TextThatIsPutTogether, MayTakeAllOfItsRoom) {
  std::string out;
  for (int i = 0; i < 1'000; ++i) append_at_most(out, 3, [](TextWriter& to) { to.text("a").number(42); });
  EXPECT_EQ(out.size(), 3'000U);
  EXPECT_TRUE(out.ends_with("a42a42"));
}

TEST(TextThatIsPutTogether, ThatIsLongerThanItsRoomIsRefusedAndLeavesTheRestAsItWas) {
  for (const std::size_t room : {0U, 1U, 2U}) {
    std::string out = "before";
    EXPECT_THROW(append_at_most(out, room, [](TextWriter& to) { to.text("abc").text("d"); }), std::length_error);
    EXPECT_EQ(out, "before");
    EXPECT_THROW(append_at_most(out, room, [](TextWriter& to) { to.number(123); }), std::length_error);
    EXPECT_EQ(out, "before");
  }
}

TEST(TextThatIsPutTogether, IsAsItWasWhenPuttingItTogetherFails) {
  std::string out = "before";
  const auto fails = [](TextWriter& to) {
    to.text("half");
    throw std::bad_alloc();
  };
  EXPECT_THROW(append_at_most(out, 100, fails), std::bad_alloc);
  EXPECT_EQ(out, "before");
}

TEST(TextThatIsPutTogether, HasRoomForTheLongestNumbers) {
  std::string out;
  append_at_most(out, 4 * number_characters_max, [](TextWriter& to) {
    to.number(std::numeric_limits<std::int64_t>::min()).number(std::numeric_limits<std::uint64_t>::max());
    to.number(-std::numeric_limits<double>::min(), std::chars_format::general, 6);
    to.number(-std::numeric_limits<double>::max(), std::chars_format::general, 6);
  });
  EXPECT_EQ(out, "-922337203685477580818446744073709551615-2.22507e-308-1.79769e+308");
}

}  // namespace
}  // namespace tenon
