#include "http/shard.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/answer.hpp"

namespace tenon::http {

Shard::Shard(boost::asio::io_context& context) : context_(context), clock_(context) { set_date(wall_now()); }

void Shard::walk(Monotonic now) {
  for (Connection& connection : connections_)
    if (connection.overdue(now)) connection.expire();
}

void Shard::set_date(Instant now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second == date_second_) return;
  date_second_ = second;
  date_ = http_date(second);
}

void Shard::begin_stop() {
  stopping_ = true;
  for (Connection& connection : connections_)
    if (connection.is_waiting_for_a_request()) connection.expire();
}

void Shard::cut_all() {
  for (Connection& connection : connections_) connection.cut();
}

void Shard::end_clock() {
  clock_ended_ = true;
  if (clock_) clock_->cancel();
}

boost::asio::awaitable<void> Shard::run_clock(std::shared_ptr<Shard> shard) {
  while (!shard->clock_ended_) {
    shard->clock_->expires_after(tick);
    boost::system::error_code cancelled;
    co_await shard->clock_->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    shard->set_date(wall_now());
    shard->walk(monotonic_now());
  }
}

}  // namespace tenon::http
