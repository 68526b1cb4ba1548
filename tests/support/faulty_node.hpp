// A node whose library calls fail now and then (libfiu): memory is refused, sockets break. Beside another node, on that
// one's database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "support/node.hpp"

namespace tenon::test {

class FaultyNode {
 public:
  // Throws std::runtime_error when libfiu is not installed (tools/setup test). Only from the main thread.
  explicit FaultyNode(const Node& first, std::vector<std::string> arguments = {});
  FaultyNode(const FaultyNode&) = delete;
  FaultyNode& operator=(const FaultyNode&) = delete;

  [[nodiscard]] const Node& node() const noexcept { return *node_; }

  // One call in `one_in` of those that the point stands for ("libc/mm/malloc", "posix/io/net/recv"; fiu-run(1)) fails
  // with that errno from now on. False: the node did not live to hear of it.
  [[nodiscard]] bool fail(const std::string& point, int one_in, int error);

  // Starts it anew, without faults, when it has died. True: it had.
  bool revive();

  // What becomes of one whose calls fail from its first instruction on, in time. Throws std::runtime_error when libfiu
  // was not loaded into it.
  enum class Start : std::uint8_t { listens, ended, hangs };
  [[nodiscard]] static Start start_failing(const Node& first, const std::string& point, int one_in, int error);

 private:
  void start();

  const Node& first_;
  std::vector<std::string> arguments_;
  TemporaryFolder folder_;
  std::unique_ptr<Node> node_;
};

}  // namespace tenon::test
