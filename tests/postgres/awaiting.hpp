// Runs one coroutine to its end on an io_context of its own thread, for tests that read from top to bottom.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "postgres/connection.hpp"

namespace tenon::test {

template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::exception_ptr failure;
  std::optional<T> value;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T result) {
    failure = error;
    if (!error) value.emplace(std::move(result));
  });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(value).value();
}

inline void run(boost::asio::io_context& io, boost::asio::awaitable<void> work) {
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) { failure = error; });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
}

inline Monotonic soon(std::chrono::milliseconds wait = std::chrono::seconds(20)) { return monotonic_now() + wait; }

inline std::unique_ptr<postgres::Connection> open(boost::asio::io_context& io, const std::string& conninfo) {
  return run(io, postgres::Connection::open(io.get_executor(), conninfo, soon()));
}

}  // namespace tenon::test
