// The handler that turns Boost.JSON's parse events into our tree. Boost's own tree keeps the last of duplicate members,
// rounds every decimal and makes infinity of 1e400; its tokenizer does none of that.
#pragma once

#include <array>
#include <boost/json/basic_parser.hpp>
#include <boost/json/error.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "encoding/json.hpp"

namespace tenon::json {

class Builder {
 public:
  using Error = boost::system::error_code;
  using Text = boost::json::string_view;

  // The tokenizer's own bounds: off. The body's size is bounded before we see it, members are counted here.
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_object_size = max_array_size;
  static constexpr std::size_t max_string_size = max_array_size;
  static constexpr std::size_t max_key_size = max_array_size;

  bool on_document_begin(Error&) {
    pending_.reserve(8);  // enough for most bodies: one allocation instead of four
    return true;
  }
  bool on_document_end(Error&) { return true; }
  bool on_array_begin(Error& error) { return open(false, error); }
  bool on_array_end(std::size_t, Error& error);
  bool on_object_begin(Error& error) { return open(true, error); }
  bool on_object_end(std::size_t, Error& error);
  bool on_key_part(Text part, std::size_t, Error&) { return keep(part); }
  bool on_key(Text rest, std::size_t, Error& error);
  bool on_string_part(Text part, std::size_t, Error&) { return keep(part); }
  bool on_string(Text rest, std::size_t, Error& error) { return add(Value(take(rest)), error); }
  bool on_number_part(Text part, Error&) { return keep(part); }
  bool on_int64(std::int64_t value, Text rest, Error& error);
  bool on_uint64(std::uint64_t, Text rest, Error& error) { return on_double(0, rest, error); }
  bool on_double(double approximation, Text rest, Error& error);
  bool on_bool(bool value, Error& error) { return add(Value(value), error); }
  bool on_null(Error& error) { return add(Value(nullptr), error); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  // After a whole document: its tree.
  [[nodiscard]] Value take_root() { return std::move(pending_.back().value); }

  // Why this handler stopped the parse; empty when it did not. `refused_bytes` is how much of what was just read it is
  // about.
  [[nodiscard]] std::string_view refusal() const noexcept { return refusal_; }
  [[nodiscard]] std::size_t refused_bytes() const noexcept { return refused_bytes_; }

  // The first name that an object held twice. A document that is not JSON at all is told so first, hence no stop.
  [[nodiscard]] const std::optional<std::string>& duplicate() const noexcept { return duplicate_; }

 private:
  struct Open {
    bool is_object = false;
    std::size_t first = 0;  // index of its first child in pending_
  };

  bool refuse(std::string_view why, std::size_t bytes, Error& error);
  bool open(bool is_object, Error& error);
  bool count(Error& error);
  bool add(Value&& value, Error& error);
  bool keep(Text part);
  std::string take(Text rest);
  void note_duplicate(std::size_t first);

  // Children of all open containers, innermost last; a container takes its own off the end, so each one is allocated
  // once and to size. An array's elements have empty names.
  std::vector<Member> pending_;
  std::array<Open, limits::json_depth_max> open_{};
  std::size_t depth_ = 0;
  std::size_t members_ = 0;
  std::string text_;  // what came in parts so far
  std::optional<std::string> duplicate_;
  std::string_view refusal_;
  std::size_t refused_bytes_ = 0;
};

}  // namespace tenon::json
