// One connection to a Redis, shared by many coroutines: commands go out together, replies are matched in order.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "redis/address.hpp"
#include "redis/errors.hpp"
#include "redis/resp.hpp"

namespace tenon::redis {

// Used on one executor, which must be an io_context's with one thread. Any number of coroutines of that executor may
// have calls under way (up to limits::redis_calls_max); what they send in one turn of the loop goes out in one write.
// The first error, broken reply or passed deadline ends the connection: all calls under way fail with it, as it is
// unknown which replies would still come.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Looks the hosts up, connects, logs in and selects the database; of several hosts it takes the first that says it is
  // a primary. `tls` as connect() has it. Throws ConnectionError that names what was wrong with the last host tried.
  [[nodiscard]] static boost::asio::awaitable<std::shared_ptr<Connection>> open(
      boost::asio::any_io_executor executor, Address address, std::shared_ptr<boost::asio::ssl::context> tls,
      Monotonic deadline);
  virtual ~Connection() = default;

  // One command; `parts` are copied before it first suspends. An error reply is returned, not thrown. Throws
  // ConnectionError (TimeoutError when it was this call's own deadline, or another's, that passed).
  [[nodiscard]] virtual boost::asio::awaitable<Reply> call(std::span<const std::string_view> parts,
                                                           Monotonic deadline) = 0;

  // The same, said to be asked for once though the key is not there yet: what ASK of a Redis Cluster wants.
  [[nodiscard]] virtual boost::asio::awaitable<Reply> call_asking(std::span<const std::string_view> parts,
                                                                  Monotonic deadline) = 0;

  // Which of the hosts it is to.
  [[nodiscard]] virtual const Endpoint& peer() const noexcept = 0;
  [[nodiscard]] virtual bool usable() const noexcept = 0;
  // Ends it, for this reason: calls under way throw ConnectionError with it. Nothing when it has ended.
  virtual void close(const std::string& reason) = 0;
  // Returns when the connection has ended; why.
  [[nodiscard]] virtual boost::asio::awaitable<std::string> ended() = 0;
};

}  // namespace tenon::redis
