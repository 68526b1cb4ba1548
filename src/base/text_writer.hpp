// Text put together piece by piece in room that was set aside for all of it at once: of what each request has several
// (its answer's header, its line of the log) no piece has to ask whether the string must grow.
#pragma once

#include <charconv>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace tenon {

// Writes to the room it was given and no further: a piece that does not fit is left out, and remembered.
class TextWriter {
 public:
  TextWriter(char* begin, std::size_t room) noexcept : at_(begin), end_(begin + room) {}

  // Inline, so that a literal is copied by a store or two.
  TextWriter& text(std::string_view piece) noexcept {
    if (piece.size() > static_cast<std::size_t>(end_ - at_)) return leave_out();
    std::char_traits<char>::copy(at_, piece.data(), piece.size());  // of nothing, too: memcpy takes no null
    at_ += piece.size();
    return *this;
  }
  // As std::to_chars writes it: a whole number, or a double in the format given.
  template <class Number, class... Format>
  TextWriter& number(Number value, Format... format) noexcept {
    const auto [end, error] = std::to_chars(at_, end_, value, format...);
    if (error != std::errc{}) return leave_out();
    at_ = end;
    return *this;
  }

  [[nodiscard]] const char* end() const noexcept { return at_; }
  [[nodiscard]] bool left_out() const noexcept { return left_out_; }

 private:
  TextWriter& leave_out() noexcept {
    left_out_ = true;
    return *this;
  }

  char* at_;
  char* end_;
  bool left_out_ = false;
};

// Room for any whole number, and for a double of six digits.
inline constexpr std::size_t number_characters_max = 24;

// Appends what `write` writes with a TextWriter&: `most` characters at most. More: std::length_error, with `out` as it
// was, and whoever set the room aside counted wrong. What `write` throws leaves `out` as it was, too.
template <class Write>
void append_at_most(std::string& out, std::size_t most, const Write& write) {
  const std::size_t before = out.size();
  bool fitted = true;
  std::exception_ptr failure;  // nothing may be thrown through the string while its new part is not written
  out.resize_and_overwrite(before + most, [&](char* begin, std::size_t) noexcept {
    TextWriter writer(begin + before, most);
    try {
      write(writer);
    } catch (...) {
      failure = std::current_exception();
      return before;
    }
    fitted = !writer.left_out();
    return fitted ? static_cast<std::size_t>(writer.end() - begin) : before;
  });
  if (failure) std::rethrow_exception(failure);
  if (!fitted) throw std::length_error("a text is longer than was thought");
}

}  // namespace tenon
