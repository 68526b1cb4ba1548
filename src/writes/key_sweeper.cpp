#include "writes/key_sweeper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tenon::writes {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::seconds period{5};
constexpr std::int64_t portion = 10'000;          // what tenon.forget_nonces deletes at once, at most
constexpr unsigned turns_a_look_at_months = 720;  // once an hour: months are made far ahead
}  // namespace

KeySweeper::KeySweeper(asio::io_context& context, std::string conninfo, Logger& log)
    : context_(context), conninfo_(std::move(conninfo)), log_(log), timer_(context) {}

void KeySweeper::start() { asio::co_spawn(context_, run(), asio::detached); }

void KeySweeper::stop() {
  asio::post(context_, [this] {
    stopping_ = true;
    timer_.cancel();
  });
}

asio::awaitable<void> KeySweeper::run() {
  while (!stopping_) {
    timer_.expires_after(period);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopping_) break;
    try {
      co_await turn();
    } catch (const std::exception& failure) {  // the next turn tries again; lanes report a database that is away
      connection_.reset();
      log_.event(LogLevel::warning, "key_sweep_failed", {{"reason", std::string_view(failure.what())}});
    }
  }
  connection_.reset();
}

asio::awaitable<void> KeySweeper::turn() {
  const Monotonic deadline = monotonic_now() + period;
  if (!connection_ || !connection_->usable()) {
    connection_ = co_await postgres::Connection::open(context_.get_executor(), conninfo_, deadline);
  }
  const postgres::Rows rows = co_await connection_->script("SELECT tenon.turn_key_generation()", deadline);
  const std::string did = rows.text(0, 0);
  if (!did.empty()) log_.event(LogLevel::debug, "key_generation", {{"did", std::string_view(did)}});
  std::int64_t forgotten = portion;
  const postgres::Parameters none;
  while (forgotten == portion && monotonic_now() < deadline && !stopping_) {
    const postgres::Rows gone =
        co_await connection_->execute("SELECT tenon.forget_nonces()", none, monotonic_now() + period);
    forgotten = postgres::read_int(gone.get(0, 0).value());
  }
  if (turns_++ % turns_a_look_at_months == 0) {
    const postgres::Rows months =
        co_await connection_->script("SELECT nullif(tenon.add_audit_months(), '{}')", monotonic_now() + period);
    if (const std::string made = months.text(0, 0); !made.empty()) {
      log_.event(LogLevel::info, "audit_months", {{"made", std::string_view(made)}});
    }
  }
}

}  // namespace tenon::writes
