// Requests that are wrong before their body is: path, method, query, headers, keys, tokens, roles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "safeguards/caller.hpp"
#include "service/bad_input.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* nobody = "01890000-0000-7000-8000-000000000000";  // a UUID of no item

std::string admin(const Node& node) { return node.token("clerk", "admin"); }

TEST(BadPath, IsUnknownOrNamesWhatItShouldBe) {
  const Node& node = shared_node();
  const auto to = [&](const char* method, const std::string& path) {
    const bool has_body = std::string(method) == "PATCH";
    return ApiCall{.method = method,
                   .path = path,
                   .token = admin(node),
                   .key = has_body ? fresh_key() : "",
                   .body = has_body ? R"({"decrement":1})" : ""};
  };
  std::vector<BadInput> rows{
      {"the root", to("GET", "/"), 404, "unknown_path"},
      {"an unknown path", to("GET", "/api/nothing"), 404, "unknown_path"},
      {"a slash at the end", to("GET", "/api/inventory/"), 404, "unknown_path"},
      {"two slashes", to("GET", "/api//inventory"), 404, "unknown_path"},
      {"another case", to("GET", "/API/inventory"), 404, "unknown_path"},
      {"dots", to("GET", "/api/../api/inventory"), 404, "unknown_path"},
      {"an escaped slash", to("GET", "/api%2Finventory"), 404, "unknown_path"},
      {"a NUL", to("GET", "/api/inventory%00"), 404, "unknown_path"},
      {"a broken escape", to("GET", "/api/inventory/%zz"), 404, "unknown_path"},
      {"a problem that is none", to("GET", "/problems/no-such-problem"), 404, "not_found"},
      {"a problem with a NUL", to("GET", "/problems/%00"), 404, "not_found"},
      {"a key with a NUL", to("GET", "/api/idempotency/inventory:update/%00"), 404, "not_found"},
      {"a key that is not UTF-8", to("GET", "/api/idempotency/inventory:update/%ff"), 404, "not_found"},
  };
  const std::string ids[] = {"7",
                             "chair",
                             "%00",
                             "a%00b",
                             "%ff",
                             std::string(nobody) + "0",
                             std::string(nobody).substr(1),
                             "01890000-0000-7000-8000-00000000000g",
                             "{01890000-0000-7000-8000-000000000000}",
                             "01890000%20-0000-7000-8000-000000000000",
                             std::string(4000, 'a'),
                             "';DROP%20TABLE%20inventory"};
  for (const std::string& id : ids) {
    for (const char* method : {"GET", "PATCH", "DELETE"}) {
      rows.push_back({method, to(method, "/api/inventory/" + id), 400, "malformed_parameter"});
    }
  }
  rows.push_back({"a UUID of no item", to("GET", std::string("/api/inventory/") + nobody), 404, "not_found"});
  expect_refusals(node, rows);
}

TEST(BadMethod, IsRefusedWithThoseThatThePathTakes) {
  const Node& node = shared_node();
  struct {
    const char* method;
    std::string path;
    const char* allow;
  } const rows[] = {{"PUT", "/api/inventory", "GET, HEAD, POST"},
                    {"DELETE", "/api/inventory", "GET, HEAD, POST"},
                    {"PATCH", "/api/inventory", "GET, HEAD, POST"},
                    {"OPTIONS", "/api/inventory", "GET, HEAD, POST"},
                    {"POST", std::string("/api/inventory/") + nobody, "GET, HEAD, PATCH, DELETE"},
                    {"GET", "/api/orders", "POST"},
                    {"HEAD", "/api/orders", "POST"},
                    {"POST", "/api/audit-logs", "GET, HEAD"},
                    {"DELETE", "/api/audit-logs", "GET, HEAD"},
                    {"POST", "/healthz", "GET, HEAD"},
                    {"DELETE", "/metrics", "GET, HEAD"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.method) + " " + row.path);
    const RawResponse answer = node.call({.method = row.method, .path = row.path, .token = admin(node)});
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.header("Allow"), row.allow);
    if (std::string(row.method) != "HEAD") expect_problem(answer, 405, "method_not_allowed");
  }
}

TEST(BadQuery, NamesTheParameter) {
  const Node& node = shared_node();
  struct {
    const char* query;
    const char* named;
  } const everywhere[] = {
      {"limit=0", "limit"},         {"limit=-1", "limit"},    {"limit=201", "limit"},
      {"limit=", "limit"},          {"limit=ten", "limit"},   {"limit=5x", "limit"},
      {"limit=+5", "limit"},        {"limit=1e1", "limit"},   {"limit=99999999999999999999", "limit"},
      {"limit=5&limit=5", "limit"}, {"cursor=", "cursor"},    {"cursor=here", "cursor"},
      {"cursor=-1", "cursor"},      {"cursor=1.5", "cursor"}, {"cursor=99999999999999999999", "cursor"},
      {"colour=red", "colour"},     {"Limit=5", "Limit"},     {"limit=%00", "query"},
      {"%00=5", "query"},           {"limit=%zz", "query"},   {"limit=%ff", "query"}};
  struct {
    const char* path;
    const char* query;
    const char* named;
  } const own[] = {{"/api/inventory", "search=", "search"},
                   {"/api/inventory", "search=a%00b", "query"},
                   {"/api/inventory", "search=%ff", "query"},
                   {"/api/inventory", "origin=", "origin"},
                   {"/api/inventory", "actor=clerk", "actor"},
                   {"/api/audit-logs", "search=chair", "search"},
                   {"/api/audit-logs", "entity=chair", "entity"},
                   {"/api/audit-logs", "entity=", "entity"},
                   {"/api/audit-logs", "actor=", "actor"},
                   {"/api/audit-logs", "from=yesterday", "from"},
                   {"/api/audit-logs", "from=2025-13-01T00:00:00Z", "from"},
                   {"/api/audit-logs", "to=2025-02-30T00:00:00Z", "to"},
                   {"/api/audit-logs", "to=2025-12-01", "to"}};
  const auto expect_named = [&](const std::string& target, const std::string& named) {
    SCOPED_TRACE(target);
    const RawResponse answer = node.call(get(node, target));
    expect_problem(answer, 400, "malformed_parameter");
    EXPECT_THAT(at(answer.body, "detail"), HasSubstr(named));
  };
  for (const auto& row : everywhere) {
    expect_named(std::string("/api/inventory?") + row.query, row.named);
    expect_named(std::string("/api/audit-logs?") + row.query, row.named);
  }
  for (const auto& row : own) expect_named(std::string(row.path) + "?" + row.query, row.named);
  const std::string long_search(801, 'x');
  expect_named("/api/inventory?search=" + long_search, "search");
  std::string many = "/api/inventory?";
  for (int i = 0; i < 60; ++i) many += "limit=5&";
  expect_named(many, "query");
}

TEST(BadQuery, IsRefusedWhereverThePathTakesNone) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 5);
  struct {
    const char* method;
    std::string path;
    std::string body = "{}";
  } const routes[] = {
      {"GET", "/api/inventory/" + item},
      {"PATCH", "/api/inventory/" + item, R"({"decrement":1})"},
      {"DELETE", "/api/inventory/" + item},
      {"POST", "/api/inventory", R"({"name":"Chair","price":1})"},
      {"POST", "/api/orders", R"({"lines":[{"item_id":")" + item + R"(","quantity":1}]})"},
      {"GET", "/api/audit-logs/1"},
      {"GET", "/api/audit-logs/1/proof"},
      {"GET", "/api/audit-logs/checkpoint"},
      {"GET", "/api/audit-logs/key"},
      {"GET", "/api/idempotency/inventory:update/k"},
      {"POST", "/api/token-revocations", R"({"user":"nobody"})"},
      {"DELETE", std::string("/api/token-revocations/") + nobody},
      {"POST", "/api/signing-keys"},
      {"DELETE", std::string("/api/signing-keys/") + nobody},
      {"POST", "/api/business"},
      {"GET", std::string("/api/business/") + nobody},
      {"PATCH", std::string("/api/business/") + nobody},
      {"DELETE", std::string("/api/business/") + nobody},
      {"POST", "/api/crime/conversion/convert"},
      {"POST", "/api/crime/facilities"},
      {"POST", "/api/crime/black-market"},
      {"GET", std::string("/api/crime/black-market/") + nobody},
      {"POST", std::string("/api/crime/black-market/") + nobody + "/purchase"},
      {"POST", "/api/crime/laundering"},
      {"PUT", "/api/crime/legislation"},
  };
  std::vector<BadInput> rows;
  for (const auto& route : routes) {
    const std::string method = route.method;
    const bool writes = method != "GET";
    for (const char* query : {"?colour=red", "?version=1", "?version=1&version=1"}) {
      rows.push_back({route.method,
                      {.method = method,
                       .path = route.path + query,
                       .token = admin(node),
                       .key = writes ? fresh_key() : "",
                       .body = writes && method != "DELETE" ? route.body : ""},
                      400,
                      "malformed_parameter"});
    }
  }
  expect_refusals(node, rows);
  for (const char* path : {"/healthz?colour=red", "/readyz?colour=red", "/metrics?colour=red"}) {
    EXPECT_EQ(node.call({.path = path}).status, 200) << "whatever a prober adds";
  }
}

TEST(BadKey, IsRefusedOnEveryWrite) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const ApiCall writes[] = {
      {.method = "POST", .path = "/api/inventory", .token = admin(node), .body = R"({"name":"Keyed","price":1})"},
      {.method = "POST",
       .path = "/api/orders",
       .token = admin(node),
       .body = R"({"lines":[{"item_id":")" + item + R"(","quantity":1}]})"},
      {.method = "PATCH", .path = "/api/inventory/" + item, .token = admin(node), .body = R"({"decrement":1})"},
      {.method = "DELETE", .path = "/api/inventory/" + item, .token = admin(node)}};
  struct {
    const char* what;
    std::vector<std::string> keys;  // a header line each
  } const keys[] = {{"empty", {""}},
                    {"an empty string", {"\"\""}},
                    {"256 long", {std::string(256, 'k')}},
                    {"256 long in quotes", {"\"" + std::string(256, 'k') + "\""}},
                    {"8,000 long", {std::string(8'000, 'k')}},
                    {"twice", {"a", "a"}},
                    {"twice, differently", {"a", "\"b\""}},
                    {"a list", {"a, b"}},
                    {"a list of strings", {"\"a\", \"b\""}},
                    {"with parameters", {"\"a\";q=1"}},
                    {"bare with a semicolon", {"a;b"}},
                    {"with a space", {"a b"}},
                    {"with a backslash", {"a\\b"}},
                    {"a quote that never ends", {"\"a"}},
                    {"an unknown escape", {R"("a\n")"}},
                    {"bytes after the string", {"\"a\"b"}},
                    {"not ASCII", {"clé"}},
                    {"not ASCII in quotes", {"\"clé\""}}};
  std::vector<BadInput> rows;
  for (const ApiCall& write : writes) {
    for (const auto& bad : keys) {
      ApiCall call = write;
      for (const std::string& key : bad.keys) call.headers.emplace_back("Idempotency-Key", key);
      rows.push_back({bad.what, call, 400, "idempotency_key_malformed"});
    }
    if (write.method != "DELETE") rows.push_back({"missing", write, 400, "idempotency_key_missing"});
  }
  expect_refusals(node, rows);
}

TEST(BadContentType, IsRefused) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  std::vector<BadInput> rows;
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json5", "json",
        "application/json; charset=latin1", "application/json; boundary=x", "application/merge-patch+json", ""}) {
    ApiCall call = sell(node, item, 1);
    call.headers = {{"Content-Type", type}};
    rows.push_back({type, call, 415, "unsupported_media_type"});
  }
  ApiCall twice = sell(node, item, 1);
  twice.headers = {{"Content-Type", "application/json"}, {"Content-Type", "application/json"}};
  rows.push_back({"twice", twice, 415, "unsupported_media_type"});
  expect_refusals(node, rows);
  int sold = 0;
  for (const char* type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"}) {
    ApiCall call = sell(node, item, 1);
    call.headers = {{"Content-Type", type}};
    EXPECT_EQ(node.call(call).status, 200) << type;
    EXPECT_EQ(stock_of(node, item).sold, ++sold);
  }
}

TEST(BadBodyLength, WhereThereShouldBeNoBody) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  expect_refusals(
      node,
      {{"a GET with one", {.path = "/api/inventory", .token = admin(node), .body = "{}"}, 400, "malformed_request"},
       {"a DELETE with one",
        {.method = "DELETE", .path = "/api/inventory/" + item, .token = admin(node), .body = "{}"},
        400,
        "malformed_request"}});
}

// Every route that wants to know who is calling.
std::vector<ApiCall> guarded_routes(const Node& node) {
  const std::string item = make_item(node, 10);
  return {{.path = "/api/inventory"},
          {.method = "POST", .path = "/api/inventory", .key = "guarded", .body = R"({"name":"Guarded","price":1})"},
          {.path = "/api/inventory/" + item},
          {.method = "PATCH", .path = "/api/inventory/" + item, .key = "guarded", .body = R"({"decrement":1})"},
          {.method = "DELETE", .path = "/api/inventory/" + item, .key = "guarded"},
          {.method = "POST",
           .path = "/api/orders",
           .key = "guarded",
           .body = R"({"lines":[{"item_id":")" + item + R"(","quantity":1}]})"},
          {.path = "/api/audit-logs"},
          {.path = "/api/idempotency/inventory:update/guarded"}};
}

TEST(BadCredentials, AreRefusedByEveryRouteWithAChallenge) {
  const Node& node = shared_node();
  const std::string good = admin(node);
  const std::string expired = node.token("clerk", "admin", std::chrono::seconds(-1));
  const std::string signature = good.substr(good.rfind('.') + 1);
  const std::string of_another_secret =
      safeguards::issue_token(std::string(64, 'x'), "clerk", safeguards::Role::admin, wall_now(), 3600);
  struct {
    const char* what;
    std::vector<std::string> authorization;  // a header line each
    const char* code;
    const char* challenge;
  } const credentials[] = {
      {"none", {}, "unauthenticated", R"(Bearer realm="tenon")"},
      {"empty", {""}, "token_invalid", "Bearer"},
      {"another scheme", {"Basic Y2xlcms6Y2xlcms="}, "token_invalid", "Bearer"},
      {"no token", {"Bearer"}, "token_invalid", "Bearer"},
      {"no JWT", {"Bearer chair"}, "token_invalid", "Bearer"},
      {"twice", {"Bearer " + good, "Bearer " + good}, "token_invalid", "Bearer"},
      {"another secret's", {"Bearer " + of_another_secret}, "token_invalid", "Bearer"},
      {"no signature", {"Bearer " + good.substr(0, good.rfind('.') + 1)}, "token_invalid", "Bearer"},
      {"a byte less", {"Bearer " + good.substr(0, good.size() - 1)}, "token_invalid", "Bearer"},
      {"alg none",
       {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjbGVyayIsImV4cCI6NDEwMjQ0NDgwMCwicm9sZSI6ImFkbWluIn0."},
       "token_invalid",
       "Bearer"},
      {"alg none with a signature",
       {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjbGVyayIsImV4cCI6NDEwMjQ0NDgwMCwicm9sZSI6ImFkbWluIn0." + signature},
       "token_invalid",
       "Bearer"},
      {"8,000 bytes", {"Bearer " + std::string(8'000, 'a')}, "token_invalid", "Bearer"},
      {"expired", {"Bearer " + expired}, "token_expired", R"(error="invalid_token")"}};
  for (const ApiCall& route : guarded_routes(node)) {
    SCOPED_TRACE(route.method + " " + route.path);
    std::vector<BadInput> rows;
    for (const auto& bad : credentials) {
      ApiCall call = route;
      for (const std::string& line : bad.authorization) call.headers.emplace_back("Authorization", line);
      rows.push_back({bad.what, call, 401, bad.code});
      EXPECT_THAT(node.call(call).header("WWW-Authenticate").value_or("(none)"), HasSubstr(bad.challenge)) << bad.what;
    }
    expect_refusals(node, rows);
  }
}

TEST(Role, IsAskedForByEveryRoute) {
  const Node& node = shared_node();
  struct {
    const char* roles;
    std::vector<int> statuses;  // in the order of guarded_routes
  } const rows[] = {{"", {200, 403, 200, 403, 403, 403, 403, 403}},
                    {"auditor", {200, 403, 200, 403, 403, 403, 200, 403}},
                    {"staff", {200, 403, 200, 200, 403, 201, 403, 200}},
                    {"admin", {200, 201, 200, 200, 204, 404, 200, 200}}};  // the deletion comes before the order
  for (const auto& row : rows) {
    const auto routes = guarded_routes(node);
    for (std::size_t i = 0; i < routes.size(); ++i) {
      ApiCall call = routes[i];
      call.token = node.token(std::string("user of role ") + row.roles, row.roles);
      const RawResponse answer = node.call(call);
      EXPECT_EQ(answer.status, row.statuses[i]) << row.roles << ": " << call.method << " " << call.path << answer.body;
      if (answer.status == 403) expect_problem(answer, 403, "forbidden");
    }
  }
}

TEST(Role, OfStaffSellsButNeitherRestocksNorEdits) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  std::vector<BadInput> rows;
  for (const char* body : {R"({"increment":1})", R"({"name":"Other"})", R"({"price":1})", "{}"}) {
    ApiCall call = change(node, item, body);
    call.token = node.token("stan", "staff");
    rows.push_back({body, call, 403, "forbidden"});
  }
  // The body decides that it takes an admin, and is looked at after these.
  ApiCall keyless = rows.front().call;
  keyless.key.clear();
  rows.push_back({"without a key", keyless, 400, "idempotency_key_missing"});
  ApiCall nowhere = rows.front().call;
  nowhere.path = "/api/inventory/nowhere";
  rows.push_back({"of no id", nowhere, 400, "malformed_parameter"});
  expect_refusals(node, rows);
}

// What cannot be told apart from two requests is refused, and the connection ended: nothing that follows is read.
TEST(BadFraming, IsRefusedAndClosesTheConnection) {
  const Node& node = shared_node();
  const std::string smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string head = "POST /api/orders HTTP/1.1\r\nHost: localhost\r\n";
  struct {
    const char* what;
    std::string bytes;
    int status;
  } const rows[] = {
      {"no request line", "chair\r\n\r\n", 400},
      {"TLS to a plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n", 400},
      {"no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"an absolute target", "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"a folded header", head + "X-A: b\r\n c\r\n\r\n", 400},
      {"a space before the colon", head + "Content-Length : 3\r\n\r\nabc", 400},
      {"gzip as transfer coding", head + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"chunked beside a length", head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", head + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400},
      {"a negative length", head + "Content-Length: -1\r\n\r\n", 400},
      {"chunked in HTTP/1.0", "POST /api/orders HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a header too long", head + "X-A: " + std::string(10'000, 'a') + "\r\n\r\n", 431},
      {"too many headers",
       head +
           [] {
             std::string lines;
             for (int i = 0; i < 150; ++i) lines += "X-A: b\r\n";
             return lines;
           }() +
           "\r\n",
       431}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    RawClient client(node.port());
    client.send(row.bytes + smuggled);
    const RawResponse answer = client.read();
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_EQ(at(answer.body, "status"), std::to_string(row.status));
    EXPECT_THAT(at(answer.body, "type"), StartsWith("/problems/"));
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(client.closed());
  }
}

TEST(BadInput, OnOneConnectionDoesNotSpoilTheNextRequest) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 2);
  ApiCall bad = change(node, item, "{");
  RawClient client(node.port());
  client.send(bytes_of(bad) + bytes_of(sell(node, item, 1)) + bytes_of(sell(node, item, 5)));  // pipelined
  EXPECT_EQ(client.read().status, 400);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().status, 409);
}

}  // namespace
}  // namespace tenon::test
