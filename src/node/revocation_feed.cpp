#include "node/revocation_feed.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"

namespace tenon {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t page_rows = 10'000;
// What has ended is of no use, but for tokens that live on by their leeway: a day at most.
constexpr std::chrono::hours kept_after_expiry{24};
constexpr std::size_t few = 256;  // are not worth looking through
constexpr const char* statement =
    "SELECT change, token_id, user_id, issued_before, expires_at, "
    "lifted OR coalesce(expires_at < now() - interval '1 day', false) FROM public.token_revocations "
    "WHERE change > $1 ORDER BY change LIMIT $2";

std::int64_t nanoseconds(Monotonic at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

safeguards::Revocation revocation_of(const postgres::Rows& rows, int row) {
  safeguards::Revocation one{.token_id = rows.text(row, 1), .user = rows.text(row, 2)};
  if (const auto before = rows.get(row, 3)) one.issued_before = postgres::read_instant(*before);
  if (const auto expires = rows.get(row, 4)) one.expires = postgres::read_instant(*expires);
  one.lifted = postgres::read_bool(rows.get(row, 5).value());
  return one;
}

}  // namespace

RevocationFeed::RevocationFeed(asio::io_context& context, std::string conninfo, safeguards::RevocationList& list,
                               Logger& log)
    : context_(context), conninfo_(std::move(conninfo)), list_(list), log_(log), timer_(context) {}

void RevocationFeed::start() { asio::co_spawn(context_, run(), asio::detached); }

void RevocationFeed::stop() {
  asio::post(context_, [this] {
    stopping_ = true;
    timer_.cancel();
  });
}

double RevocationFeed::age_seconds() const noexcept {
  return static_cast<double>(nanoseconds(monotonic_now()) - known_at_.load()) / 1e9;
}

asio::awaitable<void> RevocationFeed::load() {
  const Monotonic deadline = monotonic_now() + limits::connect_deadline;
  if (!connection_ || !connection_->usable()) {
    connection_ = co_await postgres::Connection::open(context_.get_executor(), conninfo_, deadline);
    change_ = 0;  // the server may be another one, that never heard of the last changes: everything once more
  }
  bool more = true;
  while (more) more = co_await take_page(monotonic_now() + limits::connect_deadline);
  forget_expired();
  known_at_ = nanoseconds(monotonic_now());
}

asio::awaitable<bool> RevocationFeed::take_page(Monotonic deadline) {
  postgres::Parameters parameters;
  parameters.add(change_);
  parameters.add(page_rows);
  const postgres::Rows rows = co_await connection_->execute(statement, parameters, deadline);
  std::vector<safeguards::Revocation> changes;
  for (int row = 0; row < rows.size(); ++row) changes.push_back(revocation_of(rows, row));
  list_.apply(changes);
  if (rows.size() > 0) {
    change_ = postgres::read_int(rows.get(rows.size() - 1, 0).value());
    log_.event(LogLevel::debug, "revocations", {{"known", static_cast<std::int64_t>(list_.size())}});
  }
  co_return rows.size() == page_rows;
}

// Looks through the list when it has doubled, so that it stays within twice what is needed, at little cost for each.
void RevocationFeed::forget_expired() {
  if (list_.size() < 2 * lasting_ || list_.size() < few) return;
  list_.forget_expired(wall_now() - kept_after_expiry);
  lasting_ = list_.size();
}

asio::awaitable<void> RevocationFeed::run() {
  while (!stopping_) {
    timer_.expires_after(limits::revocation_refresh);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopping_) break;
    try {
      co_await load();
      if (troubled_) log_.event(LogLevel::info, "revocations_fresh_again", {});
      troubled_ = false;
    } catch (const std::exception& failure) {
      connection_.reset();
      if (!troubled_) {  // once, not twice a second
        log_.event(LogLevel::warning, "revocations_not_refreshed", {{"reason", std::string_view(failure.what())}});
      }
      troubled_ = true;
    }
  }
  connection_.reset();
}

}  // namespace tenon
