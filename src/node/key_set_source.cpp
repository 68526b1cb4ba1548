#include "node/key_set_source.hpp"

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "node/https_get.hpp"
#include "node/refresh_schedule.hpp"
#include "safeguards/jwks.hpp"

namespace tenon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds file_period{1'000};
constexpr milliseconds tick{500};  // how soon a token with an unknown key is noticed

std::expected<std::string, std::string> content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected("it cannot be read");
  std::string text(limits::key_set_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

// Since it was written.
std::chrono::nanoseconds age_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file, error);
  if (error) return {};
  using Clock = std::filesystem::file_time_type::clock;
  return std::max(std::chrono::nanoseconds{}, std::chrono::nanoseconds(Clock::now() - written));
}

std::int64_t nanoseconds(Monotonic at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

}  // namespace

KeySetSource::KeySetSource(const TokenSettings& settings, std::vector<safeguards::TokenAlgorithm> algorithms,
                           const std::filesystem::path& data_dir, safeguards::TokenKeyring& ring, Logger& log)
    : source_(settings.key_set),
      authorities_(settings.authorities),
      period_(settings.key_set_refresh_seconds),
      algorithms_(std::move(algorithms)),
      copy_(data_dir / "token-jwks.json"),
      ring_(ring),
      log_(log) {
  Text text = load({});
  std::expected<void, std::string> taken = text ? take(*text) : std::unexpected(text.error());
  if (taken) {
    if (is_url(source_)) keep_copy(*text);
    return;
  }
  const std::string why = "--token-jwks " + source_ + ": " + taken.error();
  if (!is_url(source_)) throw std::runtime_error(why);
  // The copy says in its first line whose it is: another URL's keys are not these.
  const Text copy = content_of(copy_);
  if (!copy || !copy->starts_with(source_ + "\n") || !take(copy->substr(source_.size() + 1))) {
    throw std::runtime_error(why + ", and no set of it was fetched before");
  }
  known_at_ = nanoseconds(monotonic_now() - age_of(copy_));
  troubled_ = true;
  log_.event(LogLevel::warning, "token_keys_from_copy", {{"reason", std::string_view(why)}});
}

KeySetSource::~KeySetSource() = default;

void KeySetSource::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

double KeySetSource::age_seconds() const noexcept {
  return static_cast<double>(nanoseconds(monotonic_now()) - known_at_.load()) / 1e9;
}

KeySetSource::Text KeySetSource::load(const std::stop_token& stop) const {
  if (!is_url(source_)) return content_of(source_);
  return https_get({.url = source_,
                    .authorities = authorities_,
                    .deadline = limits::key_set_deadline,
                    .bytes_max = limits::key_set_bytes_max},
                   stop);
}

std::expected<void, std::string> KeySetSource::take(const std::string& text) {
  if (text == text_) {
    known_at_ = nanoseconds(monotonic_now());
    return {};
  }
  auto set = safeguards::parse_key_set(text, algorithms_);
  if (!set) return std::unexpected(std::move(set.error()));
  const auto keys = static_cast<std::int64_t>(set->keys->size());
  ring_.replace(std::move(set->keys));
  text_ = text;
  known_at_ = nanoseconds(monotonic_now());
  log_.event(LogLevel::info, "token_keys", {{"keys", keys}});
  for (const std::string& reason : set->passed_over) {
    log_.event(LogLevel::info, "token_key_passed_over", {{"reason", std::string_view(reason)}});
  }
  return {};
}

// For the next start, should the URL be away then. Written with each fetch: its age is that of the keys. Whole under
// another name first.
void KeySetSource::keep_copy(const std::string& text) const {
  const std::filesystem::path draft = copy_.string() + ".new";
  std::error_code error;
  {
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << source_ << '\n' << text;
    out.flush();
    if (!out) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(draft, copy_, error);
  if (error) log_.event(LogLevel::warning, "token_keys_not_copied", {{"reason", std::string_view(error.message())}});
}

void KeySetSource::refresh(const std::stop_token& stop) {
  const Text text = load(stop);
  if (stop.stop_requested()) return;
  const std::expected<void, std::string> taken = text ? take(*text) : std::unexpected(text.error());
  if (taken) {
    if (is_url(source_)) keep_copy(*text);
    if (troubled_) log_.event(LogLevel::info, "token_keys_fresh_again", {});
    troubled_ = false;
    return;
  }
  if (!troubled_) {  // once, not with every attempt
    log_.event(LogLevel::warning, "token_keys_not_refreshed", {{"reason", std::string_view(taken.error())}});
  }
  troubled_ = true;
}

void KeySetSource::run(const std::stop_token& stop) {
  const bool url = is_url(source_);
  RefreshSchedule schedule({.usual = url ? milliseconds(period_) : file_period,
                            .retry_least = milliseconds(1'000),
                            .retry_most = url ? milliseconds(limits::key_set_retry_max) : file_period,
                            .asked_least = url ? milliseconds(limits::key_set_refresh_after_unknown_key) : file_period},
                           monotonic_now());
  if (troubled_) {
    schedule.failed(monotonic_now());
  } else {
    schedule.succeeded(monotonic_now());
  }
  std::mutex mutex;
  std::condition_variable_any woken;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex);
      woken.wait_for(lock, stop, tick, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (ring_.take_miss()) schedule.asked(monotonic_now());
    if (monotonic_now() < schedule.due()) continue;
    refresh(stop);
    if (troubled_) {
      schedule.failed(monotonic_now());
    } else {
      schedule.succeeded(monotonic_now());
    }
  }
}

}  // namespace tenon
