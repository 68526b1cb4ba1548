// A deadline over several awaits: when it passes, something is closed, and what waits on that ends with an error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "base/clock.hpp"

namespace tenon::redis {

// Rings at most once, on the executor's thread, never after its destruction.
class Alarm {
 public:
  Alarm(const boost::asio::any_io_executor& executor, Monotonic deadline, std::move_only_function<void()> ring)
      : state_(std::make_shared<State>(executor, deadline, std::move(ring))) {
    state_->timer.async_wait([waiting = std::weak_ptr(state_)](boost::system::error_code error) {
      const auto state = waiting.lock();
      if (error || !state || state->off) return;
      state->rung = true;
      state->ring();
    });
  }
  ~Alarm() {
    state_->off = true;
    state_->timer.cancel();
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  [[nodiscard]] bool rung() const noexcept { return state_->rung; }

 private:
  struct State {
    State(const boost::asio::any_io_executor& executor, Monotonic deadline, std::move_only_function<void()> what)
        : timer(executor, deadline), ring(std::move(what)) {}
    boost::asio::steady_timer timer;
    std::move_only_function<void()> ring;
    bool off = false;
    bool rung = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace tenon::redis
