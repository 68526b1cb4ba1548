// The business and crime APIs in the words of these tests. Players are users without a role; their name is their user
// id.
#pragma once

#include <string>
#include <vector>

#include "service/inventory.hpp"

namespace tenon::test {

[[nodiscard]] ApiCall as(const Node& node, const std::string& user, const std::string& method, const std::string& path,
                         const std::string& body = {});
[[nodiscard]] ApiCall as_admin(const Node& node, const std::string& method, const std::string& path,
                               const std::string& body = {});
[[nodiscard]] ApiCall with_key(ApiCall call, const std::string& key);
[[nodiscard]] ApiCall with_header(ApiCall call, const std::string& name, const std::string& value);

// Made through the API; the answer's body. Throw when they are not made.
std::string make_business(const Node& node, const std::string& owner, const std::string& name = {});
std::string make_facility(const Node& node, const std::string& owner, const std::string& inventory = "[]",
                          const std::string& state = "CA");
std::string make_market_item(const Node& node, const std::string& seller, int quantity,
                             const std::string& price = "9.99");
[[nodiscard]] inline std::string id_of(const std::string& body) { return at(body, "id"); }

[[nodiscard]] ApiCall convert(const Node& node, const std::string& user, const std::string& facility,
                              const std::string& business_name, const std::string& further_members = {});
[[nodiscard]] ApiCall purchase(const Node& node, const std::string& user, const std::string& item, int quantity);

// Changes rows as only a superuser can: without the rules that keep versions and their moments growing.
void meddle(const Node& node, const std::string& sql);

// How many entries of the audit log are about this entity, by action: "CREATE_BUSINESS 1, UPDATE_BUSINESS 3".
[[nodiscard]] std::string audited(const Node& node, const std::string& entity);

// One connection for many calls.
class Talker {
 public:
  explicit Talker(const Node& node) : client_(node.port(), std::chrono::seconds(60)) {}
  [[nodiscard]] RawResponse call(const ApiCall& call) {
    client_.send(bytes_of(call));
    return client_.read();
  }

 private:
  RawClient client_;
};

}  // namespace tenon::test
