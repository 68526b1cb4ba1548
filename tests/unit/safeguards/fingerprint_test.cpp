#include <gtest/gtest.h>

#include <set>

#include "request_with.hpp"
#include "safeguards/idempotency/key.hpp"

namespace tenon::safeguards {
namespace {

Digest of_parts(http::Method method, std::string_view path, std::string_view query, const json::Value* body = nullptr) {
  RequestWith request;
  request->method = method;
  request->path = path;
  request->query = query;
  return fingerprint(*request, body);
}

Digest of_body(std::string_view text) {
  const auto body = json::parse(text);
  EXPECT_TRUE(body) << text;
  return of_parts(http::Method::post, "/api/orders", "", &*body);
}

TEST(AFingerprint, IsTheSameForEverySpellingOfABody) {
  const std::string_view spellings[][2] = {
      {R"({"a":1,"b":2})", R"({"b":2,"a":1})"},
      {R"({"a":1,"b":2})", " { \"a\" :\t1 ,\r\n \"b\" : 2 } "},
      {R"({"a":1})", R"({"a":1.0})"},
      {R"({"a":1})", R"({"a":1e0})"},
      {R"({"a":0})", R"({"a":-0.0})"},
      {R"({"a":100})", R"({"a":1E2})"},
      {R"({"a":129.5})", R"({"a":129.50})"},
      {R"({"a":"é/"})", R"({"\u0061":"\u00e9\/"})"},
      {R"({"a":{"x":1,"y":[1,{"p":1,"q":2}]}})", R"({"a":{"y":[1,{"q":2,"p":1}],"x":1}})"},
  };
  for (const auto& [one, other] : spellings) EXPECT_EQ(of_body(one), of_body(other)) << one << " and " << other;
}

TEST(AFingerprint, DiffersForDifferentBodies) {
  const std::string_view bodies[] = {"null",
                                     "true",
                                     "false",
                                     "0",
                                     "1",
                                     "\"1\"",
                                     "\"\"",
                                     "[]",
                                     "{}",
                                     "[[]]",
                                     "[1]",
                                     "[1,2]",
                                     "[2,1]",
                                     "[null]",
                                     R"({"a":1})",
                                     R"({"a":"1"})",
                                     R"({"a":2})",
                                     R"({"a":1.1})",
                                     R"({"a":-1})",
                                     R"({"A":1})",
                                     R"({"a":[1]})",
                                     R"({"a":null})",
                                     R"({"a":1,"b":1})",
                                     R"({"a":{"b":1}})",
                                     R"({"a":"b"})",
                                     R"({"a":"B"})",
                                     R"({"a":"b "})",
                                     R"({"a":"e\u0301"})",
                                     R"({"a":"\u00e9"})",
                                     R"({"a":9007199254740991})",
                                     R"({"a":9007199254740990})"};
  std::set<Digest> prints;
  for (const auto body : bodies) prints.insert(of_body(body));
  prints.insert(of_parts(http::Method::post, "/api/orders", ""));  // no body
  EXPECT_EQ(prints.size(), std::size(bodies) + 1);
}

TEST(AFingerprint, DiffersForMethodPathAndQuery) {
  std::set<Digest> prints;
  std::size_t requests = 0;
  for (const auto method : {http::Method::post, http::Method::put, http::Method::patch, http::Method::delete_}) {
    for (const auto path : {"/a", "/a/", "/A", "/b", "/a%2F", "/a?"}) {
      for (const auto query : {"", "x=1", "x=2", "X=1", "x=1&y=2", "y=2&x=1"}) {
        prints.insert(of_parts(method, path, query));
        ++requests;
      }
    }
  }
  EXPECT_EQ(prints.size(), requests);
}

// Bytes moved from one part into its neighbour make another request.
TEST(AFingerprint, KnowsWhereEachPartEnds) {
  const std::string line = "/a?b=c&d{\"e\":1}POST";
  std::set<Digest> prints;
  std::size_t requests = 0;
  for (std::size_t first = 0; first <= line.size(); ++first) {
    prints.insert(
        of_parts(http::Method::post, std::string_view(line).substr(0, first), std::string_view(line).substr(first)));
    ++requests;
  }
  const json::Value body{json::Value::Variant(std::string("x"))};
  prints.insert(of_parts(http::Method::post, "/a", "\"x\""));
  prints.insert(of_parts(http::Method::post, "/a", "", &body));
  prints.insert(of_parts(http::Method::post, "/a\"x\"", ""));
  EXPECT_EQ(prints.size(), requests + 3);
}

TEST(AFingerprint, IsOfNothingElse) {
  RequestWith plain(Lines{{"Idempotency-Key", "a"}});
  RequestWith other({{"Idempotency-Key", "b"}, {"User-Agent", "curl"}, {"Authorization", "Bearer x"}});
  other->request_id = "r";
  other->secure = true;
  EXPECT_EQ(fingerprint(*plain, nullptr), fingerprint(*other, nullptr));
}

// Nodes of two releases share one table: under one version the fingerprint of a request never changes.
TEST(AFingerprint, IsStoredAsItAlwaysWas) {
  const auto body = json::parse(R"({"quantity":2,"sku":"x"})");
  ASSERT_TRUE(body);
  EXPECT_EQ(fingerprint_version, 1);
  EXPECT_EQ(hex(of_parts(http::Method::post, "/api/orders", "dry=1", &*body)),
            "1d77f21d781f49c0153028481d9f53e927c4445def4d819fc087d1ffb9fe027a");
}

}  // namespace
}  // namespace tenon::safeguards
