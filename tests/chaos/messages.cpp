#include "chaos/messages.hpp"

#include <utility>

namespace tenon::chaos {
namespace {

constexpr std::size_t message_bytes_max = 64 * 1024 * 1024;

std::uint32_t length_at(std::string_view bytes, std::size_t at) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length = (length << 8) | static_cast<unsigned char>(bytes[at + i]);
  return length;
}

// A text that ends with a zero byte, from `at` on, which is moved behind it.
std::string_view text_at(std::string_view bytes, std::size_t& at) {
  const std::size_t end = bytes.find('\0', at);
  if (end == std::string_view::npos) return {};
  const std::string_view text = bytes.substr(at, end - at);
  at = end + 1;
  return text;
}

bool writes(std::string_view sql) { return sql.contains("decrement_stock_atomic") || sql.contains("tenon.execute"); }

}  // namespace

std::vector<Message> MessageReader::feed(std::string_view bytes) {
  std::vector<Message> messages;
  if (broken_) {
    messages.push_back({'?', std::string(bytes)});
    return messages;
  }
  pending_ += bytes;
  std::size_t at = 0;
  while (!broken_) {
    const std::size_t header = untyped_ ? 4 : 5;
    if (pending_.size() - at < header) break;
    const std::uint32_t length = length_at(pending_, at + header - 4);
    if (length < 4 || length > message_bytes_max) {
      broken_ = true;
      messages.push_back({'?', pending_.substr(at)});
      at = pending_.size();
      break;
    }
    const std::size_t size = length + (untyped_ ? 0 : 1);
    if (pending_.size() - at < size) break;
    messages.push_back({untyped_ ? '\0' : pending_[at], pending_.substr(at, size)});
    untyped_ = false;
    at += size;
  }
  pending_.erase(0, at);
  return messages;
}

bool WriteSpotter::begins_write(const Message& message) {
  const std::string_view bytes = message.bytes;
  std::size_t at = 5;
  if (message.type == 'P') {  // Parse: name, SQL
    const std::string_view name = text_at(bytes, at);
    const bool writing = writes(text_at(bytes, at));
    if (writing) {
      writing_.emplace(name);
    } else if (const auto known = writing_.find(name); known != writing_.end()) {
      writing_.erase(known);
    }
    return false;
  }
  if (message.type != 'B') return false;  // Bind: portal, name of the statement
  (void)text_at(bytes, at);
  return writing_.contains(text_at(bytes, at));
}

}  // namespace tenon::chaos
