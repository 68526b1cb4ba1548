// The parser of RFC 9651, what is made of items: parameters, inner lists, lists, dictionaries.
#include <gtest/gtest.h>

#include "unit/encoding/structured_table.hpp"

namespace tenon::structured {
namespace {

using namespace std::string_literals;

TEST(StructuredParameters, FollowWithoutSpaceBeforeTheSemicolon) {
  const Row rows[] = {
      {"1; a; b=?0", "1;a;b=?0"},
      {"1;a=?1", "1;a"},
      {"1;   a=2", "1;a=2"},
      {"2; foourl=\"https://foo.example.com/\"", "2;foourl=\"https://foo.example.com/\""},
      {"1;*a_b-c.d*9=x", "1;*a_b-c.d*9=x"},
      {"1;a=1;b=2;a=3", "1;a=3;b=2"},
      {"1;a;a=2;a", "1;a"},
      {"1;a=:AA==:;b=@5;c=%\"x\";d=1.5", "1;a=:AA==:;b=@5;c=%\"x\";d=1.5"},
      {"1 ;a", refused},
      {"1;", refused},
      {"1;;a", refused},
      {"1;a ;b", refused},
      {"1;a =2", refused},
      {"1;a= 2", refused},
      {"1;a=", refused},
      {"1;\ta", refused},
      {"1;A=2", refused},
      {"1;9a=2", refused},
      {"1;_a=2", refused},
      {"1;-a=2", refused},
      {"1;=2", refused},
      {"1;a=(1 2)", refused},
      {"1;a=1,b", refused},
      {"1;a\xc3\xa9", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredList, HasItemsAndInnerListsBetweenCommas) {
  const Row rows[] = {
      {"", ""},
      {"   ", ""},
      {"1", "1"},
      {"sugar, tea, rum", "sugar, tea, rum"},
      {"1,2", "1, 2"},
      {"1 ,  2", "1, 2"},
      {"1\t,\t 2", "1, 2"},
      {" 1, 2 ", "1, 2"},
      {"1, 2\t", "1, 2"},
      {"1, 1, 1", "1, 1, 1"},
      {R"("foo", "bar", "It was the best of times.")", R"("foo", "bar", "It was the best of times.")"},
      {R"(("foo" "bar"), ("baz"), ("bat" "one"), ())", R"(("foo" "bar"), ("baz"), ("bat" "one"), ())"},
      {R"(("foo"; a=1;b=2);lvl=5, ("bar" "baz");lvl=1)", R"(("foo";a=1;b=2);lvl=5, ("bar" "baz");lvl=1)"},
      {R"(abc;a=1;b=2; cde_456, (ghi;jk=4 l);q="9";r=w)", R"(abc;a=1;b=2;cde_456, (ghi;jk=4 l);q="9";r=w)"},
      {"(1  2)", "(1 2)"},
      {"(  1 2   )", "(1 2)"},
      {"( )", "()"},
      {"();a", "();a"},
      {"(1;a 2;b);c", "(1;a 2;b);c"},
      {"text/html  ,  text/plain;  q=0.5;  charset=utf-8", "text/html, text/plain;q=0.5;charset=utf-8"},
      {"1,", refused},
      {"1, ", refused},
      {",1", refused},
      {",", refused},
      {"1,,2", refused},
      {"1 2", refused},
      {"1;a 2", refused},
      {"\t1", refused},
      {"(", refused},
      {"(1", refused},
      {"(1 2", refused},
      {"1)", refused},
      {"(1,2)", refused},
      {"(1\t2)", refused},
      {"(1(2))", refused},
      {"((1) 2)", refused},
      {"(\"a\"\"b\")", refused},
      {"(1 2)3", refused},
      {"(1 2) ;a", refused},
      {"(1 ;a)", refused},
      {"1, {", refused},
      {"a, b=1", refused},
  };
  expect(Type::list, rows);
}

TEST(StructuredDictionary, HasNamedMembersAndTheLastOfANameWins) {
  const Row rows[] = {
      {"", ""},
      {" ", ""},
      {R"(en="Applepie", da=:w4ZibGV0w6ZydGU=:)", R"(en="Applepie", da=:w4ZibGV0w6ZydGU=:)"},
      {"a=?0, b, c; foo=bar", "a=?0, b, c;foo=bar"},
      {"a=?1", "a"},
      {"a=?1;x=1", "a;x=1"},
      {"rating=1.5, feelings=(joy sadness)", "rating=1.5, feelings=(joy sadness)"},
      {"a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid", "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid"},
      {"a=1,b=2", "a=1, b=2"},
      {"a=1 ,  b=2", "a=1, b=2"},
      {"a=1\t,\tb=2", "a=1, b=2"},
      {"a=1,b=2,a=3", "a=3, b=2"},
      {"a=1,b,a;x", "a;x, b"},
      {"a=(1),a=2,a=(3)", "a=(3)"},
      {"a=()", "a=()"},
      {"*=1, *a.b-c_d9=2", "*=1, *a.b-c_d9=2"},
      {"a=1,", refused},
      {"a=1, ", refused},
      {"a=1,,b=2", refused},
      {",a=1", refused},
      {"a =1", refused},
      {"a= 1", refused},
      {"a=", refused},
      {"a=,b=2", refused},
      {"=1", refused},
      {"A=1", refused},
      {"a=1 b=2", refused},
      {"a b", refused},
      {"1=2", refused},
      {"_a=1", refused},
      {"\"a\"=1", refused},
      {"(a)=1", refused},
      {"a=1;", refused},
      {"a=(1", refused},
      {"a;b=", refused},
      {"\ta=1", refused},
  };
  expect(Type::dictionary, rows);
}

TEST(StructuredDictionary, KeepsRepeatedNamesApartHoweverMany) {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += (i == 0 ? "" : ",") + ("k" + std::to_string(i % 1000)) + "=" + std::to_string(i);
  const auto dictionary = parse_dictionary(text);
  ASSERT_TRUE(dictionary);
  ASSERT_EQ(dictionary->size(), 1000U);
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ((*dictionary)[i].first, "k" + std::to_string(i));
    EXPECT_EQ(std::get<Item>((*dictionary)[i].second).value, BareItem(static_cast<std::int64_t>(2000 + i)));
  }
}

// Section 3's minimums, which every recipient must be able to take.
TEST(StructuredField, TakesAtLeastWhatTheRfcDemands) {
  std::string list = "x";
  for (int i = 1; i < 1024; ++i) list += ", x";
  EXPECT_EQ(parse_list(list)->size(), 1024U);

  std::string inner = "(";
  for (int i = 0; i < 256; ++i) inner += "x ";
  EXPECT_EQ(std::get<InnerList>(parse_list(inner + ")")->front()).items.size(), 256U);

  std::string parameters = "x";
  for (int i = 0; i < 256; ++i) parameters += ";" + std::string(60, 'k') + std::to_string(1000 + i);
  EXPECT_EQ(parse_item(parameters)->parameters.size(), 256U);

  const std::string text(1024, 's');
  EXPECT_EQ(parse_item("\"" + text + "\"")->value, BareItem(text));
  EXPECT_EQ(parse_item(std::string(512, 't'))->value, BareItem(Token{std::string(512, 't')}));
  std::string bytes;
  for (int i = 0; i < 16384 / 3 + 1; ++i) bytes += "AAAA";
  EXPECT_GE(std::get<Bytes>(parse_item(":" + bytes + ":")->value).bytes.size(), 16384U);
}

}  // namespace
}  // namespace tenon::structured
