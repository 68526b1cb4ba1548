// What JSON we refuse, by which name, and at which byte.
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "encoding/json.hpp"

namespace tenon::json {
namespace {

using namespace std::string_literals;

TEST(MalformedJson, IsRefusedWithTheByteItGoesWrongAt) {
  struct Row {
    std::string text;
    std::string detail;  // after "not valid JSON at byte "
  };
  const Row rows[] = {
      // Incomplete.
      {"", "0: unexpected end"},
      {"   ", "3: unexpected end"},
      {"[", "1: unexpected end"},
      {"[1", "2: unexpected end"},
      {"[1,", "3: unexpected end"},
      {"{", "1: unexpected end"},
      {R"({"a")", "4: unexpected end"},
      {R"({"a":)", "5: unexpected end"},
      {R"({"a":1)", "6: unexpected end"},
      {"\"abc", "4: unexpected end"},
      {"\"abc\\", "5: unexpected end"},
      {"tru", "3: unexpected end"},
      {"-", "1: unexpected end"},
      // Punctuation.
      {R"({"a":1 "b":2})", "7: unexpected '\"'"},
      {"[1 2]", "3: unexpected '2'"},
      {"[1,]", "3: unexpected ']'"},
      {"[,1]", "1: unexpected ','"},
      {"[1,,2]", "3: unexpected ','"},
      {R"({"a":1,})", "7: unexpected '}'"},
      {R"({"a"})", "4: unexpected '}'"},
      {R"({"a":})", "5: unexpected '}'"},
      {"{1:2}", "1: unexpected '1'"},
      {"{a:2}", "1: unexpected 'a'"},
      {"[1}", "2: unexpected '}'"},
      {"]", "0: unexpected ']'"},
      // Things other dialects have.
      {"// x\n1", "0: unexpected '/'"},
      {"1 /* x */", "2: bytes after the end of the document"},
      {"'a'", "0: unexpected '\''"},
      {"NaN", "0: unexpected 'N'"},
      {"Infinity", "0: unexpected 'I'"},
      {"-Infinity", "1: unexpected 'I'"},
      {"True", "0: unexpected 'T'"},
      {"undefined", "0: unexpected 'u'"},
      {"\x1e{}", "0: unexpected control character or space"},
      {"\xc2\xa0{}", "0: not UTF-8, or not inside a string"},
      {"[1,\v2]", "3: unexpected control character or space"},
      {"[1,\0]"s, "3: unexpected control character or space"},
      // Byte order marks.
      {"\xef\xbb\xbf{}", "0: a byte order mark"},
      {"\xef\xbb\xbf", "0: a byte order mark"},
      {"\xfe\xff\0{"s, "0: not UTF-8, or not inside a string"},
      {"{\0}\0"s, "1: unexpected control character or space"},
      // After the end.
      {"{} {}", "3: bytes after the end of the document"},
      {"1 2", "2: bytes after the end of the document"},
      {"{}x", "2: bytes after the end of the document"},
      {"{}\0"s, "2: bytes after the end of the document"},
      {"null,", "4: bytes after the end of the document"},
      // Control characters in strings.
      {"\"a\nb\"", "2: unexpected control character or space"},
      {"\"a\tb\"", "2: unexpected control character or space"},
      {"\"a\0b\""s, "2: unexpected control character or space"},
      {"\"\x1f\"", "1: unexpected control character or space"},
      // Escapes.
      {R"("\x41")", "2: unexpected 'x'"},
      {R"("\u12")", "5: expected a hexadecimal digit"},
      {R"("\u12g4")", "5: expected a hexadecimal digit"},
      {R"("\U0041")", "2: unexpected 'U'"},
  };
  for (const auto& [text, detail] : rows) {
    SCOPED_TRACE(text);
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json);
    EXPECT_EQ(refused.error().detail, "not valid JSON at byte " + detail);
  }
}

TEST(MalformedJson, IsTextWithHalvesOfSurrogatePairs) {
  for (const char* text : {
           R"("\ud800")", R"("\udbff")", R"("\udc00")", R"("\udfff")",     // alone
           R"("\ud800x")", R"("\ud800\n")", R"("\ud800\u0041")",           // followed by something else
           R"("\ud800\ud800")", R"("\udc00\ud800")", R"("\ude00\ud83d")",  // two of a kind, or swapped
           R"({"\ud800":1})", R"(["ok","\udead"])",                        // anywhere
       }) {
    const auto refused = parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json) << text;
  }
}

TEST(MalformedJson, IsTextThatIsNotUtf8) {
  for (const std::string& bytes : {
           "\x80"s,
           "\xbf"s,
           "\xff"s,
           "\xfe"s,  // never first
           "\xc3"s,
           "\xe2\x82"s,
           "\xf0\x9f\x98"s,  // cut short
           "\xc3("s,
           "\xe2(\xa1"s,
           "\xe2\x82("s,
           "\xf0\x9f\x98("s,  // a continuation missing
           "\xc0\x80"s,
           "\xc1\xbf"s,
           "\xe0\x80\x80"s,
           "\xe0\x9f\xbf"s,  // overlong
           "\xf0\x80\x80\x80"s,
           "\xf0\x8f\xbf\xbf"s,  // overlong
           "\xed\xa0\x80"s,
           "\xed\xbf\xbf"s,
           "\xed\xa0\xbd\xed\xb8\x80"s,  // surrogates
           "\xf4\x90\x80\x80"s,
           "\xf5\x80\x80\x80"s,
           "\xf8\x88\x80\x80\x80"s,  // beyond U+10FFFF
       }) {
    for (const std::string& text :
         {"\"" + bytes + "\"", "\"plain text first " + bytes + " and after\"", "\"\\n" + bytes + "\"",
          "{\"" + bytes + "\":1}", "[\"" + std::string(5000, 'x') + bytes + "\"]", "\"" + bytes}) {
      const auto refused = parse(text);
      ASSERT_FALSE(refused) << testing::PrintToString(text);
      EXPECT_EQ(refused.error().code, ProblemCode::malformed_json);
    }
  }
}

TEST(MalformedJson, IsANumberThatRfc8259DoesNotKnow) {
  for (const char* text : {"01",    "-01", "00", "+1",  ".5",    "1.",    "1.e5",  "1e",  "1e+", "1E-", "0x10",
                           "1_000", "--1", "-",  "-.5", "1.2.3", "1e5.5", "1e5e5", "0b1", "1f",  "٣"}) {
    const auto refused = parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json) << text;
    EXPECT_FALSE(parse("[" + std::string(text) + "]")) << text;
  }
}

TEST(DuplicateMember, IsRefusedByItsName) {
  struct Row {
    std::string text, detail;
  };
  const Row rows[] = {
      {R"({"a":1,"a":2})", R"(member "a" appears twice)"},
      {R"({"a":1,"a":1})", R"(member "a" appears twice)"},
      {R"({"a":1,"\u0061":2})", R"(member "a" appears twice)"},
      {R"({"":1,"":2})", R"(member "" appears twice)"},
      {R"({"x":{"deep":[{"a":1,"b":2,"a":3}]}})", R"(member "a" appears twice)"},
      {R"({"a":1,"b":2,"c":3,"b":4})", R"(member "b" appears twice)"},
      {R"({"a":{"a":1},"b":{"a":1},"a":2})", R"(member "a" appears twice)"},
      {R"([{"a":1},{"a":1,"a":1}])", R"(member "a" appears twice)"},
      {R"({"\u0000":1,"\u0000":2})", R"(member "\u0000" appears twice)"},
      {R"({"\"":1,"\"":2})", R"(member "\"" appears twice)"},
      {"{\"\xc3\xa9\":1,\"\\u00e9\":2}", "member \"\xc3\xa9\" appears twice"},
      {R"({"constructor":1,"__proto__":2,"__proto__":3})", R"(member "__proto__" appears twice)"},
  };
  for (const auto& [text, detail] : rows) {
    SCOPED_TRACE(text);
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::duplicate_member);
    EXPECT_EQ(refused.error().detail, detail);
  }
}

TEST(DuplicateMember, IsFoundWhereverTheTwoStandInObjectsOfAnySize) {
  for (const std::size_t count : {2U, 7U, 8U, 9U, 10U, 17U, 100U}) {
    for (std::size_t first = 0; first + 1 < count; first += count / 5 + 1) {
      for (std::size_t second = first + 1; second < count; second += count / 5 + 1) {
        std::string text = "{";
        for (std::size_t i = 0; i < count; ++i) {
          text += "\"m" + std::to_string(i == second ? first : i) + "\":" + std::to_string(i) + ",";
        }
        text.back() = '}';
        const auto refused = parse(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().detail, "member \"m" + std::to_string(first) + "\" appears twice");
      }
    }
  }
}

TEST(DuplicateMember, IsNotTheSameNameInAnotherObjectNorAnotherCaseOrForm) {
  for (const char* text : {
           R"({"a":{"a":{"a":1}}})",
           R"([{"a":1},{"a":1}])",
           R"({"a":1,"A":2})",
           R"({"a":1,"a ":2,"":3})",
           R"({"\u00e9":1,"e\u0301":2})",
           R"({"a":[{"b":1},{"b":1}],"b":2})",
           R"({"a":"a","b":"a"})",
       }) {
    EXPECT_TRUE(parse(text)) << text;
  }
}

// In the order of the refusals' precedence, whichever comes first in the text.
TEST(DuplicateMember, IsToldOnlyOfWhatIsJson) {
  for (const char* text :
       {R"({"a":1,"a":2)", R"({"a":1,"a":2} x)", R"([{"a":1,"a":2},])", R"([{"a":1,"a":2},1e999])"}) {
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json) << text;
  }
}

TEST(DuplicateMember, IsToldInFewWordsHoweverLongTheName) {
  std::string name;
  while (name.size() < 10'000) name += "\xe2\x82\xac";
  const auto refused = parse("{\"" + name + "\":1,\"" + name + "\":2}");
  ASSERT_FALSE(refused);
  EXPECT_LT(refused.error().detail.size(), 100U);
  EXPECT_TRUE(parse(render(refused.error()))) << "half a character would not be UTF-8";
}

// Nobody can choose names that make the check slow: ten thousand members that share a long beginning.
TEST(DuplicateMember, IsSoughtInTimeThatTheSenderCannotStretch) {
  std::string text = "{";
  const std::string beginning(16, 'x');
  for (std::size_t i = 0; i < limits::json_members_max; ++i) text += "\"" + beginning + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_TRUE(parse(text));
}

}  // namespace
}  // namespace tenon::json
