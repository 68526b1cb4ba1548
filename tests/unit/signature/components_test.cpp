// The components of RFC 9421 section 2, with the examples of its text.
#include <gtest/gtest.h>

#include "safeguards/signature/message.hpp"
#include "unit/signature/request.hpp"

namespace tenon::signature {
namespace {

Component parsed(const std::string& identifier) { return *structured::parse_item(identifier); }

std::string value_of(TestRequest request, const std::string& identifier) {
  const http::Request view = request.view();
  return component_value(message_of(view), parsed(identifier)).value_or("(none)");
}

TestRequest with_target(const std::string& target, http::Method method = http::Method::post) {
  return {.method = method, .target = target, .lines = {{"Host", "www.example.com"}}};
}

TEST(DerivedComponent, HasTheValueOfTheTextsExamples) {
  const struct {
    const char* target;
    const char* component;
    const char* value;
  } rows[] = {
      {"/path?param=value", R"("@method")", "POST"},
      {"/path?param=value", R"("@target-uri")", "https://www.example.com/path?param=value"},
      {"/path?param=value", R"("@authority")", "www.example.com"},
      {"/path?param=value", R"("@scheme")", "https"},
      {"/path?param=value", R"("@request-target")", "/path?param=value"},
      {"/path?param=value", R"("@path")", "/path"},
      {"/path?param=value&foo=bar&baz=bat%2Dman", R"("@query")", "?param=value&foo=bar&baz=bat%2Dman"},
      {"/path?queryString", R"("@query")", "?queryString"},
      {"/path", R"("@query")", "?"},
      {"/path?param=value&foo=bar&baz=batman&qux=", R"("@query-param";name="baz")", "batman"},
      {"/path?param=value&foo=bar&baz=batman&qux=", R"("@query-param";name="qux")", ""},
      {"/path?param=value&foo=bar&baz=batman&qux=", R"("@query-param";name="param")", "value"},
      {"/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20="
       "something",
       R"("@query-param";name="var")", "this%20is%20a%20big%0Amultiline%20value"},
      {"/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20="
       "something",
       R"("@query-param";name="bar")", "with%20plus%20whitespace"},
      {"/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20="
       "something",
       R"("@query-param";name="fa%C3%A7ade%22%3A%20")", "something"},
  };
  for (const auto& row : rows) EXPECT_EQ(value_of(with_target(row.target), row.component), row.value) << row.component;
}

TEST(DerivedComponent, ThatIsAmbiguousUnknownOrOfAResponseHasNone) {
  for (const char* component :
       {R"("@query-param";name="a")", R"("@query-param";name="c")", R"("@query-param")", R"("@status")", R"("@other")",
        R"("@method";req)", R"("@path";sf)", R"("@signature-params")"}) {
    EXPECT_EQ(value_of(with_target("/path?a=1&b=2&a=3"), component), "(none)") << component;
  }
}

TEST(Authority, IsLowerCaseWithoutTheDefaultPort) {
  EXPECT_EQ(normalized_authority("https", "Shop.Example:443"), "shop.example");
  EXPECT_EQ(normalized_authority("http", "Shop.Example:80"), "shop.example");
  EXPECT_EQ(normalized_authority("http", "shop.example:443"), "shop.example:443");
  EXPECT_EQ(normalized_authority("https", "[2001:DB8::1]:8443"), "[2001:db8::1]:8443");
}

TestRequest with_fields() {
  return {.lines = {{"Host", "www.example.com"},
                    {"Date", "Tue, 20 Apr 2021 02:07:56 GMT"},
                    {"X-OWS-Header", "Leading and trailing whitespace."},
                    {"Cache-Control", "max-age=60"},
                    {"Cache-Control", "   must-revalidate"},
                    {"Example-Dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c), d"},
                    {"X-Empty-Header", ""},
                    {"Example-Header", "value, with, lots"},
                    {"Example-Header", "of, commas"},
                    {"Two", "a"}}};
}

TEST(Field, HasTheValueOfTheTextsExamples) {
  const struct {
    const char* component;
    const char* value;
  } rows[] = {
      {R"("host")", "www.example.com"},
      {R"("date")", "Tue, 20 Apr 2021 02:07:56 GMT"},
      {R"("x-ows-header")", "Leading and trailing whitespace."},
      {R"("cache-control")", "max-age=60, must-revalidate"},
      {R"("example-dict")", "a=1,    b=2;x=1;y=2,   c=(a   b   c), d"},
      {R"("example-dict";sf)", "a=1, b=2;x=1;y=2, c=(a b c), d"},
      {R"("example-dict";key="a")", "1"},
      {R"("example-dict";key="b")", "2;x=1;y=2"},
      {R"("example-dict";key="c")", "(a b c)"},
      {R"("example-dict";key="d")", "?1"},
      {R"("x-empty-header")", ""},
      {R"("example-header")", "value, with, lots, of, commas"},
      {R"("example-header";bs)", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"},
  };
  for (const auto& row : rows) EXPECT_EQ(value_of(with_fields(), row.component), row.value) << row.component;
}

TEST(Field, ThatIsMissingOrAskedForInAnUnknownWayHasNone) {
  for (const char* component : {R"("absent")", R"("absent";bs)", R"("absent";sf)", R"("example-dict";key="z")",
                                R"("example-dict";key=1)", R"("date";tr)", R"("date";req)", R"("example-dict";bs;sf)",
                                R"("date";other)", R"("Date")", R"("da te")", R"("")", R"("x-ows-header";sf)"}) {
    EXPECT_EQ(value_of(with_fields(), component), "(none)") << component;
  }
}

std::optional<std::string> base_over(TestRequest request, const std::string& list) {
  const http::Request view = request.view();
  return signature_base(message_of(view), std::get<structured::InnerList>(structured::parse_list(list)->front()));
}

TEST(SignatureBase, EndsWithTheParametersAsTheyAreSerializedStrictly) {
  EXPECT_EQ(base_over(with_target("/a"), R"(("@method"    "@path" );keyid="k";created=5)"),
            "\"@method\": POST\n\"@path\": /a\n\"@signature-params\": (\"@method\" \"@path\");keyid=\"k\";created=5");
  EXPECT_EQ(base_over(with_target("/a"), "();created=5"), "\"@signature-params\": ();created=5");
}

TEST(SignatureBase, IsNoneWhenAComponentIsTwiceThereMissingOrWouldBreakALine) {
  EXPECT_FALSE(base_over(with_target("/a"), R"(("@method" "@method"))"));
  EXPECT_FALSE(base_over(with_target("/a"), R"(("date"))"));
  EXPECT_FALSE(base_over(with_target("/a"), R"(("@method" 5))"));
  TestRequest broken = with_target("/a");
  broken.set("Date", "x\n\"@method\": GET");
  EXPECT_FALSE(base_over(broken, R"(("date"))"));
  broken.set("Date", "M\xc3\xbcnchen");
  EXPECT_FALSE(base_over(broken, R"(("date"))"));
}

// RFC 9421 section 7.5.1: a field whose name looks like a derived component's is not taken for it.
TEST(SignatureBase, NeverTakesAFieldForADerivedComponent) {
  TestRequest request = with_target("/a", http::Method::get);
  request.set("@method", "POST").set("@status", "200");
  EXPECT_EQ(value_of(request, R"("@method")"), "GET");
  EXPECT_EQ(value_of(request, R"("@status")"), "(none)");
}

}  // namespace
}  // namespace tenon::signature
