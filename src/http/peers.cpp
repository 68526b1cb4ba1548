#include "http/peers.hpp"

#include <algorithm>

namespace tenon::http {

namespace ip = boost::asio::ip;

ip::address unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

Peers::Key Peers::key_of(const ip::address& address) {
  const ip::address plain = unmapped(address);
  if (plain.is_v4()) return ip::make_address_v6(ip::v4_mapped, plain.to_v4()).to_bytes();
  Key key = plain.to_v6().to_bytes();
  std::fill(key.begin() + 8, key.end(), std::uint8_t{0});
  return key;
}

bool Peers::admit(const Key& peer, std::size_t connections_max) {
  const std::scoped_lock lock(mutex_);
  std::size_t& held = held_[peer];
  if (held >= connections_max) {
    if (held == 0) held_.erase(peer);
    return false;
  }
  ++held;
  return true;
}

void Peers::leave(const Key& peer) {
  const std::scoped_lock lock(mutex_);
  const auto found = held_.find(peer);
  if (--found->second == 0) held_.erase(found);
}

}  // namespace tenon::http
