#include "service/business.hpp"

#include <stdexcept>

#include "postgres/session.hpp"

namespace tenon::test {
namespace {

std::string made(const Node& node, const ApiCall& call) {
  const RawResponse answer = node.call(call);
  if (answer.status != 201) throw std::runtime_error("not made: " + answer.body);
  return answer.body;
}

}  // namespace

ApiCall as(const Node& node, const std::string& user, const std::string& method, const std::string& path,
           const std::string& body) {
  return {.method = method, .path = path, .token = node.token(user, ""), .body = body};
}

ApiCall as_admin(const Node& node, const std::string& method, const std::string& path, const std::string& body) {
  return {.method = method, .path = path, .token = node.token("boss", "admin"), .body = body};
}

ApiCall with_key(ApiCall call, const std::string& key) {
  call.key = key;
  return call;
}

ApiCall with_header(ApiCall call, const std::string& name, const std::string& value) {
  call.headers.emplace_back(name, value);
  return call;
}

std::string make_business(const Node& node, const std::string& owner, const std::string& name) {
  return made(node, as(node, owner, "POST", "/api/business",
                       R"({"name":")" + (name.empty() ? "Business " + fresh_key() : name) + R"(","ownerId":")" + owner +
                           R"(","category":"Dispensary","address":{"state":"CA","city":"LA"}})"));
}

std::string make_facility(const Node& node, const std::string& owner, const std::string& inventory,
                          const std::string& state) {
  return made(node, as(node, owner, "POST", "/api/crime/facilities",
                       R"({"type":"Lab","location":{"state":")" + state +
                           R"(","city":"LA"},"capacity":10,"companyId":"c1","inventory":)" + inventory + "}"));
}

std::string make_market_item(const Node& node, const std::string& seller, int quantity, const std::string& price) {
  return made(node, as(node, seller, "POST", "/api/crime/black-market",
                       R"({"category":"Counterfeits","itemName":"Watch","description":"Looks like a real one",)"
                       R"("location":{"state":"NY","city":"New York"},"quantity":)" +
                           std::to_string(quantity) + R"(,"pricePerUnit":)" + price + "}"));
}

ApiCall convert(const Node& node, const std::string& user, const std::string& facility,
                const std::string& business_name, const std::string& further_members) {
  return as(node, user, "POST", "/api/crime/conversion/convert",
            R"({"facilityId":")" + facility + R"(","substance":"Cannabis","newBusinessType":"Dispensary",)" +
                R"("licenseApplicationData":{"businessName":")" + business_name + "\"}" + further_members + "}");
}

ApiCall purchase(const Node& node, const std::string& user, const std::string& item, int quantity) {
  return as(node, user, "POST", "/api/crime/black-market/" + item + "/purchase",
            R"({"quantity":)" + std::to_string(quantity) + R"(,"deliveryMethod":"Courier"})");
}

void meddle(const Node& node, const std::string& sql) {
  postgres::Session(node.superuser()).script("SET session_replication_role = replica; " + sql);
}

std::string audited(const Node& node, const std::string& entity) {
  return node.ask(
      "SELECT coalesce(string_agg(action || ' ' || n, ', ' ORDER BY action), '') FROM ("
      "SELECT action, count(*) AS n FROM audit_logs WHERE entity_id = $1 GROUP BY action) AS counted",
      {entity});
}

}  // namespace tenon::test
