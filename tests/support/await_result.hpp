// Runs one coroutine to its end, beside whatever else an io_context has to do, for tests that read from top to bottom.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <type_traits>

namespace tenon::test {

template <class T>
T await_result(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::exception_ptr failure;
  bool done = false;
  const auto ended = [&](std::exception_ptr error) {
    failure = error;
    done = true;
  };
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  if constexpr (std::is_void_v<T>) {
    boost::asio::co_spawn(io, std::move(work), ended);
  } else {
    boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T result) {
      if (!error) value.emplace(std::move(result));
      ended(error);
    });
  }
  io.restart();
  while (!done && io.run_one() > 0) continue;
  if (failure) std::rethrow_exception(failure);
  if constexpr (!std::is_void_v<T>) return std::move(value).value();
}

}  // namespace tenon::test
