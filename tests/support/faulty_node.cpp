#include "support/faulty_node.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace tenon::test {
namespace {

using std::chrono::seconds;

constexpr const char* run_preload = "/usr/lib/fiu/fiu_run_preload.so";
constexpr const char* posix_preload = "/usr/lib/fiu/fiu_posix_preload.so";
constexpr const char* control = "/usr/bin/fiu-ctrl";

std::string spec(const std::string& point, int one_in, int error) {
  return fmt::format("enable_random name={},probability={:.6f},failinfo={}", point, 1.0 / one_in, error);
}

// A program of the node's name, so that it greets as the node does, which becomes the node under libfiu.
std::filesystem::path make_wrapper(const std::filesystem::path& folder, const std::string& enabled) {
  for (const char* file : {run_preload, posix_preload, control}) {
    if (!std::filesystem::exists(file)) throw std::runtime_error("libfiu is not installed: tools/setup test does it");
  }
  const std::filesystem::path wrapper = folder / "tenon";
  std::ofstream(wrapper) << fmt::format(
      "#!/bin/sh\nFIU_ENABLE='{}' FIU_CTRL_FIFO={}/fiu LD_PRELOAD='{} {} {}' exec {} \"$@\"\n", enabled,
      folder.string(), OPERATOR_NEW, run_preload, posix_preload, TENON_BINARY);
  std::filesystem::permissions(wrapper, std::filesystem::perms::owner_all);
  return wrapper;
}

}  // namespace

FaultyNode::FaultyNode(const Node& first, std::vector<std::string> arguments)
    : first_(first), arguments_(std::move(arguments)) {
  make_wrapper(folder_.path(), "");
  start();
}

void FaultyNode::start() {
  NodeSettings settings = beside(first_);
  settings.binary = folder_.path() / "tenon";
  settings.arguments.insert(settings.arguments.end(), arguments_.begin(), arguments_.end());
  node_.reset();
  node_ = std::make_unique<Node>(settings);
}

bool FaultyNode::fail(const std::string& point, int one_in, int error) {
  ChildProgram program(
      {control, "-c", spec(point, one_in, error), "-f", folder_.path() / "fiu", std::to_string(node_->program().pid())},
      folder_.path() / "control");
  return program.await_end(seconds(20)) == 0;
}

bool FaultyNode::revive() {
  if (!node_->program().await_end(std::chrono::milliseconds(0))) return false;
  start();
  return true;
}

FaultyNode::Start FaultyNode::start_failing(const Node& first, const std::string& point, int one_in, int error) {
  const TemporaryFolder folder;
  NodeSettings settings = beside(first);
  settings.binary = make_wrapper(folder.path(), spec(point, one_in, error));
  settings.awaited = false;
  Node node(settings);
  const auto line = node.program().await_line("tenon: listening on ", seconds(60));
  // Its loader would only warn.
  if (node.program().errors().contains("cannot be preloaded")) throw std::runtime_error(node.program().errors());
  if (line) return Start::listens;
  return node.program().await_end(seconds(30)) ? Start::ended : Start::hangs;
}

}  // namespace tenon::test
