#include "safeguards/client_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "safeguards/forwarded.hpp"

namespace tenon::safeguards {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

constexpr unsigned v4_bits = 32;
constexpr unsigned v6_bits = 128;
constexpr unsigned mapped_prefix_bits = 96;
constexpr std::size_t hops_max = 100;

template <std::size_t Size>
[[nodiscard]] bool same_prefix(const std::array<unsigned char, Size>& a, const std::array<unsigned char, Size>& b,
                               unsigned bits) noexcept {
  const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto at = static_cast<std::size_t>(whole);
  return (a[at] ^ b[at]) >> (8 - bits % 8) == 0;
}

[[nodiscard]] bool is_trusted(const address& hop, std::span<const Network> trusted) noexcept {
  return std::ranges::any_of(trusted, [&](const Network& network) { return network.contains(hop); });
}

// From the trusted peer outward, until the first hop that is not ours or cannot be read.
[[nodiscard]] address walk(const http::Request& request, HopSyntax syntax, const address& peer,
                           std::span<const Network> trusted) {
  Hops hops(request.headers, syntax);
  address charged = peer;
  for (std::size_t read = 0; read < hops_max && is_trusted(charged, trusted); ++read) {
    const auto hop = hops.next();
    if (!hop) break;
    charged = unmapped(*hop);
  }
  return charged;
}

[[nodiscard]] std::optional<unsigned> parse_bits(std::string_view text, unsigned most) noexcept {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size() || bits > most) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return bits;
}

}  // namespace

bool Network::contains(const address& candidate) const noexcept {
  if (candidate.is_v6() && candidate.to_v6().is_v4_mapped()) return contains(unmapped(candidate));
  if (base.is_v4() != candidate.is_v4()) return false;
  if (base.is_v4()) return same_prefix(base.to_v4().to_bytes(), candidate.to_v4().to_bytes(), prefix_bits);
  return same_prefix(base.to_v6().to_bytes(), candidate.to_v6().to_bytes(), prefix_bits);
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto written = parse_address(text.substr(0, slash));
  if (!written) return std::nullopt;
  const unsigned most = written->is_v4() ? v4_bits : v6_bits;
  const auto bits = slash == std::string_view::npos ? std::optional(most) : parse_bits(text.substr(slash + 1), most);
  if (!bits) return std::nullopt;

  const address base = unmapped(*written);
  if (base.is_v4() == written->is_v4()) return Network{.base = base, .prefix_bits = *bits};
  // A block of mapped addresses is a block of IPv4; a wider one would mix both families.
  if (*bits < mapped_prefix_bits) return std::nullopt;
  return Network{.base = base, .prefix_bits = *bits - mapped_prefix_bits};
}

address unmapped(const address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

address client_address(const http::Request& request, std::span<const Network> trusted) {
  const address peer = unmapped(request.peer);
  if (!is_trusted(peer, trusted)) return peer;
  const bool forwarded = request.count("Forwarded") > 0;
  if (!forwarded) return walk(request, HopSyntax::x_forwarded_for, peer, trusted);

  const address client = walk(request, HopSyntax::forwarded, peer, trusted);
  if (request.count("X-Forwarded-For") == 0) return client;
  return walk(request, HopSyntax::x_forwarded_for, peer, trusted) == client ? client : peer;
}

std::string text_of(const address& address) {
  if (!address.is_v4()) return address.to_string();
  std::array<char, sizeof "255.255.255.255"> text;
  char* end = text.data();
  for (const unsigned char byte : address.to_v4().to_bytes()) {
    if (end != text.data()) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), byte).ptr;
  }
  return {text.data(), end};
}

std::string subject_of(const address& address) {
  const auto plain = unmapped(address);
  if (plain.is_v4()) return text_of(plain);
  auto bytes = plain.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return address_v6(bytes).to_string() + "/64";
}

}  // namespace tenon::safeguards
