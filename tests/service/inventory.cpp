#include "service/inventory.hpp"

#include <ostream>
#include <stdexcept>

namespace tenon::test {

std::string fresh_key() {
  static int last = 0;
  return "key-" + std::to_string(++last);
}

std::string make_item(const Node& node, int quantity, const std::string& name) {
  const RawResponse made = node.call({.method = "POST",
                                      .path = "/api/inventory",
                                      .token = node.token("maker", "admin"),
                                      .key = fresh_key(),
                                      .body = R"({"name":")" + name + R"(","price":129.00,"origin":"Sweden",)" +
                                              R"("quantity_available":)" + std::to_string(quantity) + "}"});
  if (made.status != 201) throw std::runtime_error("no item was made: " + made.body);
  return at(made.body, "id");
}

ApiCall change(const Node& node, const std::string& item, const std::string& body, const std::string& key) {
  return {.method = "PATCH",
          .path = "/api/inventory/" + item,
          .token = node.token("clerk", "admin"),
          .key = key,
          .body = body};
}

ApiCall sell(const Node& node, const std::string& item, int quantity, const std::string& key) {
  return change(node, item, R"({"decrement":)" + std::to_string(quantity) + "}", key);
}

ApiCall order(const Node& node, const std::string& lines, const std::string& key) {
  return {.method = "POST",
          .path = "/api/orders",
          .token = node.token("clerk", "admin"),
          .key = key,
          .body = R"({"lines":)" + lines + "}"};
}

ApiCall get(const Node& node, const std::string& path) { return {.path = path, .token = node.token("clerk", "admin")}; }

Stock stock_of(const std::string& superuser, const std::string& item) {
  const auto rows =
      query(superuser,
            "SELECT quantity_available, quantity_sold, (SELECT count(*) FROM audit_logs WHERE entity_id = "
            "i.id AND action = 'STOCK_DECREMENT') FROM inventory AS i WHERE id = $1",
            {item});
  if (rows.size() == 0) throw std::runtime_error("there is no item " + item);
  return {.available = std::stoi(rows.text(0, 0)),
          .sold = std::stoi(rows.text(0, 1)),
          .entries = std::stoi(rows.text(0, 2))};
}

void PrintTo(const Stock& stock, std::ostream* out) {
  *out << stock.available << " available, " << stock.sold << " sold, " << stock.entries << " audit entries";
}

std::string traces(const std::string& superuser) {
  return query_value(
      superuser,
      "SELECT (SELECT md5(string_agg(i::text, ' ' ORDER BY id)) FROM inventory AS i) || ' inventory, ' || "
      "(SELECT count(*) FROM audit_logs) || ' audit entries, ' || "
      "(SELECT count(*) FROM idempotency_keys) || ' keys'");
}

}  // namespace tenon::test
