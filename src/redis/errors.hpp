// What goes wrong between us and a Redis. A reply that is an error is no exception: it is a Reply.
#pragma once

#include <stdexcept>

namespace tenon::redis {

// No connection, or none any more: whether a command that was under way took effect is UNKNOWN. `what()` says why,
// without the password.
class ConnectionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The deadline passed. The connection is given up with it.
class TimeoutError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

}  // namespace tenon::redis
