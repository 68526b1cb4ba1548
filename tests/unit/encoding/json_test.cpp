// What JSON we accept, and the tree it becomes.
#include "encoding/json.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace tenon::json {
namespace {

using namespace std::string_literals;

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(Json, BecomesATreeInTheOrderReceived) {
  const auto parsed = parse(R"( {"z" : [1, "two", null, true, false, {}, []], "a":{"deep":{"er":[[3]]}}} )");
  ASSERT_TRUE(parsed) << parsed.error().detail;
  const Object& root = *parsed->object();
  ASSERT_EQ(root.size(), 2U);
  EXPECT_EQ(root[0].name, "z");
  EXPECT_EQ(root[1].name, "a");

  const Array& z = *root[0].value.array();
  ASSERT_EQ(z.size(), 7U);
  EXPECT_EQ(z[0].number()->text, "1");
  EXPECT_EQ(*z[1].string(), "two");
  EXPECT_TRUE(z[2].is_null());
  EXPECT_EQ(*z[3].boolean(), true);
  EXPECT_EQ(*z[4].boolean(), false);
  EXPECT_TRUE(z[5].object()->empty());
  EXPECT_TRUE(z[6].array()->empty());

  const Value* deep = find(*root[1].value.object(), "deep");
  ASSERT_NE(deep, nullptr);
  const Array& er = *find(*deep->object(), "er")->array();
  EXPECT_EQ(er[0].array()->front().number()->value, 3);
}

TEST(Json, MayBeAnyValueAtItsRoot) {
  EXPECT_TRUE(parse("null")->is_null());
  EXPECT_EQ(*parse("true")->boolean(), true);
  EXPECT_EQ(*parse(" false\r\n\t ")->boolean(), false);
  EXPECT_EQ(parse("-12")->number()->value, -12);
  EXPECT_EQ(*parse(R"("text")")->string(), "text");
  EXPECT_TRUE(parse("[]")->array()->empty());
  EXPECT_TRUE(parse("{}")->object()->empty());
}

TEST(Json, ValuesAnswerOnlyToTheirOwnType) {
  const auto number = parse("1");
  EXPECT_EQ(number->string(), nullptr);
  EXPECT_EQ(number->boolean(), nullptr);
  EXPECT_EQ(number->array(), nullptr);
  EXPECT_EQ(number->object(), nullptr);
  EXPECT_FALSE(number->is_null());
  EXPECT_TRUE(Value().is_null());
}

TEST(Json, UnescapesStringsAndNames) {
  struct Row {
    std::string text, meaning;
  };
  const Row rows[] = {
      {R"("")", ""},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("\u0041\u00e9\u20AC")", "A\xc3\xa9\xe2\x82\xac"},
      {R"("\ud83d\ude00")", "\xf0\x9f\x98\x80"},
      {R"("\uD83D\uDE00")", "\xf0\x9f\x98\x80"},
      {R"("\udbff\udfff")", "\xf4\x8f\xbf\xbf"},
      {R"("\ud7ff\ue000")", "\xed\x9f\xbf\xee\x80\x80"},
      {R"("\u0000")", "\0"s},
      {R"("a\u0000b")", "a\0b"s},
      {R"("\\u0041")", "\\u0041"},
      {"\"\xf0\x9f\x98\x80\x7f\"", "\xf0\x9f\x98\x80\x7f"},
      {"\"\xe2\x80\xa8\"", "\xe2\x80\xa8"},
  };
  for (const auto& [text, meaning] : rows) {
    SCOPED_TRACE(text);
    const auto value = parse(text);
    ASSERT_TRUE(value) << value.error().detail;
    EXPECT_EQ(*value->string(), meaning);
    const auto object = parse("{" + text + ":1}");
    ASSERT_TRUE(object) << object.error().detail;
    EXPECT_EQ(object->object()->front().name, meaning);
  }
}

// Boost hands long escaped strings over in pieces of its own buffer's size.
TEST(Json, PutsLongEscapedStringsTogether) {
  for (const std::size_t length : {100U, 4'090U, 4'096U, 4'100U, 20'000U, 100'000U}) {
    std::string text = "\"";
    std::string meaning;
    for (std::size_t i = 0; meaning.size() < length; ++i) {
      text += i % 3 == 0 ? "\\n" : i % 3 == 1 ? "\\ud83d\\ude00" : "plain ";
      meaning += i % 3 == 0 ? "\n" : i % 3 == 1 ? "\xf0\x9f\x98\x80" : "plain ";
    }
    text += "\"";
    const auto parsed = parse("{" + text + ":" + text + ",\"next\":" + text + "}");
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed->object()->at(0).name, meaning);
    EXPECT_EQ(*parsed->object()->at(0).value.string(), meaning);
    EXPECT_EQ(*parsed->object()->at(1).value.string(), meaning);
  }
}

TEST(Json, FindsAMemberByItsExactName) {
  const auto parsed = parse(R"({"a":1,"A":2,"":3,"a\u0000":4})");
  const Object& object = *parsed->object();
  EXPECT_EQ(integer(*find(object, "a")->number()), 1);
  EXPECT_EQ(integer(*find(object, "A")->number()), 2);
  EXPECT_EQ(integer(*find(object, "")->number()), 3);
  EXPECT_EQ(integer(*find(object, "a\0"s)->number()), 4);
  EXPECT_EQ(find(object, "b"), nullptr);
  EXPECT_EQ(find({}, "a"), nullptr);
}

TEST(Json, MayNestAsDeepAsTheLimitAndNotOneLevelMore) {
  const std::size_t limit = limits::json_depth_max;
  EXPECT_TRUE(parse(nested(limit - 1, "[", "]")));
  EXPECT_TRUE(parse(nested(limit, "[", "]")));
  const auto arrays = parse(nested(limit + 1, "[", "]"));
  ASSERT_FALSE(arrays);
  EXPECT_EQ(arrays.error().code, ProblemCode::malformed_json);
  EXPECT_EQ(arrays.error().detail, "not valid JSON at byte " + std::to_string(limit) + ": nested too deeply");

  const std::string open = R"({"a":)";
  std::string objects = "1";
  for (std::size_t i = 0; i < limit; ++i) objects = open + objects + "}";
  EXPECT_TRUE(parse(objects));
  EXPECT_FALSE(parse(open + objects + "}"));
  EXPECT_FALSE(parse("[" + objects + "]"));
}

TEST(Json, IsRefusedAtOnceHoweverDeepItGoesOn) {
  EXPECT_FALSE(parse(std::string(limits::body_bytes_max, '[')));
  std::string objects;
  while (objects.size() < limits::body_bytes_max) objects += R"({"a":)";
  EXPECT_FALSE(parse(objects));
}

TEST(Json, CountsDepthAnewAfterAContainerHasClosed) {
  std::string siblings = "[";
  for (int i = 0; i < 100; ++i) siblings += nested(limits::json_depth_max - 1, "[", "]") + ",";
  siblings.back() = ']';
  EXPECT_TRUE(parse(siblings));
}

TEST(Json, MayHoldAsManyMembersAndElementsAsTheLimitAndNotOneMore) {
  const auto array_of = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i) text += "0,";
    text.back() = ']';
    return text;
  };
  const auto object_of = [](std::size_t count) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i) text += "\"" + std::to_string(i) + "\":0,";
    text.back() = '}';
    return text;
  };
  const std::size_t limit = limits::json_members_max;
  EXPECT_TRUE(parse(array_of(limit)));
  EXPECT_TRUE(parse(object_of(limit)));
  for (const std::string& text : {array_of(limit + 1), object_of(limit + 1)}) {
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json);
    EXPECT_NE(refused.error().detail.find("too many members and elements"), std::string::npos);
  }
  // Both kinds, nested, count together: one element, then two members, then their contents.
  const std::string half = array_of(limit / 2 - 1);
  EXPECT_TRUE(parse("{\"a\":" + half + ",\"b\":" + half + "}"));
  EXPECT_FALSE(parse("[{\"a\":" + half + ",\"b\":" + half + "}]"));
}

}  // namespace
}  // namespace tenon::json
