#include "base/json_string.hpp"

#include <gtest/gtest.h>

#include "encoding/json.hpp"

namespace tenon {
namespace {

using namespace std::string_literals;

TEST(JsonString, EscapesWhatRfc8259DemandsAndNothingElse) {
  struct Row {
    std::string text, written;
  };
  const Row rows[] = {
      {"", R"("")"},
      {"plain", R"("plain")"},
      {"\"", R"("\"")"},
      {"\\", R"("\\")"},
      {"/", R"("/")"},
      {"\b\f\n\r\t", R"("\b\f\n\r\t")"},
      {"\0"s, R"("\u0000")"},
      {"\x1b[31m", R"("\u001b[31m")"},
      {"\x1f", R"("\u001f")"},
      {"a\x01z", R"("a\u0001z")"},
      {"\x7f", "\"\x7f\""},
      {"\xe2\x82\xac \xf0\x9f\x98\x80", "\"\xe2\x82\xac \xf0\x9f\x98\x80\""},
      {"</script>", R"("</script>")"},
      {"\"\"", R"("\"\"")"},
  };
  for (const auto& [text, written] : rows) EXPECT_EQ(json_string(text), written);
}

TEST(JsonString, AppendsBehindWhatIsThere) {
  std::string out = "\"\n\\";  // looks like what needs an escape, but is not ours to touch
  append_json_string(out, "a\"b");
  EXPECT_EQ(out, "\"\n\\\"a\\\"b\"");
}

TEST(JsonString, IsReadBackAsTheSameBytes) {
  std::string every_ascii;
  for (int c = 0; c < 128; ++c) every_ascii.push_back(static_cast<char>(c));
  const auto parsed = json::parse(json_string(every_ascii));
  ASSERT_TRUE(parsed);
  ASSERT_NE(parsed->string(), nullptr);
  EXPECT_EQ(*parsed->string(), every_ascii);
}

TEST(JsonString, ReplacesEachByteThatIsNotUtf8) {
  constexpr std::string_view replacement = "\xef\xbf\xbd";
  const auto replaced = [&](int times, std::string_view before = "", std::string_view after = "") {
    std::string text = "\"" + std::string(before);
    for (int i = 0; i < times; ++i) text += replacement;
    return text + std::string(after) + "\"";
  };
  const std::pair<std::string_view, std::string> rows[] = {
      {"\xff", replaced(1)},  // never in UTF-8
      {"a\x80"
       "b",
       replaced(1, "a", "b")},                                       // a continuation without a lead
      {"\xc3", replaced(1)},                                         // cut off at the end
      {"\xe2\x82", replaced(2)},                                     //
      {"\xf0\x9f\x98", replaced(3)},                                 //
      {"\xc3(", replaced(1, "", "(")},                               // a lead without its continuation
      {"\xc0\xaf", replaced(2)},                                     // overlong
      {"\xe0\x80\xaf", replaced(3)},                                 //
      {"\xf0\x80\x80\xaf", replaced(4)},                             //
      {"\xed\xa0\x80", replaced(3)},                                 // a surrogate
      {"\xf4\x90\x80\x80", replaced(4)},                             // beyond U+10FFFF
      {"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},                  // U+10FFFF itself
      {"\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\""},  // beside the surrogates
      {"\xc3\xa9\xff\xc3\xa9", replaced(1, "\xc3\xa9", "\xc3\xa9")},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(json_string(text), expected);
}

}  // namespace
}  // namespace tenon
