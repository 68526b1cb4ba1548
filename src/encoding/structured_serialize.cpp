// The serializer: RFC 9651 section 4.1.
#include <cstdlib>

#include "base/utf8.hpp"
#include "encoding/structured_field.hpp"
#include "encoding/structured_syntax.hpp"

namespace tenon::structured {
namespace {

// Writes to one text; each method says whether the value could be expressed. One failure fails all.
class Writer {
 public:
  bool item(const Item& item) { return value(item.value) && parameters(item.parameters); }
  bool member(const ListMember& member);
  bool dictionary_member(const std::string& key, const ListMember& member);
  void separator() {
    if (!out_.empty()) out_ += ", ";
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  bool key(std::string_view key);
  bool parameters(const Parameters& parameters);
  bool value(const BareItem& value) {
    return std::visit([this](const auto& bare) { return write(bare); }, value);
  }
  bool write(std::int64_t integer);
  bool write(const Decimal& decimal);
  bool write(const std::string& string);
  bool write(const Token& token);
  bool write(const Bytes& bytes);
  bool write(bool boolean);
  bool write(const Date& date);
  bool write(const DisplayString& display);

  std::string out_;
};

bool Writer::member(const ListMember& member) {
  if (const auto* single = std::get_if<Item>(&member)) return item(*single);
  const auto& inner = std::get<InnerList>(member);
  out_.push_back('(');
  for (const Item& one : inner.items) {
    if (&one != inner.items.data()) out_.push_back(' ');
    if (!item(one)) return false;
  }
  out_.push_back(')');
  return parameters(inner.parameters);
}

bool Writer::dictionary_member(const std::string& name, const ListMember& value) {
  if (!key(name)) return false;
  const auto* single = std::get_if<Item>(&value);
  if (single != nullptr && single->value == BareItem(true)) return parameters(single->parameters);
  out_.push_back('=');
  return member(value);
}

bool Writer::key(std::string_view name) {
  if (name.empty() || !begins_key(name.front())) return false;
  for (const char c : name) {
    if (!continues_key(c)) return false;
  }
  out_ += name;
  return true;
}

bool Writer::parameters(const Parameters& all) {
  for (const auto& [name, bare] : all) {
    out_.push_back(';');
    if (!key(name)) return false;
    if (bare == BareItem(true)) continue;
    out_.push_back('=');
    if (!value(bare)) return false;
  }
  return true;
}

bool Writer::write(std::int64_t integer) {
  if (integer > integer_max || integer < -integer_max) return false;
  out_ += std::to_string(integer);
  return true;
}

bool Writer::write(const Decimal& decimal) {
  if (decimal.thousandths > decimal_thousandths_max || decimal.thousandths < -decimal_thousandths_max) return false;
  if (decimal.thousandths < 0) out_.push_back('-');
  const std::int64_t magnitude = std::abs(decimal.thousandths);
  out_ += std::to_string(magnitude / 1000);
  std::string fraction = std::to_string(1000 + magnitude % 1000);
  fraction[0] = '.';
  while (fraction.size() > 2 && fraction.ends_with('0')) fraction.pop_back();
  out_ += fraction;
  return true;
}

bool Writer::write(const std::string& string) {
  out_.push_back('"');
  for (const char c : string) {
    if (!is_printable(c)) return false;
    if (c == '"' || c == '\\') out_.push_back('\\');
    out_.push_back(c);
  }
  out_.push_back('"');
  return true;
}

bool Writer::write(const Token& token) {
  if (token.text.empty() || !begins_token(token.text.front())) return false;
  for (const char c : token.text) {
    if (!continues_token(c)) return false;
  }
  out_ += token.text;
  return true;
}

bool Writer::write(const Bytes& bytes) {
  out_.push_back(':');
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t written = 0;
  const auto put = [&](std::uint32_t value) {
    out_.push_back(base64_digits[value & 63]);
    ++written;
  };
  for (const char c : bytes.bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6;) {
      held -= 6;
      put(bits >> held);
    }
  }
  if (held > 0) put(bits << (6 - held));
  out_.append((4 - written % 4) % 4, '=');
  out_.push_back(':');
  return true;
}

bool Writer::write(bool boolean) {
  out_ += boolean ? "?1" : "?0";
  return true;
}

bool Writer::write(const Date& date) {
  out_.push_back('@');
  return write(date.seconds);
}

bool Writer::write(const DisplayString& display) {
  static constexpr char hex[] = "0123456789abcdef";
  if (!is_utf8(display.text)) return false;
  out_ += "%\"";
  for (const char c : display.text) {
    if (is_printable(c) && c != '%' && c != '"') {
      out_.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out_.push_back('%');
    out_.push_back(hex[byte >> 4]);
    out_.push_back(hex[byte & 15]);
  }
  out_.push_back('"');
  return true;
}

}  // namespace

std::optional<std::string> serialize(const Item& item) {
  Writer writer;
  if (!writer.item(item)) return std::nullopt;
  return writer.take();
}

std::optional<std::string> serialize(const List& list) {
  Writer writer;
  for (const ListMember& member : list) {
    writer.separator();
    if (!writer.member(member)) return std::nullopt;
  }
  return writer.take();
}

std::optional<std::string> serialize(const Dictionary& dictionary) {
  Writer writer;
  for (const auto& [key, member] : dictionary) {
    writer.separator();
    if (!writer.dictionary_member(key, member)) return std::nullopt;
  }
  return writer.take();
}

}  // namespace tenon::structured
