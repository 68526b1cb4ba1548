// A blocking client that sends exactly the bytes it is told to, well-formed or not, to a port of this machine. Every
// call has a deadline: what doesn't happen within it throws, so that a test fails instead of hanging.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::test {

struct RawResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as sent, in order
  std::string body;

  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;  // first of that name, in any case
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

class RawClientError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class RawClient {
 public:
  static constexpr std::chrono::milliseconds default_patience{5'000};

  // Connects to 127.0.0.1; throws RawClientError when refused.
  explicit RawClient(std::uint16_t port, std::chrono::milliseconds patience = default_patience);
  ~RawClient();
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), patience_(other.patience_), unread_(std::move(other.unread_)) {}
  RawClient& operator=(RawClient&&) = delete;

  // Sends all of it. What the server no longer wants to hear is dropped without an error: its answer tells why.
  void send(std::string_view bytes);
  void finish_sending();  // half-close: the server reads an end of file

  // One response; an interim one (100) counts as one. `to_head`: it answers HEAD and has no body, whatever it says.
  [[nodiscard]] RawResponse read(bool to_head = false);

  // True when the server ends the connection, without having sent another byte. Throws when it does neither.
  [[nodiscard]] bool closed();

  void set_patience(std::chrono::milliseconds patience) noexcept { patience_ = patience; }  // for what comes now
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  [[nodiscard]] bool receive_more();  // false: the server ended the connection
  void receive_until(std::size_t bytes);

  int fd_ = -1;
  std::chrono::milliseconds patience_;
  std::string unread_;
};

// Sends `bytes` over a connection of its own and reads the one response to it.
[[nodiscard]] RawResponse exchange(std::uint16_t port, std::string_view bytes);

}  // namespace tenon::test
