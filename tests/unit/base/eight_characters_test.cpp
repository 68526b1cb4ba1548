#include "base/eight_characters.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tenon {
namespace {

// Each character at each place of a text of each length up to three words, among neighbours of either end.
template <class AnyWrong, class IsRight>
void expect_the_same_of_each_character(const AnyWrong& any_wrong, const IsRight& is_right) {
  for (const char neighbour : {'a', '!', '~'}) {
    for (std::size_t length = 1; length <= 24; ++length) {
      for (std::size_t at = 0; at < length; ++at) {
        for (int c = 0; c < 256; ++c) {
          std::string text(length, neighbour);
          text[at] = static_cast<char>(c);
          ASSERT_EQ(all_right(text, any_wrong, is_right), is_right(text[at])) << c << " at " << at << " of " << length;
        }
      }
    }
  }
}

TEST(EightCharactersAtATime, AreJudgedAsEachAlone) {
  expect_the_same_of_each_character([](EightCharacters eight) { return eight.below(' '); },
                                    [](char c) { return static_cast<unsigned char>(c) >= ' '; });
  expect_the_same_of_each_character([](EightCharacters eight) { return eight.from_delete_on(); },
                                    [](char c) { return static_cast<unsigned char>(c) < 0x7f; });
  for (const char other : {'#', '"', '\x7f', '\xff', '\0'}) {
    expect_the_same_of_each_character([other](EightCharacters eight) { return eight.equal(other); },
                                      [other](char c) { return c != other; });
  }
}

TEST(EightCharactersAtATime, OfWhichTwoAreWrongAreWrong) {
  const auto below = [](EightCharacters eight) { return eight.below('!'); };
  const auto is_right = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  EXPECT_FALSE(all_right(" aaaaaa ", below, is_right));
  EXPECT_FALSE(all_right("\xff\xff\xff\xff\xff\xff\xff ", below, is_right));
  EXPECT_FALSE(all_right(std::string(8, '\0'), below, is_right));
  EXPECT_TRUE(all_right("", below, is_right));
}

}  // namespace
}  // namespace tenon
