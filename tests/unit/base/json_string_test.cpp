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

}  // namespace
}  // namespace tenon
