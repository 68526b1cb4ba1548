#include "chaos/history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::chaos {
namespace {

std::int64_t nanoseconds(Monotonic time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

constexpr std::size_t successes_kept = 20'000;

int close_file(FILE* file) { return file != nullptr ? std::fclose(file) : 0; }

}  // namespace

std::string_view name_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::create:
      return "create";
    case Kind::read:
      return "read";
    case Kind::sell:
      return "sell";
    case Kind::restock:
      return "restock";
    case Kind::edit:
      return "edit";
    case Kind::remove:
      return "remove";
    case Kind::offer:
      return "offer";
    case Kind::purchase:
      return "purchase";
    case Kind::visit:
      return "visit";
    case Kind::order:
      return "order";
    case Kind::limited:
      return "limited";
  }
  return "?";
}

const Attempt* Call::first_final() const {
  const Attempt* first = nullptr;
  for (const Attempt& attempt : attempts) {
    if (attempt.answer.is_final && (first == nullptr || attempt.answered < first->answered)) first = &attempt;
  }
  return first;
}

bool Call::succeeded() const {
  const Attempt* attempt = first_final();
  return attempt != nullptr && attempt->answer.status < 300;
}

std::string name_of(const Call& call) {
  std::string text = fmt::format("{} {}/{}", name_of(call.kind), call.user, call.key.empty() ? "-" : call.key);
  for (const Line& line : call.lines) text += fmt::format(" item {} x {}", line.item, line.quantity);
  if (call.expected) text += fmt::format(" at v{}", *call.expected);
  return text;
}

std::string shown(const Attempt& attempt) {
  const Answer& answer = attempt.answer;
  const auto in_seconds = [](Moment64 time) { return static_cast<double>(time) / 1e9; };
  return fmt::format("[node {}, {:.3f}..{:.3f} s: {}{}{} v{} {}/{} #{:016x}]", attempt.node, in_seconds(attempt.sent),
                     in_seconds(attempt.answered), answer.status, answer.replayed ? " replayed " : " ", answer.code,
                     answer.version, answer.available, answer.sold, answer.digest);
}

History::History(const std::filesystem::path& file)
    : origin_(nanoseconds(monotonic_now())),
      file_(file.empty() ? nullptr : std::fopen(file.c_str(), "we"), close_file) {}

History::~History() = default;

Moment64 History::at(Monotonic time) const { return nanoseconds(time) - origin_; }

Call& History::add(Call call) {
  const std::lock_guard lock(mutex_);
  return calls_.emplace_back(std::move(call));
}

std::size_t History::begin(Call& call, std::size_t node) {
  const std::lock_guard lock(mutex_);
  call.attempts.push_back({.sent = now(), .node = static_cast<std::uint8_t>(node)});
  if (file_ != nullptr) {
    fmt::print(file_.get(), R"({{"at":{},"send":"{}","user":"{}","key":"{}","node":{},"attempt":{})",
               call.attempts.back().sent, name_of(call.kind), call.user, call.key, node, call.attempts.size());
    for (const Line& line : call.lines)
      fmt::print(file_.get(), R"(,"item":{},"quantity":{})", line.item, line.quantity);
    if (call.expected) fmt::print(file_.get(), R"(,"expected":{})", *call.expected);
    fmt::print(file_.get(), "}}\n");
  }
  return call.attempts.size() - 1;
}

void History::end(Call& call, std::size_t attempt, Answer answer) {
  const std::lock_guard lock(mutex_);
  Attempt& ended = call.attempts[attempt];
  // What got no answer stays open: it may still happen.
  if (answer.status != 0) ended.answered = now();
  if (answer.is_final && answer.status < 300 && !call.key.empty()) {
    if (call.first_final() == nullptr) ++acknowledged_;
    successes_.push_back({ended.sent, ended.answered, ended.node});
    if (successes_.size() > successes_kept) successes_.pop_front();
  }
  ended.answer = std::move(answer);
  const Answer& told = ended.answer;
  if (file_ != nullptr) {
    fmt::print(file_.get(),
               R"({{"at":{},"answer":{},"user":"{}","key":"{}","node":{},"attempt":{},"final":{},"replayed":{},)"
               R"("code":"{}","version":{},"available":{},"sold":{},"digest":"{:016x}"}})"
               "\n",
               now(), told.status, call.user, call.key, ended.node, attempt + 1, told.is_final, told.replayed,
               told.code, told.version, told.available, told.sold, told.digest);
  }
}

void History::note(const std::string& json_line) {
  const std::lock_guard lock(mutex_);
  if (file_ != nullptr) fmt::print(file_.get(), "{}\n", json_line);
}

std::uint64_t History::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_;
}

Moment64 History::first_success(Moment64 from, unsigned nodes) const {
  const std::lock_guard lock(mutex_);
  Moment64 first = no_answer;
  for (const Success& success : successes_) {
    if (success.sent >= from && (nodes & (1U << success.node)) != 0) first = std::min(first, success.answered);
  }
  return first;
}

}  // namespace tenon::chaos
