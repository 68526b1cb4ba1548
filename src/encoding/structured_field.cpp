// The parser: RFC 9651 section 4.2, its algorithms in its order.
#include "encoding/structured_field.hpp"

#include <charconv>

#include "base/utf8.hpp"
#include "encoding/structured_syntax.hpp"
#include "encoding/structured_unique.hpp"

namespace tenon::structured {
namespace {

// Every method takes what it names off the left, or says nothing and leaves the rest unspecified: one failure fails
// all.
class Parser {
 public:
  explicit Parser(std::string_view text) noexcept : rest_(text) { skip_spaces(); }

  [[nodiscard]] bool at_end() noexcept {
    skip_spaces();
    return rest_.empty();
  }

  std::optional<List> list();
  std::optional<Dictionary> dictionary();
  std::optional<Item> item();

 private:
  void skip_spaces() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  void skip_optional_space() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  [[nodiscard]] bool next_is(char c) const noexcept { return rest_.starts_with(c); }
  bool take(char c) noexcept {
    if (!next_is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Predicate>
  std::string_view take_while(Predicate matches) noexcept {
    std::size_t end = 0;
    while (end < rest_.size() && matches(rest_[end])) ++end;
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }

  bool separator();
  std::optional<ListMember> item_or_inner_list();
  std::optional<InnerList> inner_list();
  std::optional<Parameters> parameters();
  std::optional<std::string> key();
  std::optional<BareItem> bare_item();
  std::optional<BareItem> number();
  std::optional<BareItem> string();
  std::optional<BareItem> token();
  std::optional<BareItem> bytes();
  std::optional<BareItem> boolean();
  std::optional<BareItem> date();
  std::optional<BareItem> display_string();

  std::string_view rest_;
};

// After a member: the end, or a comma with another member to come. False: neither.
bool Parser::separator() {
  skip_optional_space();
  if (rest_.empty()) return true;
  if (!take(',')) return false;
  skip_optional_space();
  return !rest_.empty();
}

std::optional<List> Parser::list() {
  List members;
  while (!rest_.empty()) {
    auto member = item_or_inner_list();
    if (!member || !separator()) return std::nullopt;
    members.push_back(*std::move(member));
  }
  return members;
}

std::optional<Dictionary> Parser::dictionary() {
  Dictionary members;
  while (!rest_.empty()) {
    auto name = key();
    if (!name) return std::nullopt;
    std::optional<ListMember> member;
    if (take('=')) {
      member = item_or_inner_list();
    } else if (auto with = parameters()) {
      member = Item{.value = true, .parameters = *std::move(with)};
    }
    if (!member || !separator()) return std::nullopt;
    members.emplace_back(*std::move(name), *std::move(member));
  }
  keep_last_of_each_key(members);
  return members;
}

std::optional<Item> Parser::item() {
  auto value = bare_item();
  if (!value) return std::nullopt;
  auto with = parameters();
  if (!with) return std::nullopt;
  return Item{.value = *std::move(value), .parameters = *std::move(with)};
}

std::optional<ListMember> Parser::item_or_inner_list() {
  if (next_is('(')) return inner_list();
  return item();
}

std::optional<InnerList> Parser::inner_list() {
  InnerList inner;
  take('(');
  for (;;) {
    skip_spaces();
    if (take(')')) break;
    auto one = item();
    if (!one || !(next_is(' ') || next_is(')'))) return std::nullopt;
    inner.items.push_back(*std::move(one));
  }
  auto with = parameters();
  if (!with) return std::nullopt;
  inner.parameters = *std::move(with);
  return inner;
}

std::optional<Parameters> Parser::parameters() {
  Parameters all;
  while (take(';')) {
    skip_spaces();
    auto name = key();
    if (!name) return std::nullopt;
    BareItem value = true;
    if (take('=')) {
      auto given = bare_item();
      if (!given) return std::nullopt;
      value = *std::move(given);
    }
    all.emplace_back(*std::move(name), std::move(value));
  }
  keep_last_of_each_key(all);
  return all;
}

std::optional<std::string> Parser::key() {
  if (rest_.empty() || !begins_key(rest_.front())) return std::nullopt;
  return std::string(take_while(continues_key));
}

std::optional<BareItem> Parser::bare_item() {
  if (rest_.empty()) return std::nullopt;
  const char c = rest_.front();
  if (c == '-' || is_digit(c)) return number();
  if (begins_token(c)) return token();
  switch (c) {
    case '"':
      return string();
    case ':':
      return bytes();
    case '?':
      return boolean();
    case '@':
      return date();
    case '%':
      return display_string();
    default:
      return std::nullopt;
  }
}

std::optional<BareItem> Parser::number() {
  const bool negative = take('-');
  const std::string_view whole = take_while(is_digit);
  if (whole.empty() || whole.size() > 15) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (!take('.')) return negative ? -value : value;

  const std::string_view fraction = take_while(is_digit);
  if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
  for (std::size_t i = 0; i < 3; ++i) value = value * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return Decimal{.thousandths = negative ? -value : value};
}

std::optional<BareItem> Parser::string() {
  take('"');
  std::string text;
  while (!rest_.empty()) {
    const char c = rest_.front();
    if (!is_printable(c)) return std::nullopt;
    rest_.remove_prefix(1);
    if (c == '"') return text;
    if (c == '\\') {
      if (!next_is('"') && !next_is('\\')) return std::nullopt;
      text.push_back(rest_.front());
      rest_.remove_prefix(1);
    } else {
      text.push_back(c);
    }
  }
  return std::nullopt;
}

std::optional<BareItem> Parser::token() { return Token{.text = std::string(take_while(continues_token))}; }

// Section 4.2.7 would let unpadded text and spare bits pass for the sake of libraries that cannot refuse them; ours
// can, and so no two texts mean the same bytes.
std::optional<BareItem> Parser::bytes() {
  take(':');
  const std::size_t end = rest_.find(':');
  if (end == std::string_view::npos || end % 4 != 0) return std::nullopt;
  std::string_view digits = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  for (int padding = 0; padding < 2 && digits.ends_with('='); ++padding) digits.remove_suffix(1);

  Bytes decoded;
  decoded.bytes.reserve(digits.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : digits) {
    const std::size_t value = base64_digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    decoded.bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return decoded;
}

std::optional<BareItem> Parser::boolean() {
  take('?');
  if (take('1')) return true;
  if (take('0')) return false;
  return std::nullopt;
}

std::optional<BareItem> Parser::date() {
  take('@');
  if (rest_.empty() || !(next_is('-') || is_digit(rest_.front()))) return std::nullopt;
  const auto seconds = number();
  if (!seconds || !std::holds_alternative<std::int64_t>(*seconds)) return std::nullopt;
  return Date{.seconds = std::get<std::int64_t>(*seconds)};
}

// Lower case only, as section 4.2.10 demands.
constexpr int lower_hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<BareItem> Parser::display_string() {
  take('%');
  if (!take('"')) return std::nullopt;
  DisplayString display;
  while (!rest_.empty()) {
    const char c = rest_.front();
    if (!is_printable(c)) return std::nullopt;
    rest_.remove_prefix(1);
    if (c == '"') {
      if (!is_utf8(display.text)) return std::nullopt;
      return display;
    }
    if (c == '%') {
      if (rest_.size() < 2) return std::nullopt;
      const int high = lower_hex_value(rest_[0]);
      const int low = lower_hex_value(rest_[1]);
      if (high < 0 || low < 0) return std::nullopt;
      display.text.push_back(static_cast<char>(high << 4 | low));
      rest_.remove_prefix(2);
    } else {
      display.text.push_back(c);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Item> parse_item(std::string_view text) {
  Parser parser(text);
  auto item = parser.item();
  if (!item || !parser.at_end()) return std::nullopt;
  return item;
}

std::optional<List> parse_list(std::string_view text) { return Parser(text).list(); }

std::optional<Dictionary> parse_dictionary(std::string_view text) { return Parser(text).dictionary(); }

}  // namespace tenon::structured
