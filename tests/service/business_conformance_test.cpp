// The concurrency tokens of every route that takes them: one row a method, a token and a state of the resource, with
// the status that must come of it.
#include <gtest/gtest.h>

#include "service/business.hpp"

namespace tenon::test {
namespace {

enum class State {
  fresh,    // just made: version 1, changed at 05:21:11.250
  third,    // version 3, changed at 05:21:11.250 and before that at 05:21:09
  hasty,    // version 3, changed at 05:21:11.250 and before that in the same second, at 05:21:11.100
  twin,     // version 3, changed at 05:21:11.250400 and before that in the same millisecond
  foreign,  // somebody else's, version 3 like `third`
  gone,     // deleted
  never,    // no such resource has ever been
};
using enum State;

struct Row {
  const char* method;
  const char* token;  // headers and members of the body, joined by " + "; a member is written {name:value}
  State state;
  int status;
};

// "PATCH" and "DELETE" mean /api/business/{id}; "CONVERT" is the conversion of a facility, "EDIT" and "REMOVE" are
// PATCH and DELETE of an inventory item, "LAW" is the PUT of a law, "GET" is of a business.
constexpr Row rows[] = {
    // A change of a business must name the version that it changes.
    {"PATCH", "", third, 428},
    {"PATCH", "", never, 428},
    {"PATCH", "", foreign, 428},
    {"PATCH", "If-None-Match: \"v3\"", third, 400},
    {"PATCH", "If-Match: \"v3\" + If-None-Match: *", third, 400},
    {"DELETE", "If-None-Match: *", third, 400},
    {"REMOVE", "If-None-Match: \"v3\"", third, 400},
    {"LAW", "If-None-Match: *", third, 400},
    {"PATCH", "If-Modified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 428},
    {"PATCH", "ETag: \"v3\"", third, 428},
    {"PATCH", "If-Match-Version: 1", fresh, 200},
    {"PATCH", "If-Match-Version: 3", third, 200},
    {"PATCH", "If-Match-Version: 3", hasty, 200},
    {"PATCH", "If-Match-Version: 3", foreign, 403},
    {"PATCH", "If-Match-Version: 3", gone, 409},
    {"PATCH", "If-Match-Version: 3", never, 409},
    {"PATCH", "If-Match-Version: 2", third, 409},
    {"PATCH", "If-Match-Version: 4", third, 409},
    {"PATCH", "If-Match-Version: 9007199254740991", third, 409},
    {"PATCH", "If-Match-Version: 9007199254740992", third, 400},
    {"PATCH", "If-Match-Version: 9223372036854775808", third, 400},
    {"PATCH", "If-Match-Version: -3", third, 400},
    {"PATCH", "If-Match-Version: 0", third, 400},
    {"PATCH", "If-Match-Version: 3.0", third, 400},
    {"PATCH", "If-Match-Version: 3.5", third, 400},
    {"PATCH", "If-Match-Version: 03", third, 400},
    {"PATCH", "If-Match-Version: \"3\"", third, 400},
    {"PATCH", "If-Match-Version: three", third, 400},
    {"PATCH", "If-Match-Version: 3, 3", third, 400},
    {"PATCH", "If-Match-Version: 3 + If-Match-Version: 3", third, 400},
    {"PATCH", "If-Match-Version: x", never, 400},
    {"PATCH", "If-Match-Version: x", foreign, 400},
    {"PATCH", "If-Match: \"v1\"", fresh, 200},
    {"PATCH", "If-Match: \"v3\"", third, 200},
    {"PATCH", "If-Match: W/\"v3\"", third, 200},
    {"PATCH", "If-Match: W/\"v3\"", hasty, 200},
    {"PATCH", "If-Match: W/\"v2\"", third, 409},
    {"PATCH", "If-Match: W/\"v7\"", third, 409},
    {"PATCH", "If-Match: W/\"v3\"", gone, 409},
    {"PATCH", "If-Match: W/\"v3\"", foreign, 403},
    {"PATCH", "If-Match: *", third, 200},
    {"PATCH", "If-Match: *", gone, 409},
    {"PATCH", "If-Match: *", never, 409},
    {"PATCH", "If-Match: v3", third, 400},
    {"PATCH", "If-Match: \"3\"", third, 400},
    {"PATCH", "If-Match: \"v3\", \"v4\"", third, 400},
    {"PATCH", "If-Match: \"abc\"", third, 400},
    {"PATCH", "If-Match: \"v-3\"", third, 400},
    {"PATCH", "If-Match: W/\"v9223372036854775808\"", third, 400},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", fresh, 200},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 200},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", gone, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", never, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", foreign, 403},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", third, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:09 GMT", third, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:12 GMT", third, 409},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.250Z", third, 200},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.250Z", hasty, 200},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.250Z", twin, 409},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.250400Z", twin, 200},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T07:21:11.250+02:00", third, 200},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.249Z", third, 409},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11.100Z", hasty, 409},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11Z", third, 200},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11Z", hasty, 409},
    {"PATCH", "If-Unmodified-Since: 2025-12-02T05:21:11", third, 400},
    {"PATCH", "If-Unmodified-Since: 2025-02-30T05:21:11Z", third, 400},
    {"PATCH", "If-Unmodified-Since: Mon, 02 Dec 2025 05:21:11 GMT", third, 400},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11", third, 400},
    {"PATCH", "If-Unmodified-Since: 1764652871", third, 400},
    {"PATCH", "If-Unmodified-Since: yesterday", third, 400},
    {"PATCH", "If-Unmodified-Since: yesterday", gone, 400},
    {"PATCH", "{version:3}", third, 200},
    {"PATCH", "{version:1}", fresh, 200},
    {"PATCH", "{version:3}", hasty, 200},
    {"PATCH", "{version:2}", third, 409},
    {"PATCH", "{version:4}", third, 409},
    {"PATCH", "{version:3}", gone, 409},
    {"PATCH", "{version:3}", never, 409},
    {"PATCH", "{version:3}", foreign, 403},
    {"PATCH", "{version:0}", third, 400},
    {"PATCH", "{version:-3}", third, 400},
    {"PATCH", "{version:3.0}", third, 400},
    {"PATCH", "{version:3e0}", third, 400},
    {"PATCH", "{version:\"3\"}", third, 400},
    {"PATCH", "{version:null}", third, 400},
    {"PATCH", "{version:[3]}", third, 400},
    {"PATCH", "{version:9223372036854775808}", third, 400},
    {"PATCH", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.250Z\"}", third, 200},
    {"PATCH", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.250Z\"}", hasty, 200},
    {"PATCH", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.251Z\"}", third, 409},
    {"PATCH", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.250Z\"}", never, 409},
    {"PATCH", "{ifUnmodifiedSince:\"Tue, 02 Dec 2025 05:21:11 GMT\"}", third, 200},
    {"PATCH", "{ifUnmodifiedSince:\"Tue, 02 Dec 2025 05:21:11 GMT\"}", hasty, 409},
    {"PATCH", "{ifUnmodifiedSince:\"2025-12-02\"}", third, 400},
    {"PATCH", "{ifUnmodifiedSince:1764652871}", third, 400},
    {"PATCH", "{ifUnmodifiedSince:null}", third, 400},
    // More than one: all must hold.
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT + {version:3}", third, 200},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT + {version:3}", hasty, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT + {version:2}", third, 409},
    {"PATCH", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT + {version:3}", third, 409},
    {"PATCH", "If-Match-Version: 3 + If-Match: \"v3\"", third, 200},
    {"PATCH", "If-Match-Version: 3 + If-Match: \"v2\"", third, 409},
    {"PATCH", "If-Match-Version: 3 + If-Match: *", third, 200},
    {"PATCH", "If-Match-Version: 2 + If-Match: *", third, 409},
    {"PATCH", "If-Match-Version: 3 + {version:2}", third, 409},
    {"PATCH", "If-Match-Version: 3 + {version:x}", third, 400},
    {"PATCH", "If-Match-Version: 3 + {ifUnmodifiedSince:\"soon\"}", third, 400},
    {"PATCH", "If-Match-Version: 3 + If-Unmodified-Since: soon", third, 400},
    // A deletion too, by a header: what it deletes has no body to look into.
    {"DELETE", "", third, 428},
    {"DELETE", "", never, 428},
    {"DELETE", "", foreign, 428},
    {"DELETE", "{version:3}", third, 400},
    {"DELETE", "If-Match-Version: 3", third, 204},
    {"DELETE", "If-Match-Version: 1", fresh, 204},
    {"DELETE", "If-Match-Version: 2", third, 409},
    {"DELETE", "If-Match-Version: 4", third, 409},
    {"DELETE", "If-Match-Version: 3", gone, 409},
    {"DELETE", "If-Match-Version: 3", never, 409},
    {"DELETE", "If-Match-Version: 3", foreign, 403},
    {"DELETE", "If-Match-Version: -1", third, 400},
    {"DELETE", "If-Match-Version: 1.5", third, 400},
    {"DELETE", "If-Match-Version: 9223372036854775808", third, 400},
    {"DELETE", "If-Match: W/\"v3\"", third, 204},
    {"DELETE", "If-Match: W/\"v2\"", third, 409},
    {"DELETE", "If-Match: *", third, 204},
    {"DELETE", "If-Match: *", never, 409},
    {"DELETE", "If-Match: 3", third, 400},
    {"DELETE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 204},
    {"DELETE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"DELETE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", third, 409},
    {"DELETE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", gone, 409},
    {"DELETE", "If-Unmodified-Since: 2025-12-02T05:21:11.250Z", third, 204},
    {"DELETE", "If-Unmodified-Since: 2025-12-02T05:21:11.250Z", hasty, 204},
    {"DELETE", "If-Unmodified-Since: 2025-12-02T05:21:11.249Z", third, 409},
    {"DELETE", "If-Unmodified-Since: soon", third, 400},
    {"DELETE", "If-Match-Version: 3 + If-Unmodified-Since: 2025-12-02T05:21:11.250Z", third, 204},
    {"DELETE", "If-Match-Version: 3 + If-Unmodified-Since: 2025-12-02T05:21:11.249Z", third, 409},
    // The conversion's token is on the facility, and may be left out.
    {"CONVERT", "", third, 201},
    {"CONVERT", "", foreign, 403},
    {"CONVERT", "", never, 404},
    {"CONVERT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 201},
    {"CONVERT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"CONVERT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", third, 409},
    {"CONVERT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", foreign, 403},
    {"CONVERT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", never, 404},
    {"CONVERT", "If-Unmodified-Since: soon", third, 400},
    {"CONVERT", "{facilityUpdatedAt:\"2025-12-02T05:21:11.250Z\"}", third, 201},
    {"CONVERT", "{facilityUpdatedAt:\"2025-12-02T05:21:11.250Z\"}", hasty, 201},
    {"CONVERT", "{facilityUpdatedAt:\"2025-12-02T05:21:11.249Z\"}", third, 409},
    {"CONVERT", "{facilityUpdatedAt:\"Tue, 02 Dec 2025 05:21:11 GMT\"}", third, 201},
    {"CONVERT", "{facilityUpdatedAt:\"soon\"}", third, 400},
    {"CONVERT", "{facilityUpdatedAt:null}", third, 400},
    {"CONVERT", "If-Match-Version: 3", third, 201},
    {"CONVERT", "If-Match-Version: 2", third, 409},
    {"CONVERT", "If-Match: W/\"v3\" + {facilityUpdatedAt:\"2025-12-02T05:21:11.250Z\"}", third, 201},
    {"CONVERT", "If-Match: W/\"v2\" + {facilityUpdatedAt:\"2025-12-02T05:21:11.250Z\"}", third, 409},
    {"CONVERT", "{version:3}", third, 422},
    // The inventory takes the same tokens, through the same code, when they are sent.
    {"EDIT", "", third, 200},
    {"EDIT", "If-Match-Version: 3", third, 200},
    {"EDIT", "If-Match-Version: 2", third, 409},
    {"EDIT", "If-Match: W/\"v3\"", third, 200},
    {"EDIT", "If-Match: W/\"v4\"", third, 409},
    {"EDIT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 200},
    {"EDIT", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"EDIT", "{version:3}", third, 200},
    {"EDIT", "{version:2}", third, 409},
    {"EDIT", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.250Z\"}", third, 200},
    {"EDIT", "{ifUnmodifiedSince:\"2025-12-02T05:21:11.249Z\"}", third, 409},
    {"EDIT", "If-Match-Version: 2.5", third, 400},
    {"EDIT", "If-Match-Version: 3", never, 404},
    {"REMOVE", "", third, 204},
    {"REMOVE", "If-Match-Version: 3", third, 204},
    {"REMOVE", "If-Match-Version: 2", third, 409},
    {"REMOVE", "If-Match: W/\"v2\"", third, 409},
    {"REMOVE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 204},
    {"REMOVE", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"REMOVE", "If-Match-Version: 3", never, 404},
    // A law is put whole: its tokens are headers, and may be left out.
    {"LAW", "", third, 200},
    {"LAW", "If-Match-Version: 1", fresh, 200},
    {"LAW", "If-Match-Version: 3", third, 200},
    {"LAW", "If-Match-Version: 2", third, 409},
    {"LAW", "If-Match-Version: 4", third, 409},
    {"LAW", "If-Match-Version: 0", third, 400},
    {"LAW", "If-Match-Version: 3", gone, 409},
    {"LAW", "If-Match-Version: 1", never, 409},
    {"LAW", "If-Match: W/\"v3\"", third, 200},
    {"LAW", "If-Match: W/\"v2\"", third, 409},
    {"LAW", "If-Match: *", third, 200},
    {"LAW", "If-Match: *", never, 409},
    {"LAW", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", third, 200},
    {"LAW", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", hasty, 409},
    {"LAW", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", third, 409},
    {"LAW", "If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT", never, 409},
    {"LAW", "If-Unmodified-Since: soon", third, 400},
    {"LAW", "{version:3}", third, 422},
    // What was read before need not be sent again.
    {"GET", "", third, 200},
    {"GET", "", foreign, 200},
    {"GET", "", gone, 404},
    {"GET", "", never, 404},
    {"GET", "If-None-Match: W/\"v3\"", third, 304},
    {"GET", "If-None-Match: \"v3\"", third, 304},
    {"GET", "If-None-Match: \"v2\", W/\"v3\"", third, 304},
    {"GET", "If-None-Match: *", third, 304},
    {"GET", "If-None-Match: W/\"v2\"", third, 200},
    {"GET", "If-None-Match: W/\"v3\"", gone, 404},
};
static_assert(std::size(rows) >= 120);

struct Kind {
  std::string path;   // up to the id
  std::string table;  // where it is kept
};

Kind kind_of(const std::string& method) {
  if (method == "CONVERT") return {"/api/crime/conversion/convert", "facilities"};
  if (method == "EDIT" || method == "REMOVE") return {"/api/inventory/", "inventory"};
  if (method == "LAW") return {"/api/crime/legislation", "legislation"};
  return {"/api/business/", "businesses"};
}

// The members of a law of a substance that no other law is about.
std::string law_of(const std::string& substance) {
  return R"("substance":")" + substance + R"(","jurisdictionId":"CA","status":"Medical","taxRate":5,)" +
         R"("effectiveDate":"2020-01-01")";
}

std::string make_law(const Node& node) {
  const std::string substance = fresh_key();
  EXPECT_EQ(node.call(as_admin(node, "PUT", "/api/crime/legislation", "{" + law_of(substance) + "}")).status, 201);
  return node.ask("SELECT id FROM legislation WHERE substance = $1", {substance});
}

std::string made_for(const Node& node, const std::string& table, State state) {
  if (state == never) return "01890000-0000-7000-8000-000000000000";
  const std::string owner = state == foreign ? "somebody" : "player";
  std::string id;
  if (table == "inventory") {
    id = make_item(node, 5);
  } else if (table == "legislation") {
    id = make_law(node);
  } else {
    id = id_of(table == "facilities" ? make_facility(node, owner) : make_business(node, owner));
  }
  if (state == gone) {
    meddle(node, "DELETE FROM " + table + " WHERE id = '" + id + "'");
    return id;
  }
  const std::string moment = state == twin ? "05:21:11.2504" : "05:21:11.25";
  const std::string prior = state == hasty ? "05:21:11.1" : state == twin ? "05:21:11.2501" : "05:21:09";
  meddle(node, "UPDATE " + table + " SET updated_at = '2025-12-02 " + moment + "Z'" +
                   (state == fresh ? "" : ", version = 3, prior_updated_at = '2025-12-02 " + prior + "Z'") +
                   " WHERE id = '" + id + "'");
  return id;
}

// The row's request, with the change it asks for beside its tokens.
ApiCall request_of(const Node& node, const Row& row, const std::string& id) {
  const std::string method = row.method;
  ApiCall call;
  std::string members;
  if (method == "CONVERT") {
    call = as(node, "player", "POST", kind_of(method).path);
    members = R"("facilityId":")" + id + R"(","substance":"Cannabis","newBusinessType":"Dispensary",)" +
              R"("licenseApplicationData":{"businessName":")" + fresh_key() + "\"}";
  } else if (method == "EDIT" || method == "REMOVE") {
    call = as_admin(node, method == "EDIT" ? "PATCH" : "DELETE", kind_of(method).path + id);
    call.key = fresh_key();
    if (method == "EDIT") members = R"("origin":"Norway")";
  } else if (method == "LAW") {
    call = as_admin(node, "PUT", kind_of(method).path);
    members = law_of(
        node.ask("SELECT coalesce((SELECT substance FROM legislation WHERE id = $1::uuid), $2)", {id, fresh_key()}));
  } else {
    call = as(node, "player", method, kind_of(method).path + id);
    if (method == "PATCH") members = R"("taxRate":8.5)";
  }
  for (std::string rest = row.token; !rest.empty();) {
    const std::size_t end = rest.find(" + ");
    std::string token = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 3);
    const std::size_t colon = token.find(':');
    if (token.starts_with('{')) {
      std::string value = token.substr(colon + 1, token.size() - colon - 2);
      if (value == "x") value = "\"x\"";
      members += (members.empty() ? "\"" : ",\"") + token.substr(1, colon - 1) + "\":" + value;
    } else {
      call.headers.emplace_back(token.substr(0, colon), token.substr(colon + 2));
    }
  }
  if (!members.empty()) call.body = "{" + members + "}";
  return call;
}

std::string row_of(const Node& node, const std::string& table, const std::string& id) {
  return node.ask("SELECT t::text FROM " + table + " AS t WHERE id = $1", {id});
}

void expect_refusal(const RawResponse& answer, const Row& row) {
  switch (row.status) {
    case 428:
      EXPECT_EQ(code_of(answer), "precondition_required");
      for (const char* token : {"If-Match-Version", "If-Match", "If-Unmodified-Since"}) {
        EXPECT_NE(at(answer.body, "detail").find(token), std::string::npos) << answer.body;
      }
      EXPECT_EQ(at(answer.body, "detail").find("`version`") != std::string::npos, row.method == std::string("PATCH"));
      break;
    case 409:
      EXPECT_EQ(code_of(answer), "conflict");
      EXPECT_EQ(at(answer.body, "error"), "Conflict: resource modified or not found");
      if (row.state == gone || row.state == never) {
        EXPECT_EQ(at(answer.body, "version"), "(nothing)");
        EXPECT_EQ(answer.header("ETag"), std::nullopt);
      } else {
        EXPECT_EQ(at(answer.body, "version"), row.state == fresh ? "1" : "3");
        EXPECT_EQ(answer.header("ETag"), row.state == fresh ? "W/\"v1\"" : "W/\"v3\"");
      }
      break;
    case 403:
      EXPECT_EQ(code_of(answer), "not_owner");
      break;
    case 400:
      if (row.method != std::string("DELETE") || !std::string_view(row.token).starts_with("{")) {
        EXPECT_EQ(code_of(answer), std::string_view(row.token).find("9223372036854775808}") != std::string_view::npos
                                       ? "malformed_json"  // no JSON of ours holds such an integer
                                       : "precondition_malformed");
      }
      break;
    default:
      break;
  }
}

TEST(Conformance, OfEveryTokenInEveryState) {
  const Node& node = shared_node();
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.method) + " with \"" + row.token + "\" in state " +
                 std::to_string(static_cast<int>(row.state)));
    const std::string table = kind_of(row.method).table;
    const std::string id = made_for(node, table, row.state);
    const std::string before = row_of(node, table, id);
    const RawResponse answer = node.call(request_of(node, row, id));
    ASSERT_EQ(answer.status, row.status) << answer.body;
    expect_refusal(answer, row);
    const bool wrote = row.status < 300 && row.method != std::string("GET");
    EXPECT_EQ(row_of(node, table, id) != before, wrote);
    if ((row.status == 200 || row.status == 201) && wrote) {
      EXPECT_EQ(answer.header("ETag"), row.state == fresh ? "W/\"v2\"" : "W/\"v4\"");
      EXPECT_TRUE(answer.header("Last-Modified").has_value());
    }
    if (row.status == 304 || (row.status == 200 && !wrote)) {
      EXPECT_EQ(answer.header("ETag"), "W/\"v3\"");
      EXPECT_EQ(answer.header("Last-Modified"), "Tue, 02 Dec 2025 05:21:11 GMT");
    }
  }
}

TEST(Conformance, WithConflictStatus412IsForTheStandardHeadersAlone) {
  const Node node({.arguments = {"--conflict-status", "412"}});
  const struct {
    const char* token;
    int status;
  } cases[] = {
      {"If-Match: W/\"v2\"", 412},
      {"If-Unmodified-Since: Tue, 02 Dec 2025 05:21:10 GMT", 412},
      {"If-Match-Version: 2", 409},
      {"{version:2}", 409},
      {"{ifUnmodifiedSince:\"2025-12-02T05:21:10Z\"}", 409},
      {"If-Match: W/\"v3\" + {version:2}", 412},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.token);
    const std::string id = made_for(node, "businesses", third);
    const RawResponse answer = node.call(request_of(node, {"PATCH", one.token, third, one.status}, id));
    EXPECT_EQ(answer.status, one.status);
    EXPECT_EQ(at(answer.body, "status"), std::to_string(one.status));
    EXPECT_EQ(at(answer.body, "error"), "Conflict: resource modified or not found");
    EXPECT_EQ(answer.header("ETag"), "W/\"v3\"");
  }
}

// A token belongs to one resource: the number may be right elsewhere, here it is stale.
TEST(Conformance, ATokenOfAnotherResourceIsStale) {
  const Node& node = shared_node();
  const std::string other = made_for(node, "businesses", third);
  const std::string id = made_for(node, "businesses", fresh);
  const RawResponse read = node.call(as(node, "player", "GET", "/api/business/" + other));
  const RawResponse refused =
      node.call(with_header(as(node, "player", "PATCH", "/api/business/" + id, R"({"taxRate":1})"), "If-Match",
                            read.header("ETag").value_or("")));
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.header("ETag"), "W/\"v1\"");
}

// The first try moved the row on: its retry, with the same token, gets the first one's answer and not a conflict.
TEST(Conformance, AReplayComesBeforeThePrecondition) {
  const Node& node = shared_node();
  const std::string id = made_for(node, "businesses", third);
  const ApiCall change =
      with_key(as(node, "player", "PATCH", "/api/business/" + id, R"({"taxRate":8.5,"version":3})"), fresh_key());
  const RawResponse first = node.call(change);
  const RawResponse again = node.call(change);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  const ApiCall deletion =
      with_key(with_header(as(node, "player", "DELETE", "/api/business/" + id), "If-Match-Version", "4"), fresh_key());
  EXPECT_EQ(node.call(deletion).status, 204);
  const RawResponse deleted = node.call(deletion);
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(audited(node, id), "CREATE_BUSINESS 1, DELETE_BUSINESS 1, UPDATE_BUSINESS 1");
}

}  // namespace
}  // namespace tenon::test
