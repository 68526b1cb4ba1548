#include "redis/slots.hpp"

#include <algorithm>
#include <charconv>

namespace tenon::redis {
namespace {

// CRC16-CCITT as XMODEM has it: polynomial 0x1021, from 0, most significant bit first.
[[nodiscard]] constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr auto table = make_table();

// What of the key decides.
[[nodiscard]] std::string_view tag_of(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

// Digits and nothing else, in the range.
[[nodiscard]] std::optional<std::uint16_t> number(std::string_view text, unsigned least, unsigned most) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
  unsigned crc = 0;
  for (const char c : tag_of(key)) {
    crc = ((crc << 8U) & 0xFFFFU) ^ table[((crc >> 8U) ^ static_cast<unsigned char>(c)) & 0xFFU];
  }
  return static_cast<std::uint16_t>(crc % slot_count);
}

// "MOVED 3999 127.0.0.1:6381", "ASK 3999 :6381" (the host that says it), "MOVED 3999 fe80::1:6381".
std::optional<Redirection> redirection_of(const Reply& reply, const Endpoint& from) {
  const std::string_view name = reply.error_name();
  if (name != "MOVED" && name != "ASK") return std::nullopt;
  std::string_view rest = std::string_view(reply.text).substr(name.size());
  if (!rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  const std::size_t space = rest.find(' ');
  const std::size_t colon = rest.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return std::nullopt;
  const auto slot = number(rest.substr(0, space), 0, slot_count - 1);
  const auto port = number(rest.substr(colon + 1), 1, 65'535);
  if (!slot || !port) return std::nullopt;
  const std::string_view host = rest.substr(space + 1, colon - space - 1);
  if (host.find(' ') != std::string_view::npos) return std::nullopt;
  return Redirection{.once = name == "ASK",
                     .slot = *slot,
                     .to = {.host = host.empty() || host == "?" ? from.host : std::string(host), .port = *port}};
}

void Slots::forget(std::size_t server) noexcept {
  std::ranges::replace(servers_, static_cast<std::uint16_t>(server), std::uint16_t{0});
}

}  // namespace tenon::redis
