// nginx or haproxy before a node, as people put them there: on a free port of the loopback interface, with connections
// to the node that are kept open and shared by all clients. It denies every PATCH: one that reaches the node all the
// same has been smuggled past it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {

class ReverseProxy {
 public:
  enum class Kind : std::uint8_t {
    nginx,
    haproxy,
    lenient_haproxy,  // option accept-invalid-http-request
  };
  // Listening. Throws std::runtime_error, with what it said, when it does not come to that; and when the program is not
  // installed (tools/setup test). Only from the main thread (ChildProgram).
  ReverseProxy(Kind kind, std::uint16_t node);
  ~ReverseProxy() = default;  // ends it
  ReverseProxy(const ReverseProxy&) = delete;
  ReverseProxy& operator=(const ReverseProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string log() const { return content_of(folder_.path() / "log"); }

 private:
  [[nodiscard]] std::string configuration(std::uint16_t node) const;
  [[nodiscard]] bool listens();

  Kind kind_;
  TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  std::optional<ChildProgram> program_;
};

}  // namespace tenon::test
