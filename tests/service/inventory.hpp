// The inventory API in the words of these tests.
#pragma once

#include <string>

#include "support/node.hpp"

namespace tenon::test {

// A key that no other call of this program has.
[[nodiscard]] std::string fresh_key();

// A new item, made through the API; its id. Throws when it is not made.
std::string make_item(const Node& node, int quantity, const std::string& name = "Oak Chair");

// Calls by the user `clerk`, who is an admin.
[[nodiscard]] ApiCall sell(const Node& node, const std::string& item, int quantity,
                           const std::string& key = fresh_key());
[[nodiscard]] ApiCall change(const Node& node, const std::string& item, const std::string& body,
                             const std::string& key = fresh_key());
[[nodiscard]] ApiCall order(const Node& node, const std::string& lines, const std::string& key = fresh_key());
[[nodiscard]] ApiCall get(const Node& node, const std::string& path);

// As the database's superuser sees it.
struct Stock {
  int available = 0;
  int sold = 0;
  int entries = 0;  // STOCK_DECREMENT in the audit log
  bool operator==(const Stock&) const = default;
};
[[nodiscard]] Stock stock_of(const std::string& superuser, const std::string& item);
[[nodiscard]] inline Stock stock_of(const Node& node, const std::string& item) {
  return stock_of(node.superuser(), item);
}
void PrintTo(const Stock& stock, std::ostream* out);

// Everything that a write could leave behind, as one text: differs when one did.
[[nodiscard]] std::string traces(const std::string& superuser);

}  // namespace tenon::test
