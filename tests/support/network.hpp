// Packets that are dropped: nftables in a network namespace of the test's own, where the kernel lets us.
#pragma once

#include <cstdint>
#include <string>

namespace tenon::test {

class Network {
 public:
  // Takes the program into a network namespace of its own, whose loopback interface is up. Before any other thread and
  // any socket. What it starts from then on lives there as well.
  Network();
  [[nodiscard]] bool can_drop() const noexcept { return can_drop_; }
  [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

  // Drops all packets to and from this port of the loopback interface. Throws std::runtime_error.
  static void drop(std::uint16_t port);
  static void deliver();  // all again

 private:
  bool can_drop_ = false;
  std::string why_not_;
};

}  // namespace tenon::test
