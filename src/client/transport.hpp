// The way of one request to a server and of its answer back.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "client/retry.hpp"
#include "safeguards/signature/outgoing.hpp"

namespace tenon::client {

// By its certificate a server is not who it should be; nothing was sent to it. Asking again would not change that.
class UntrustedServer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // The final answer: those with 1xx before it are passed over. Throws boost::system::system_error when no whole one
  // came within `deadline`, or an upgrade to another protocol: whether the request ran is not known. Nothing is sent
  // once the deadline has passed. Throws UntrustedServer.
  [[nodiscard]] virtual boost::asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request,
                                                                  std::chrono::milliseconds deadline) = 0;
};

inline constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t idle_connections_max = 16;  // per scheme and authority
inline constexpr int interim_answers_max = 8;            // 1xx before one final answer

// HTTP/1.1 over TCP or TLS 1.2 and later, with connections that are used again: not those over which more came than the
// answer, and none of a server's once a request over one of them had no answer. Headers are sent as they are,
// unchecked. Servers are verified against the authorities in `authorities_file` (PEM), or the system's when it is
// empty. Runs on `executor`, from one thread at a time. Throws std::runtime_error for authorities that cannot be read.
// Resolving a name is left behind at the deadline: it cannot be stopped, and keeps the executor's context until it
// ends.
[[nodiscard]] std::unique_ptr<Transport> make_transport(boost::asio::any_io_executor executor,
                                                        const std::string& authorities_file = {});

}  // namespace tenon::client
