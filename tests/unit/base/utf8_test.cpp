#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tenon {
namespace {

// The definition, spelled out another way: decode, then check that the shortest form of the code point is what was
// there.
bool is_utf8_by_definition(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (length == 0 || bytes.size() - i < length) return false;
    unsigned code = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if (byte(i + k) >> 6 != 2) return false;
      code = code << 6 | (byte(i + k) & 0x3fU);
    }
    const std::size_t shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (shortest != length || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

TEST(Utf8, IsToldFromOtherBytesForEverySequenceOfUpToThree) {
  std::string bytes;
  for (unsigned a = 0; a < 256; ++a) {
    bytes.assign(1, static_cast<char>(a));
    ASSERT_EQ(is_utf8(bytes), is_utf8_by_definition(bytes)) << a;
    for (unsigned b = 0; b < 256; ++b) {
      bytes.assign(1, static_cast<char>(a)).push_back(static_cast<char>(b));
      ASSERT_EQ(is_utf8(bytes), is_utf8_by_definition(bytes)) << a << ' ' << b;
      bytes.push_back('?');
      for (const unsigned c : {0x00U, 0x41U, 0x7fU, 0x80U, 0x9fU, 0xa0U, 0xbfU, 0xc0U, 0xc2U, 0xe0U, 0xf0U, 0xffU}) {
        bytes.back() = static_cast<char>(c);
        ASSERT_EQ(is_utf8(bytes), is_utf8_by_definition(bytes)) << a << ' ' << b << ' ' << c;
      }
    }
  }
}

TEST(Utf8, IsToldFromOtherBytesAtTheEdgesOfFourByteSequences) {
  const unsigned edges[] = {0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc0};
  for (unsigned a = 0xee; a < 256; ++a) {
    for (const unsigned b : edges) {
      for (const unsigned c : edges) {
        for (const unsigned d : edges) {
          const std::string bytes = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                     static_cast<char>(d)};
          ASSERT_EQ(is_utf8(bytes), is_utf8_by_definition(bytes)) << a << ' ' << b << ' ' << c << ' ' << d;
        }
      }
    }
  }
}

TEST(Utf8, IsCheckedAtEveryPlaceOfALongText) {
  for (std::size_t length = 0; length < 40; ++length) {
    EXPECT_TRUE(is_utf8(std::string(length, 'x')));
    for (std::size_t at = 0; at <= length; ++at) {
      std::string text(length, 'x');
      EXPECT_TRUE(is_utf8(text.insert(at, "\xe2\x82\xac")));
      EXPECT_FALSE(is_utf8(text.insert(at, "\xff")));
      text = std::string(length, 'x');
      EXPECT_FALSE(is_utf8(text.insert(at, "\xe2\x82")));
    }
  }
}

}  // namespace
}  // namespace tenon
