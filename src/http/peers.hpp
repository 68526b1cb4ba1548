// How many connections each peer holds.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/keyed_hash.hpp"

namespace tenon::http {

// An IPv4 address, written as itself however the socket tells it (::ffff:1.2.3.4 is 1.2.3.4).
[[nodiscard]] boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

// Memory: one entry per peer that holds a connection. Any number of threads.
class Peers {
 public:
  using Key = std::array<std::uint8_t, 16>;

  // The whole IPv4 address, or the /64 of an IPv6 address: who has one address there has them all.
  [[nodiscard]] static Key key_of(const boost::asio::ip::address& address);

  [[nodiscard]] bool admit(const Key& peer, std::size_t connections_max);  // false: it holds as many as it may
  void leave(const Key& peer);                                             // once per successful admit

 private:
  struct Hash {
    KeyedHash keyed;
    std::size_t operator()(const Key& key) const noexcept { return keyed(as_text(key)); }
  };
  std::mutex mutex_;
  std::unordered_map<Key, std::size_t, Hash> held_;
};

}  // namespace tenon::http
