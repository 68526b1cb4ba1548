// The servers that a conninfo names, one by one. libpq would try them by itself, but asynchronously it resolves names
// on the calling thread and has no time limit per host, so that one dead host would eat the whole deadline.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tenon::postgres {

struct Endpoint {
  std::string host;     // as written: certificates and password files are matched against it
  std::string address;  // numeric; empty: not resolved yet, or a Unix socket's directory
  std::string port;
  [[nodiscard]] bool needs_resolving() const noexcept;
};

// In the order written. Empty when `conninfo` names no host (libpq's defaults then hold) or is none: libpq says why.
[[nodiscard]] std::vector<Endpoint> endpoints_of(const std::string& conninfo);

// The endpoint once per address of its host; none when it cannot be resolved before `deadline`.
[[nodiscard]] boost::asio::awaitable<std::vector<Endpoint>> resolve(boost::asio::any_io_executor executor,
                                                                    Endpoint endpoint, Monotonic deadline);

}  // namespace tenon::postgres
