// Bodies that break a rule: each refused with the name of the field or the place in the text, and nothing done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/bad_input.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

std::string long_text(std::size_t characters) { return std::string(characters, 'x'); }

struct BadBody {
  const char* what;
  std::string body;
  int status;
  const char* code;
  const char* path = "";
};

// What no route takes, whatever it is about.
std::vector<BadBody> bad_everywhere() {
  return {
      {"no body", "", 400, "malformed_json"},
      {"white space", "  ", 400, "malformed_json"},
      {"cut short", R"({"name":"Chair")", 400, "malformed_json"},
      {"a comma too many", R"({"name":"Chair",})", 400, "malformed_json"},
      {"single quotes", "{'name':'Chair'}", 400, "malformed_json"},
      {"a comment", R"({"name":"Chair"/* */})", 400, "malformed_json"},
      {"two documents", "{} {}", 400, "malformed_json"},
      {"a byte order mark", "\xef\xbb\xbf{}", 400, "malformed_json"},
      {"a raw NUL", std::string("{\"name\":\"a\0b\"}", 14), 400, "malformed_json"},
      {"a raw line end in a string", "{\"name\":\"a\nb\"}", 400, "malformed_json"},
      {"not UTF-8", "{\"name\":\"\xff\"}", 400, "malformed_json"},
      {"half of a surrogate pair", R"({"name":"\ud800"})", 400, "malformed_json"},
      {"NaN", R"({"price":NaN})", 400, "malformed_json"},
      {"Infinity", R"({"price":Infinity})", 400, "malformed_json"},
      {"1e400", R"({"price":1e400})", 400, "malformed_json"},
      {"an integer beyond 2^53", R"({"price":9007199254740993})", 400, "malformed_json"},
      {"a number with a leading zero", R"({"price":01})", 400, "malformed_json"},
      {"nested too deeply", std::string(100, '[') + std::string(100, ']'), 400, "malformed_json"},
      {"a member twice", R"({"name":"a","name":"b"})", 400, "duplicate_member"},
      {"a member twice, once escaped", R"({"name":"a","\u006eame":"b"})", 400, "duplicate_member"},
      {"a member twice deep inside", R"({"x":[{"a":1,"a":1}]})", 400, "duplicate_member"},
      {"null", "null", 422, "validation_failed", ""},
      {"a string", "\"chair\"", 422, "validation_failed", ""},
      {"an array", "[]", 422, "validation_failed", ""},
      {"a number", "7", 422, "validation_failed", ""},
  };
}

std::vector<BadInput> at_route(const ApiCall& route, const std::vector<BadBody>& bodies) {
  std::vector<BadInput> rows;
  for (const BadBody& bad : bodies) {
    ApiCall call = route;
    call.body = bad.body;
    call.key = fresh_key();
    if (bad.body.empty()) call.headers = {{"Content-Type", "application/json"}};
    rows.push_back({bad.what, call, bad.status, bad.code, bad.path});
  }
  return rows;
}

TEST(BadBody, IsRefusedByEveryRouteThatTakesOne) {
  const Node& node = shared_node();
  const ApiCall routes[] = {
      {.method = "POST", .path = "/api/inventory", .token = node.token("clerk", "admin")},
      {.method = "POST", .path = "/api/orders", .token = node.token("clerk", "admin")},
      {.method = "PATCH", .path = "/api/inventory/" + make_item(node, 5), .token = node.token("clerk", "admin")}};
  for (const ApiCall& route : routes) {
    SCOPED_TRACE(route.method + " " + route.path);
    expect_refusals(node, at_route(route, bad_everywhere()));
  }
}

// {"name":"Chair","price":5} with one member replaced, left out (no value) or added.
std::string item_with(const std::string& member, const std::string& value) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& json) {
    text += (text.empty() ? "{\"" : ",\"") + name + "\":" + json;
  };
  if (member != "name") add("name", "\"Chair\"");
  if (member != "price") add("price", "5");
  if (!value.empty()) add(member, value);
  return text + "}";
}

TEST(BadBody, OfACreationNamesTheFieldAndTheRule) {
  const Node& node = shared_node();
  const char* code = "validation_failed";
  const auto row = [&](const char* what, const std::string& member, const std::string& value) {
    return BadBody{what, item_with(member, value), 422, code, nullptr};
  };
  struct {
    const char* member;
    std::vector<std::pair<const char*, std::string>> values;
  } const fields[] = {
      {"name",
       {{"missing", ""},
        {"null", "null"},
        {"a number", "7"},
        {"an object", "{}"},
        {"empty", "\"\""},
        {"white space only", "\" \\t \""},
        {"201 characters", "\"" + long_text(201) + "\""},
        {"10,000 characters", "\"" + long_text(10'000) + "\""},
        {"an escaped NUL", R"("Cha\u0000ir")"}}},
      {"price",
       {{"missing", ""},
        {"null", "null"},
        {"a string", "\"5\""},
        {"zero", "0"},
        {"negative", "-1"},
        {"minus zero", "-0"},
        {"three decimals", "5.001"},
        {"three decimals that are zero", "5.000"},
        {"less than a cent", "0.001"},
        {"an exponent", "1e2"},
        {"a cent too much", "10000000000.00"},
        {"the largest integer", "9007199254740991"},
        {"the largest double", "1.7976931348623157e308"}}},
      {"quantity_available",
       {{"null", "null"},
        {"a string", "\"5\""},
        {"negative", "-1"},
        {"a fraction", "1.5"},
        {"a whole number with a fraction", "1.0"},
        {"an exponent", "1e2"},
        {"beyond the bound", "1000000001"},
        {"true", "true"}}},
      {"origin",
       {{"a number", "7"},
        {"empty", "\"\""},
        {"101 characters", "\"" + long_text(101) + "\""},
        {"NUL", R"("\u0000")"}}},
      {"image_url",
       {{"a number", "7"},
        {"empty", "\"\""},
        {"a script", "\"javascript:alert(1)\""},
        {"a relative path", "\"chair.jpg\""},
        {"too long", "\"/" + long_text(2000) + "\""},
        {"NUL", R"("/\u0000")"}}},
      {"quantity_sold", {{"not for the client to say", "5"}}},
      {"id", {{"not for the client to say", "\"01890000-0000-7000-8000-000000000000\""}}},
      {"version", {{"nothing to be compared with", "1"}}},
      {"Name", {{"case matters", "\"Chair\""}}},
      {"__proto__", {{"unknown", "{}"}}},
  };
  const ApiCall route{.method = "POST", .path = "/api/inventory", .token = node.token("clerk", "admin")};
  for (const auto& field : fields) {
    SCOPED_TRACE(field.member);
    std::vector<BadBody> bodies;
    for (const auto& [what, value] : field.values) {
      bodies.push_back(row(what, field.member, value));
      bodies.back().path = field.member;
    }
    expect_refusals(node, at_route(route, bodies));
  }
}

TEST(BadBody, OfAChangeNamesTheFieldAndTheRule) {
  const Node& node = shared_node();
  const char* code = "validation_failed";
  const ApiCall route{
      .method = "PATCH", .path = "/api/inventory/" + make_item(node, 5), .token = node.token("clerk", "admin")};
  expect_refusals(
      node, at_route(route, {{"nothing to change", "{}", 422, code, ""},
                             {"a token and nothing to change", R"({"version":1})", 422, code, ""},
                             {"a sale of none", R"({"decrement":0})", 422, code, "decrement"},
                             {"a sale of less than none", R"({"decrement":-1})", 422, code, "decrement"},
                             {"a sale of half", R"({"decrement":0.5})", 422, code, "decrement"},
                             {"a sale of text", R"({"decrement":"1"})", 422, code, "decrement"},
                             {"a sale of null", R"({"decrement":null})", 422, code, "decrement"},
                             {"a sale beyond the bound", R"({"decrement":1000000001})", 422, code, "decrement"},
                             {"a sale beyond 64 bits", R"({"decrement":1e19})", 422, code, "decrement"},
                             {"a restock of none", R"({"increment":0})", 422, code, "increment"},
                             {"a restock beyond the bound", R"({"increment":1000000001})", 422, code, "increment"},
                             {"a sale and an edit", R"({"decrement":1,"name":"Chair"})", 422, code, "name"},
                             {"a restock and an edit", R"({"increment":1,"name":"Chair"})", 422, code, "name"},
                             {"a sale and a restock", R"({"decrement":1,"increment":1})", 422, code, ""},
                             {"a name of null", R"({"name":null})", 422, code, "name"},
                             {"a price of null", R"({"price":null})", 422, code, "price"},
                             {"a price with three decimals", R"({"price":1.005})", 422, code, "price"},
                             {"the stock itself", R"({"quantity_available":5})", 422, code, "quantity_available"},
                             {"an unknown member", R"({"name":"Chair","colour":"red"})", 422, code, "colour"}}));
}

TEST(BadBody, OfAnOrderNamesTheLine) {
  const Node& node = shared_node();
  const char* code = "validation_failed";
  const std::string item = make_item(node, 5);
  const std::string good = R"({"item_id":")" + item + R"(","quantity":1})";
  const std::string start = R"({"lines":[)" + good + ",";
  const ApiCall route{.method = "POST", .path = "/api/orders", .token = node.token("clerk", "admin")};
  expect_refusals(
      node,
      at_route(
          route,
          {{"no lines", "{}", 422, code, "lines"},
           {"lines of null", R"({"lines":null})", 422, code, "lines"},
           {"lines that are no array", R"({"lines":{}})", 422, code, "lines"},
           {"not one line", R"({"lines":[]})", 422, code, "lines"},
           {"a member beside the lines", R"({"lines":[)" + good + R"(],"total":1})", 422, code, "total"},
           {"a concurrency token", R"({"lines":[)" + good + R"(],"version":1})", 422, code, "version"},
           {"a line of text", start + "\"chair\"]}", 422, code, "lines[1]"},
           {"a line of null", start + "null]}", 422, code, "lines[1]"},
           {"a line without item", start + R"({"quantity":1}]})", 422, code, "lines[1].item_id"},
           {"an item that is no UUID", start + R"({"item_id":"7","quantity":1}]})", 422, code, "lines[1].item_id"},
           {"an item of a number", start + R"({"item_id":7,"quantity":1}]})", 422, code, "lines[1].item_id"},
           {"a line without quantity", start + R"({"item_id":")" + item + R"("}]})", 422, code, "lines[1].quantity"},
           {"a quantity of none", start + R"({"item_id":")" + item + R"(","quantity":0}]})", 422, code,
            "lines[1].quantity"},
           {"a quantity beyond the bound", start + R"({"item_id":")" + item + R"(","quantity":1000000001}]})", 422,
            code, "lines[1].quantity"},
           {"an unknown member of a line", start + R"({"item_id":")" + item + R"(","quantity":1,"price":1}]})", 422,
            code, "lines[1].price"}}));
}

TEST(BadBody, WithSeveralFaultsIsToldAllOfThem) {
  const Node& node = shared_node();
  const RawResponse refused = node.call({.method = "POST",
                                         .path = "/api/inventory",
                                         .token = node.token("clerk", "admin"),
                                         .key = fresh_key(),
                                         .body = R"({"name":"","price":1.234,"quantity_available":-1,"colour":1})"});
  expect_problem(refused, 422, "validation_failed");
  EXPECT_EQ(at(refused.body, "violations"), "[4]");
  EXPECT_EQ(at(refused.body, "violations.0.path"), "name");
  EXPECT_EQ(at(refused.body, "violations.1.rule"), "must be a decimal with at most two places");
  EXPECT_EQ(at(refused.body, "violations.2.path"), "quantity_available");
  EXPECT_EQ(at(refused.body, "violations.3.rule"), "is not a member of this resource");
}

TEST(BadBody, ThatIsNotJsonIsToldTheOffset) {
  const Node& node = shared_node();
  ApiCall call{.method = "POST", .path = "/api/orders", .token = node.token("clerk", "admin"), .key = fresh_key()};
  struct {
    const char* body;
    const char* place;
  } const rows[] = {
      {R"({"lines":[}])", "at byte 10"}, {R"({"lines" 1})", "at byte 9"}, {"{", "at byte 1"}, {"x", "at byte 0"}};
  for (const auto& row : rows) {
    call.body = row.body;
    EXPECT_THAT(at(node.call(call).body, "detail"), HasSubstr(row.place)) << row.body;
  }
}

TEST(Body, OnTheEdgeOfEachRuleIsTaken) {
  const Node& node = shared_node();
  const std::string two_bytes_each = [] {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "ä";
    return text;
  }();
  const std::string bodies[] = {
      item_with("name", "\"" + long_text(200) + "\""),
      item_with("name", "\"" + two_bytes_each + "\""),
      item_with("name", R"("\u0001 \"quoted\" \\ 🪑 '; DROP TABLE inventory; --")"),
      item_with("price", "0.01"),
      item_with("price", "9999999999.99"),
      item_with("quantity_available", "0"),
      item_with("quantity_available", "1000000000"),
      item_with("origin", "null"),
      item_with("origin", "\"" + long_text(100) + "\""),
      item_with("image_url", "\"https://example.com/a.jpg\""),
      item_with("image_url", "\"/" + long_text(1999) + "\""),
  };
  for (const std::string& body : bodies) {
    const RawResponse made = node.call({.method = "POST",
                                        .path = "/api/inventory",
                                        .token = node.token("clerk", "admin"),
                                        .key = fresh_key(),
                                        .body = body});
    ASSERT_EQ(made.status, 201) << body << made.body;
    const std::string sent_name = at(body, "name");
    EXPECT_EQ(at(node.call(get(node, "/api/inventory/" + at(made.body, "id"))).body, "name"), sent_name);
  }
}

TEST(Body, MayHaveTheLimitsSizeAndNotAByteMore) {
  const Node& node = shared_node();
  const std::size_t limit = 256 * 1024;
  const std::string before = traces(node.superuser());
  ApiCall call{.method = "POST", .path = "/api/orders", .token = node.token("clerk", "admin"), .key = fresh_key()};
  call.body = R"({"lines":[]})" + std::string(limit - 12, ' ');
  expect_problem(node.call(call), 422, "validation_failed");
  call.body += " ";
  expect_problem(node.call(call), 413, "body_too_large");
  call.body = std::string(2 * 1024 * 1024, '[');
  expect_problem(node.call(call), 413, "body_too_large");
  EXPECT_EQ(traces(node.superuser()), before);
}

}  // namespace
}  // namespace tenon::test
