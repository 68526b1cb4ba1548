// PostgreSQL's binary formats: parameters out, columns in.
#pragma once

#include <libpq-fe.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace tenon::postgres {

// Object ids of the built-in types, fixed by PostgreSQL's pg_type.dat.
enum class Type : Oid {
  boolean = 16,
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  timestamptz = 1184,
  uuid = 2950,
  jsonb = 3802,
};
[[nodiscard]] Oid array_of(Type element);

// One array parameter, encoded as it grows. Elements may be null.
class ArrayParameter {
 public:
  explicit ArrayParameter(Type element);
  void clear() noexcept;  // keeps the memory
  void add_null();
  void add(std::int64_t value);      // int2, int4 or int8, as the element type says; the caller guarantees the range
  void add(std::string_view value);  // text (UTF-8 without NUL), bytea, or jsonb (its text)
  void add(const Uuid& value);
  void add(Instant value);
  void add(std::same_as<bool> auto value) { add_bool(value); }  // exactly bool: a string literal must not become one
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Type element() const noexcept { return element_; }
  [[nodiscard]] std::string_view encoded();  // patches the header; valid until the next add or clear

 private:
  void add_bool(bool value);
  void begin_element(std::size_t bytes);
  Type element_;
  std::size_t count_ = 0;
  bool has_null_ = false;
  std::string bytes_;
};

// The parameters of one statement, all binary.
class Parameters {
 public:
  void add(ArrayParameter& array);  // keeps a view: the array outlives the execution
  void add_null(Type type);
  void add(std::string_view text);
  void add(std::int64_t value);  // int8
  void add_int4(std::int32_t value);
  void add(const Uuid& value);
  void add(Instant value);
  void add(std::same_as<bool> auto value) { add_bool(value); }
  void add_bytes(std::string_view bytes);  // bytea
  void add_json(std::string_view json);    // jsonb

  [[nodiscard]] int count() const noexcept { return static_cast<int>(types_.size()); }
  [[nodiscard]] const std::vector<Oid>& types() const noexcept { return types_; }
  // For PQsendQueryParams / PQsendQueryPrepared; valid until the next add.
  [[nodiscard]] std::vector<const char*> values() const;
  [[nodiscard]] const std::vector<int>& lengths() const noexcept { return lengths_; }
  [[nodiscard]] std::vector<int> formats() const { return std::vector<int>(types_.size(), 1); }

 private:
  struct Slot {
    const char* outside = nullptr;  // points at an array's bytes
    std::size_t offset = 0;         // else into owned_
    bool null = false;
  };
  void add_bool(bool value);
  void add_owned(Type type, std::string_view bytes);
  std::vector<Oid> types_;
  std::vector<Slot> slots_;
  std::vector<int> lengths_;
  std::string owned_;
};

// Reads one array column received in binary; elements are views into the result. One dimension; an empty array has
// none. Throws std::runtime_error when the bytes are not an array of that element type.
class ArrayReader {
 public:
  ArrayReader(std::string_view bytes, Type element);
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::optional<std::string_view> next();  // raw bytes of the next element, or nothing when it is null

 private:
  std::string_view bytes_;
  std::size_t count_ = 0;
};

// Raw bytes of one value to what it means. Throw std::runtime_error on a wrong size.
[[nodiscard]] std::int64_t read_int(std::string_view bytes);  // 2, 4 or 8 bytes
[[nodiscard]] Instant read_instant(std::string_view bytes);
[[nodiscard]] bool read_bool(std::string_view bytes);
[[nodiscard]] Uuid read_uuid(std::string_view bytes);
[[nodiscard]] std::string_view read_json(std::string_view bytes);  // a jsonb value's text, a view into `bytes`

}  // namespace tenon::postgres
