#include "support/network.hpp"

#include <sched.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {
namespace {

constexpr const char* nft = "/usr/sbin/nft";

void run(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  ChildProgram program(arguments, folder.path() / "errors");
  if (program.await_end(std::chrono::seconds(10)) != 0) {
    throw std::runtime_error(arguments.front() + ": " + program.errors());
  }
}

}  // namespace

Network::Network() {
  try {
    if (!std::filesystem::exists(nft)) throw std::runtime_error("nft is not installed");
    if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error(std::string("unshare: ") + std::strerror(errno));
    run({"/usr/sbin/ip", "link", "set", "lo", "up"});
    run({nft, "add table inet tenon"});
    run({nft, "add chain inet tenon out { type filter hook output priority 0; }"});
    can_drop_ = true;
  } catch (const std::runtime_error& error) {
    why_not_ = error.what();
  }
}

void Network::drop(std::uint16_t port) {
  run({nft, "add rule inet tenon out tcp dport " + std::to_string(port) + " drop"});
  run({nft, "add rule inet tenon out tcp sport " + std::to_string(port) + " drop"});
}

void Network::deliver() { run({nft, "flush chain inet tenon out"}); }

}  // namespace tenon::test
