#include "audit/leaf.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace tenon::audit {
namespace {

constexpr std::string_view version = "tenon audit entry v1\n";
constexpr std::uint32_t null_length = 0xFFFFFFFF;
constexpr std::uint64_t postgres_epoch = 946'684'800'000'000;  // 2000-01-01 in microseconds since 1970

template <class Unsigned>
void append_big_endian(std::string& out, Unsigned value) {
  if constexpr (std::endian::native == std::endian::little) {
    value = sizeof(Unsigned) == 8 ? static_cast<Unsigned>(__builtin_bswap64(value))
                                  : static_cast<Unsigned>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  }
  char bytes[sizeof(Unsigned)];
  std::memcpy(bytes, &value, sizeof bytes);
  out.append(bytes, sizeof bytes);
}

std::uint64_t read_big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

void append_text(std::string& out, std::optional<std::string_view> text) {
  if (!text) return append_big_endian(out, null_length);
  append_big_endian(out, static_cast<std::uint32_t>(text->size()));
  out += *text;
}

std::uint64_t eight_bytes(std::optional<std::string_view> column) {
  if (!column || column->size() != 8) throw std::runtime_error("an audit entry has a number that is none");
  return read_big_endian(*column);
}

std::string_view text(std::optional<std::string_view> column) {
  if (!column) throw std::runtime_error("an audit entry has a null where none can be");
  return *column;
}

Uuid uuid(std::optional<std::string_view> column) {
  Uuid value;
  if (!column || column->size() != value.bytes.size()) throw std::runtime_error("an audit entry names no entity");
  std::memcpy(value.bytes.data(), column->data(), value.bytes.size());
  return value;
}

// Takes fields off the front of a leaf; once something is missing, `good` stays false.
struct LeafReader {
  std::string_view rest;
  bool good = true;

  std::string_view take(std::size_t bytes) {
    if (rest.size() < bytes) {
      good = false;
      return {};
    }
    const std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  }
  std::optional<std::string_view> optional_text() {
    const auto length = static_cast<std::uint32_t>(read_big_endian(take(4)));
    if (!good || length == null_length) return std::nullopt;
    return take(length);
  }
  std::string_view required_text() {
    const auto text = optional_text();
    if (!text) good = false;
    return text.value_or(std::string_view());
  }
};

}  // namespace

Entry entry_of(std::span<const std::optional<std::string_view>> columns) {
  if (columns.size() != entry_column_count) throw std::runtime_error("an audit entry has 12 columns");
  return {.id = static_cast<std::int64_t>(eight_bytes(columns[0])),
          .transaction_id = eight_bytes(columns[2]),
          // Wraps around at PostgreSQL's far ends: no two moments become one.
          .at = static_cast<std::int64_t>(eight_bytes(columns[1]) + postgres_epoch),
          .entity_id = uuid(columns[3]),
          .action = text(columns[4]),
          .entity_kind = text(columns[5]),
          .actor = text(columns[6]),
          .role = text(columns[7]),
          .request_id = text(columns[8]),
          .idempotency_key = columns[9],
          .before = columns[10],
          .after = columns[11]};
}

void append_leaf(std::string& out, const Entry& entry) {
  out += version;
  append_big_endian(out, static_cast<std::uint64_t>(entry.id));
  append_big_endian(out, entry.transaction_id);
  append_big_endian(out, static_cast<std::uint64_t>(entry.at));
  out += as_text(entry.entity_id.bytes);
  append_text(out, entry.action);
  append_text(out, entry.entity_kind);
  append_text(out, entry.actor);
  append_text(out, entry.role);
  append_text(out, entry.request_id);
  append_text(out, entry.idempotency_key);
  append_text(out, entry.before);
  append_text(out, entry.after);
}

std::string leaf_of(const Entry& entry) {
  std::string leaf;
  append_leaf(leaf, entry);
  return leaf;
}

std::optional<Entry> parse_leaf(std::string_view leaf) {
  LeafReader reader{leaf};
  if (reader.take(version.size()) != version) return std::nullopt;
  Entry entry;
  entry.id = static_cast<std::int64_t>(read_big_endian(reader.take(8)));
  entry.transaction_id = read_big_endian(reader.take(8));
  entry.at = static_cast<std::int64_t>(read_big_endian(reader.take(8)));
  if (const std::string_view bytes = reader.take(16); reader.good) entry.entity_id = uuid(bytes);
  entry.action = reader.required_text();
  entry.entity_kind = reader.required_text();
  entry.actor = reader.required_text();
  entry.role = reader.required_text();
  entry.request_id = reader.required_text();
  entry.idempotency_key = reader.optional_text();
  entry.before = reader.optional_text();
  entry.after = reader.optional_text();
  if (!reader.good || !reader.rest.empty()) return std::nullopt;
  return entry;
}

Hash LeafHasher::operator()(const Entry& entry) {
  bytes_.assign(1, '\0');  // RFC 6962's prefix of a leaf, in one piece with it
  append_leaf(bytes_, entry);
  return hasher_.plain(bytes_);
}

}  // namespace tenon::audit
