// RFC 9651 Structured Field Values: parser and serializer of items, lists and dictionaries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tenon::structured {

struct Token {
  std::string text;
  bool operator==(const Token&) const = default;
};
struct Bytes {  // sf-binary, decoded
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};
struct Decimal {  // at most 12 integer digits and 3 fractional ones, in thousandths
  std::int64_t thousandths = 0;
  bool operator==(const Decimal&) const = default;
};
struct Date {  // seconds since the Unix epoch
  std::int64_t seconds = 0;
  bool operator==(const Date&) const = default;
};
struct DisplayString {  // UTF-8
  std::string text;
  bool operator==(const DisplayString&) const = default;
};

using BareItem = std::variant<std::int64_t, Decimal, std::string, Token, Bytes, bool, Date, DisplayString>;
using Parameters = std::vector<std::pair<std::string, BareItem>>;  // keys unique, the last value wins, first place kept

struct Item {
  BareItem value;
  Parameters parameters;
  bool operator==(const Item&) const = default;
};
struct InnerList {
  std::vector<Item> items;
  Parameters parameters;
  bool operator==(const InnerList&) const = default;
};
using ListMember = std::variant<Item, InnerList>;
using List = std::vector<ListMember>;
using Dictionary = std::vector<std::pair<std::string, ListMember>>;

// Strict, as section 4.2 says: nothing on any deviation. Several header lines are to be joined with ", " by the caller.
[[nodiscard]] std::optional<Item> parse_item(std::string_view text);
[[nodiscard]] std::optional<List> parse_list(std::string_view text);
[[nodiscard]] std::optional<Dictionary> parse_dictionary(std::string_view text);

// Section 4.1. Nothing when the value cannot be expressed (a string with non-ASCII characters, an integer of
// 16 digits).
[[nodiscard]] std::optional<std::string> serialize(const Item& item);
[[nodiscard]] std::optional<std::string> serialize(const List& list);
[[nodiscard]] std::optional<std::string> serialize(const Dictionary& dictionary);

}  // namespace tenon::structured
