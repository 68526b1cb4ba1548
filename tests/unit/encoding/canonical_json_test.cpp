#include "encoding/canonical_json.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <random>

namespace tenon::json {
namespace {

std::string canonical_of(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? canonical(*parsed) : "refused: " + parsed.error().detail;
}

std::string canonical_double(double value) { return canonical(Value(Number{.text = {}, .value = value})); }

TEST(CanonicalJson, WritesTheNumbersOfRfc8785AppendixB) {
  struct Row {
    std::uint64_t bits;
    std::string text;
  };
  const Row rows[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : rows) EXPECT_EQ(canonical_double(std::bit_cast<double>(bits)), text);
}

TEST(CanonicalJson, WritesTheSampleOfRfc8785Section322) {
  EXPECT_EQ(canonical_of(R"({
              "numbers": [333333333.33333329, 1E30, 4.50,
                          2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            })"),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

// Section 3.2.4 shows the same sample in bytes.
TEST(CanonicalJson, WritesTheBytesOfRfc8785Section324) {
  const std::uint8_t bytes[] = {
      0x7b, 0x22, 0x6c, 0x69, 0x74, 0x65, 0x72, 0x61, 0x6c, 0x73, 0x22, 0x3a, 0x5b, 0x6e, 0x75, 0x6c, 0x6c,
      0x2c, 0x74, 0x72, 0x75, 0x65, 0x2c, 0x66, 0x61, 0x6c, 0x73, 0x65, 0x5d, 0x2c, 0x22, 0x6e, 0x75, 0x6d,
      0x62, 0x65, 0x72, 0x73, 0x22, 0x3a, 0x5b, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x2e,
      0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x2c, 0x31, 0x65, 0x2b, 0x33, 0x30, 0x2c, 0x34, 0x2e, 0x35,
      0x2c, 0x30, 0x2e, 0x30, 0x30, 0x32, 0x2c, 0x31, 0x65, 0x2d, 0x32, 0x37, 0x5d, 0x2c, 0x22, 0x73, 0x74,
      0x72, 0x69, 0x6e, 0x67, 0x22, 0x3a, 0x22, 0xe2, 0x82, 0xac, 0x24, 0x5c, 0x75, 0x30, 0x30, 0x30, 0x66,
      0x5c, 0x6e, 0x41, 0x27, 0x42, 0x5c, 0x22, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x22, 0x2f, 0x22, 0x7d};
  const std::string written =
      canonical_of(R"({"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false],)"
                   R"("numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]})");
  EXPECT_EQ(written, std::string(std::begin(bytes), std::end(bytes)));
}

TEST(CanonicalJson, SortsMembersAsRfc8785Section323Does) {
  const std::string written = canonical_of(R"({
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    })");
  std::size_t at = 0;
  for (const char* name : {"Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                           "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"}) {
    const std::size_t found = written.find(name);
    ASSERT_NE(found, std::string::npos) << name;
    EXPECT_GT(found, at) << name;
    at = found;
  }
}

// The order of UTF-16 code units, computed by converting, for pairs around every boundary.
TEST(CanonicalJson, SortsMembersByUtf16CodeUnits) {
  const char32_t points[] = {0,      '0',    'A',    'a',    0x7f,    0x80,    0x7ff,   0x800,   0xd7ff,
                             0xe000, 0xfb33, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x40000, 0xfffff, 0x10ffff};
  const auto utf8 = [](char32_t c) {
    std::string out;
    const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6), put(0x80 | (c & 63));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    } else {
      put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    }
    return out;
  };
  const auto utf16 = [](char32_t c) {
    if (c < 0x10000) return std::u16string(1, static_cast<char16_t>(c));
    return std::u16string{static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10)),
                          static_cast<char16_t>(0xdc00 + ((c - 0x10000) & 0x3ff))};
  };
  for (const char32_t a : points) {
    for (const char32_t b : points) {
      if (a == b) continue;
      // The same beginning and ends: the order is the points' own, also where one name is the other's beginning.
      for (const auto& [a_end, b_end] : {std::pair{"", ""}, {"z", "a"}, {"", "x"}}) {
        Object object;
        object.push_back(Member{.name = "p" + utf8(a) + a_end, .value = Value(true)});
        object.push_back(Member{.name = "p" + utf8(b) + b_end, .value = Value(false)});
        const bool a_first = utf16(a) < utf16(b);
        const std::string written = canonical(Value(object));
        EXPECT_EQ(written.find("true") < written.find("false"), a_first) << std::hex << +a << " and " << +b;
      }
    }
  }
  EXPECT_EQ(canonical_of(R"({"ab":1,"a":2,"":3})"), R"({"":3,"a":2,"ab":1})");
}

TEST(CanonicalJson, IsTheSameForAllSpellingsOfAValue) {
  struct Row {
    std::string one, other;
  };
  const Row rows[] = {
      {R"({"a":1,"b":2})", R"(  { "b" : 2 ,
                                  "a" : 1 } )"},
      {R"({"a":{"x":1,"y":[{"p":1,"q":2}]}})", R"({"a":{"y":[{"q":2,"p":1}],"x":1}})"},
      {"1", "1.0"},
      {"1", "10e-1"},
      {"100", "1E2"},
      {"0", "-0"},
      {"0", "-0.0"},
      {"0", "0e5"},
      {"0.1", "0.10"},
      {R"("A")", R"("\u0041")"},
      {R"("/")", R"("\/")"},
      {R"("\n")", R"("\u000A")"},
      {"\"\xf0\x9f\x98\x80\"", R"("\ud83d\ude00")"},
      {R"("\u001b")", R"("\u001B")"},
  };
  for (const auto& [one, other] : rows) EXPECT_EQ(canonical_of(one), canonical_of(other));
}

TEST(CanonicalJson, DiffersWhereTheValuesDo) {
  const std::string texts[] = {"null",
                               "true",
                               "false",
                               "0",
                               "1",
                               "-1",
                               "0.1",
                               "1e21",
                               R"("")",
                               R"("0")",
                               R"("null")",
                               "[]",
                               "{}",
                               "[null]",
                               "[[]]",
                               "[{}]",
                               "[1,2]",
                               "[2,1]",
                               "[1,[2]]",
                               "[[1],2]",
                               R"({"a":1})",
                               R"({"A":1})",
                               R"({"a":"1"})",
                               R"({"a":[1]})",
                               R"({"":1})",
                               R"({"a":{}})",
                               R"({"a":null})",
                               R"([1,2,3])",
                               R"("1,2")",
                               R"({"a":1,"b":2})",
                               R"({"a":2,"b":1})",
                               "9007199254740991",
                               "9007199254740990",
                               "\"e\xcc\x81\"",
                               "\"\xc3\xa9\"",
                               R"("a\u0000")",
                               R"("a")"};
  std::vector<std::string> written;
  for (const std::string& text : texts) written.push_back(canonical_of(text));
  for (std::size_t i = 0; i < written.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) EXPECT_NE(written[i], written[k]) << texts[i] << " and " << texts[k];
  }
}

TEST(CanonicalJson, IsItsOwnCanonicalForm) {
  for (const char* text :
       {R"({"b":[1.50,-0,1e400],"a":"x"})", R"({"b":[1.50,-0,1e300,0.0000001,123456789.123],"a":"\u0007\u2028"})",
        R"([[],{},[{}],{"":{"":[]}}])"}) {
    const auto parsed = parse(text);
    if (!parsed) continue;
    const std::string once = canonical(*parsed);
    EXPECT_EQ(canonical_of(once), once);
  }
}

TEST(CanonicalJson, NumbersReadBackAsTheSameDouble) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 20'000; ++round) {
    const double value = std::bit_cast<double>(random());
    if (!(value - value == 0)) continue;  // not finite
    const std::string text = canonical_double(value);
    double back = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(read.ptr, text.data() + text.size()) << text;
    ASSERT_EQ(back, value) << text;
    ASSERT_LE(text.size(), 25U) << text;
  }
}

TEST(CanonicalJson, AppendsBehindWhatIsThere) {
  std::string out = "1\nPOST\n";
  append_canonical(out, *parse(R"({"b":1,"a":[2]})"));
  EXPECT_EQ(out, "1\nPOST\n{\"a\":[2],\"b\":1}");
}

}  // namespace
}  // namespace tenon::json
