// A byte stream to a Redis: TCP, TLS over TCP, or a Unix socket.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/address.hpp"

namespace tenon::redis {

// Used on the executor that it was connected with. One read and one write at a time; buffers live until they are done.
class Stream {
 public:
  using OnRead = std::move_only_function<void(boost::system::error_code, std::size_t)>;
  using OnWritten = std::move_only_function<void(boost::system::error_code)>;

  virtual ~Stream() = default;
  virtual void read_some(boost::asio::mutable_buffer into, OnRead done) = 0;
  virtual void write(boost::asio::const_buffer bytes, OnWritten done) = 0;
  virtual void close() noexcept = 0;  // what is under way ends with an error
};

// A client's TLS, 1.2 or better, that verifies the server's certificate and its name: against the authorities in
// `ca_file` (PEM), or the system's when that is empty. Throws std::runtime_error naming the file that can't be read.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> client_tls(const std::string& ca_file);

// Where one host may be reached: an endpoint for each of its addresses, with the name it was written as.
struct Target {
  Endpoint named;       // what a certificate must be for
  std::string address;  // numeric; empty for a Unix socket
};

// Empty when the name cannot be resolved before the deadline.
[[nodiscard]] boost::asio::awaitable<std::vector<Target>> resolve(boost::asio::any_io_executor executor,
                                                                  Address::Transport transport, Endpoint endpoint,
                                                                  Monotonic deadline);

// `tls`: with Transport::tls. Throws ConnectionError, or TimeoutError when the deadline passes.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<Stream>> connect(boost::asio::any_io_executor executor,
                                                                      Address::Transport transport, Target target,
                                                                      std::shared_ptr<boost::asio::ssl::context> tls,
                                                                      Monotonic deadline);

}  // namespace tenon::redis
