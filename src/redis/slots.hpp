// Redis Cluster's view of keys: each belongs to one of 16,384 slots, and each slot to one server, which may change.
// Pure: no I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "redis/address.hpp"
#include "redis/resp.hpp"

namespace tenon::redis {

inline constexpr std::size_t slot_count = 16'384;

// By the cluster's rule: CRC16 of what is between the first `{` and the next `}`, when that is something; else of the
// whole key.
[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

// Another server is to be asked: from now on (MOVED), or this once, with ASKING before it, as the slot is on its way
// there (ASK).
struct Redirection {
  bool once = false;
  std::uint16_t slot = 0;
  Endpoint to = {};
};

// Nothing unless the reply is a MOVED or ASK that can be followed. `from`: who said it; where it names no host, it
// means its own.
[[nodiscard]] std::optional<Redirection> redirection_of(const Reply& reply, const Endpoint& from);

// Which server has which slot, as far as is known: servers are numbers, 0 is none.
class Slots {
 public:
  [[nodiscard]] std::size_t at(std::uint16_t slot) const noexcept { return servers_[slot]; }
  void assign(std::uint16_t slot, std::size_t server) noexcept { servers_[slot] = static_cast<std::uint16_t>(server); }
  void forget(std::size_t server) noexcept;  // all slots of it

 private:
  std::array<std::uint16_t, slot_count> servers_{};
};

}  // namespace tenon::redis
