// RESP2, Redis' protocol: commands as bytes, bytes as replies. hiredis formats and parses; this side bounds what a
// server may make us hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::redis {

struct Reply {
  enum class Kind : std::uint8_t { nil, integer, text, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text = {};  // of text (status or bulk) and error
  std::vector<Reply> elements = {};

  [[nodiscard]] bool is_error() const noexcept { return kind == Kind::error; }
  // The first word of an error: "OOM", "READONLY", "NOSCRIPT"; empty for anything else.
  [[nodiscard]] std::string_view error_name() const noexcept;
  bool operator==(const Reply&) const = default;
};

// Appends one command to `out`. At least one part.
void append_command(std::string& out, std::span<const std::string_view> parts);

// Takes bytes as they come and hands out replies. After an error only destruction is allowed.
class Reader {
 public:
  Reader();
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // False, with error() set: out of memory.
  [[nodiscard]] bool feed(std::string_view bytes);

  // The next whole reply, or nothing: more bytes are needed, or error() says what is wrong with those that came (not
  // RESP2; more than limits::redis_reply_bytes_max in one reply, or more than limits::redis_reply_elements_max in one
  // array).
  [[nodiscard]] std::optional<Reply> next();
  [[nodiscard]] std::string_view error() const noexcept { return error_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string error_;
  std::size_t pending_bytes_ = 0;  // fed since the last whole reply
};

}  // namespace tenon::redis
