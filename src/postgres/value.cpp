#include "postgres/value.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace tenon::postgres {
namespace {

// timestamptz counts microseconds from 2000-01-01T00:00:00Z.
constexpr Instant postgres_epoch{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};

constexpr std::size_t array_header_bytes = 20;
constexpr std::size_t empty_array_bytes = 12;
constexpr std::size_t value_bytes_max = std::numeric_limits<std::int32_t>::max();
constexpr char jsonb_version = 1;

template <class Unsigned>
constexpr Unsigned big_endian(Unsigned value) noexcept {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Unsigned) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(Unsigned) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(Unsigned) == 8) return __builtin_bswap64(value);
}

template <class Unsigned>
std::array<char, sizeof(Unsigned)> encode(Unsigned value) noexcept {
  return std::bit_cast<std::array<char, sizeof(Unsigned)>>(big_endian(value));
}

template <class Unsigned>
Unsigned decode(std::string_view bytes) noexcept {
  Unsigned value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return big_endian(value);
}

template <std::size_t N>
std::string_view view(const std::array<char, N>& bytes) noexcept {
  return {bytes.data(), N};
}

std::string_view view(const Uuid& value) noexcept { return as_text(value.bytes); }

// The ends of Instant are PostgreSQL's -infinity and infinity, which have no distance from any epoch.
std::array<char, 8> encode(Instant value) noexcept {
  if (value == Instant::min() || value == Instant::max()) {
    return encode(static_cast<std::uint64_t>(value.time_since_epoch().count()));
  }
  return encode(static_cast<std::uint64_t>((value - postgres_epoch).count()));
}

std::int32_t checked_length(std::size_t bytes) {
  if (bytes > value_bytes_max) throw std::length_error("a value is longer than PostgreSQL's protocol can say");
  return static_cast<std::int32_t>(bytes);
}

void require_size(std::string_view bytes, std::size_t size, const char* what) {
  if (bytes.size() != size) throw std::runtime_error(std::string("not the binary form of ") + what);
}

}  // namespace

Oid array_of(Type element) {
  switch (element) {
    case Type::boolean:
      return 1000;
    case Type::bytea:
      return 1001;
    case Type::int8:
      return 1016;
    case Type::int2:
      return 1005;
    case Type::int4:
      return 1007;
    case Type::text:
      return 1009;
    case Type::timestamptz:
      return 1185;
    case Type::uuid:
      return 2951;
    case Type::jsonb:
      return 3807;
  }
  throw std::logic_error("no such element type");
}

// Layout: dimensions, has-null flag, element type, then length and lower bound of the one dimension, then each element
// as a length (-1: null) and its bytes. An empty array has no dimension, and ends after the element type.
ArrayParameter::ArrayParameter(Type element) : element_(element), bytes_(array_header_bytes, '\0') {}

void ArrayParameter::clear() noexcept {
  bytes_.resize(array_header_bytes);
  count_ = 0;
  has_null_ = false;
}

void ArrayParameter::begin_element(std::size_t bytes) {
  bytes_.append(view(encode(static_cast<std::uint32_t>(checked_length(bytes)))));
  ++count_;
}

void ArrayParameter::add_null() {
  bytes_.append(view(encode(std::uint32_t{0xFFFFFFFF})));
  ++count_;
  has_null_ = true;
}

void ArrayParameter::add(std::int64_t value) {
  switch (element_) {
    case Type::int2:
      begin_element(2);
      bytes_.append(view(encode(static_cast<std::uint16_t>(value))));
      return;
    case Type::int4:
      begin_element(4);
      bytes_.append(view(encode(static_cast<std::uint32_t>(value))));
      return;
    default:
      begin_element(8);
      bytes_.append(view(encode(static_cast<std::uint64_t>(value))));
  }
}

void ArrayParameter::add(std::string_view value) {
  const bool json = element_ == Type::jsonb;
  begin_element(value.size() + (json ? 1 : 0));
  if (json) bytes_.push_back(jsonb_version);
  bytes_.append(value);
}

void ArrayParameter::add(const Uuid& value) {
  begin_element(value.bytes.size());
  bytes_.append(view(value));
}

void ArrayParameter::add(Instant value) {
  begin_element(8);
  bytes_.append(view(encode(value)));
}

void ArrayParameter::add_bool(bool value) {
  begin_element(1);
  bytes_.push_back(value ? '\1' : '\0');
}

std::string_view ArrayParameter::encoded() {
  const std::array<std::uint32_t, 5> header{count_ == 0 ? 0U : 1U, has_null_ ? 1U : 0U, static_cast<Oid>(element_),
                                            static_cast<std::uint32_t>(count_), 1U};
  for (std::size_t i = 0; i < header.size(); ++i) bytes_.replace(i * 4, 4, view(encode(header[i])));
  return std::string_view(bytes_).substr(0, count_ == 0 ? empty_array_bytes : bytes_.size());
}

void Parameters::add(ArrayParameter& array) {
  const std::string_view bytes = array.encoded();
  const int length = checked_length(bytes.size());
  types_.push_back(array_of(array.element()));
  slots_.push_back({.outside = bytes.data()});
  lengths_.push_back(length);
}

void Parameters::add_null(Type type) {
  types_.push_back(static_cast<Oid>(type));
  slots_.push_back({.null = true});
  lengths_.push_back(0);
}

void Parameters::add_owned(Type type, std::string_view bytes) {
  const int length = checked_length(bytes.size());
  types_.push_back(static_cast<Oid>(type));
  slots_.push_back({.offset = owned_.size()});
  lengths_.push_back(length);
  owned_.append(bytes);
}

void Parameters::add(std::string_view text) { add_owned(Type::text, text); }
void Parameters::add(std::int64_t value) { add_owned(Type::int8, view(encode(static_cast<std::uint64_t>(value)))); }
void Parameters::add_int4(std::int32_t value) {
  add_owned(Type::int4, view(encode(static_cast<std::uint32_t>(value))));
}
void Parameters::add(const Uuid& value) { add_owned(Type::uuid, view(value)); }
void Parameters::add(Instant value) { add_owned(Type::timestamptz, view(encode(value))); }
void Parameters::add_bool(bool value) {
  add_owned(Type::boolean, value ? std::string_view("\1", 1) : std::string_view("\0", 1));
}
void Parameters::add_bytes(std::string_view bytes) { add_owned(Type::bytea, bytes); }

void Parameters::add_json(std::string_view json) {
  add_owned(Type::jsonb, std::string_view(&jsonb_version, 1));
  owned_.append(json);
  lengths_.back() = checked_length(json.size() + 1);
}

std::vector<const char*> Parameters::values() const {
  std::vector<const char*> pointers;
  pointers.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    if (slot.null)
      pointers.push_back(nullptr);
    else
      pointers.push_back(slot.outside != nullptr ? slot.outside : owned_.data() + slot.offset);
  }
  return pointers;
}

ArrayReader::ArrayReader(std::string_view bytes, Type element) {
  if (bytes.size() < empty_array_bytes) throw std::runtime_error("not the binary form of an array");
  const auto word = [bytes](std::size_t i) { return decode<std::uint32_t>(bytes.substr(i * 4, 4)); };
  if (word(2) != static_cast<Oid>(element)) throw std::runtime_error("an array of another element type");
  if (word(0) == 0) return;
  if (word(0) != 1 || bytes.size() < array_header_bytes) throw std::runtime_error("not an array of one dimension");
  count_ = word(3);
  bytes_ = bytes.substr(array_header_bytes);
  // Each element takes at least its length: what a header claims beyond that is not there to be reserved for.
  if (count_ > bytes_.size() / 4) throw std::runtime_error("an array shorter than its header says");
}

std::optional<std::string_view> ArrayReader::next() {
  if (bytes_.size() < 4) throw std::runtime_error("read past the end of an array");
  const auto length = static_cast<std::int32_t>(decode<std::uint32_t>(bytes_));
  bytes_.remove_prefix(4);
  if (length == -1) return std::nullopt;
  if (length < 0 || static_cast<std::size_t>(length) > bytes_.size()) {
    throw std::runtime_error("an array element longer than its array");
  }
  const std::string_view element = bytes_.substr(0, static_cast<std::size_t>(length));
  bytes_.remove_prefix(element.size());
  return element;
}

std::int64_t read_int(std::string_view bytes) {
  switch (bytes.size()) {
    case 2:
      return static_cast<std::int16_t>(decode<std::uint16_t>(bytes));
    case 4:
      return static_cast<std::int32_t>(decode<std::uint32_t>(bytes));
    case 8:
      return static_cast<std::int64_t>(decode<std::uint64_t>(bytes));
    default:
      throw std::runtime_error("not the binary form of an integer");
  }
}

Instant read_instant(std::string_view bytes) {
  require_size(bytes, 8, "a timestamp");
  const auto since_2000 = std::chrono::microseconds{static_cast<std::int64_t>(decode<std::uint64_t>(bytes))};
  // What lies beyond Instant's end, infinity too, saturates rather than wraps around.
  if (since_2000.count() > std::numeric_limits<std::int64_t>::max() - postgres_epoch.time_since_epoch().count()) {
    return Instant::max();
  }
  if (since_2000 == std::chrono::microseconds::min()) return Instant::min();
  return postgres_epoch + since_2000;
}

bool read_bool(std::string_view bytes) {
  require_size(bytes, 1, "a boolean");
  return bytes[0] != '\0';
}

Uuid read_uuid(std::string_view bytes) {
  Uuid value;
  require_size(bytes, value.bytes.size(), "a UUID");
  std::ranges::copy(bytes, value.bytes.begin());
  return value;
}

std::string_view read_json(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != jsonb_version) throw std::runtime_error("not the binary form of a jsonb");
  return bytes.substr(1);
}

}  // namespace tenon::postgres
