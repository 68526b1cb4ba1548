// What a fuzz target is: a function of bytes that a stranger wrote. It returns when all that it promises about them
// holds; says which promise does not, with check(); or crashes. Same bytes, same outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenon::fuzz {

using Target = void (*)(std::string_view input);

// Ends the program with that sentence unless `holds`.
void check(bool holds, const char* promise);

// Takes bytes off the front of an input, for targets that want more than one thing of it. After its end: zeros.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  // Up to the next line break, which goes with it.
  [[nodiscard]] std::string_view line() noexcept {
    const std::size_t end = rest_.find('\n');
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return taken;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Cuts bytes into pieces whose sizes follow from the bytes themselves: what arrives in one piece and what arrives in
// many must come to the same.
class Pieces {
 public:
  explicit Pieces(std::string_view bytes) noexcept : rest_(bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  }
  [[nodiscard]] std::string_view next(std::size_t most) noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const std::uint64_t wanted = state_ % 8 == 0 ? state_ >> 40 : 1 + (state_ >> 32) % 24;
    std::size_t size = wanted < most ? static_cast<std::size_t>(wanted) : most;
    if (size == 0) size = 1;
    const std::string_view piece = rest_.substr(0, size);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  [[nodiscard]] std::string_view take(std::size_t most) noexcept {
    const std::string_view piece = rest_.substr(0, most);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace tenon::fuzz
