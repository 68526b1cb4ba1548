// What the clients did and were told, with monotonic times: in memory for the checkers, and line by line in a file.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tenon::chaos {

// Nanoseconds of the monotonic clock since the run began.
using Moment64 = std::int64_t;
constexpr Moment64 no_answer = std::numeric_limits<Moment64>::max();

enum class Kind : std::uint8_t { create, read, sell, restock, edit, remove, order, offer, purchase, visit, limited };
constexpr std::size_t kinds_count = static_cast<std::size_t>(Kind::limited) + 1;
[[nodiscard]] std::string_view name_of(Kind kind) noexcept;

// What came back on one sending.
struct Answer {
  int status = 0;         // 0: none
  bool is_final = false;  // decided in the transaction, or at least: to be repeated to whoever asks again
  bool replayed = false;
  std::uint64_t digest = 0;  // of status, body, ETag, Last-Modified, Location, Audit-Id
  std::string code = {};     // of a refusal
  std::string item = {};     // create: its id
  std::int64_t version = 0;  // the item's (of a conflict: the current one's), where the answer tells
  std::int64_t available = 0;
  std::int64_t sold = 0;
  std::int64_t price = 0;                         // whole
  std::vector<std::int64_t> line_available = {};  // order: of each line
  std::string text = {};                          // the answer, when it is one that no client should get
};

constexpr std::uint32_t another_item = UINT32_MAX;  // made by the call itself, and touched by no other

struct Line {
  std::uint32_t item = 0;
  std::int64_t quantity = 0;
};

struct Attempt {
  Moment64 sent = 0;
  Moment64 answered = no_answer;
  std::uint8_t node = 0;
  Answer answer = {};
};

// A logical call: one Idempotency-Key with all its sendings, or one read.
struct Call {
  Kind kind = Kind::read;
  std::uint32_t client = 0;
  std::string user = {};
  std::string key = {};          // empty: a read
  std::vector<Line> lines = {};  // item (index) and quantity; an edit's quantity is the number that it writes
  std::optional<std::int64_t> expected = {};  // the version asked for as a precondition
  std::vector<Attempt> attempts = {};

  [[nodiscard]] const Attempt* first_final() const;  // the earliest final answer; nothing: open
  [[nodiscard]] bool is_write() const { return !key.empty(); }
  [[nodiscard]] bool succeeded() const;
  [[nodiscard]] Moment64 invoked() const { return attempts.empty() ? no_answer : attempts.front().sent; }
};

// For messages.
[[nodiscard]] std::string name_of(const Call& call);
[[nodiscard]] std::string shown(const Attempt& attempt);

// Thread-safe, but for calls(). A call's own members are its client's; attempts go through begin() and end().
class History {
 public:
  explicit History(const std::filesystem::path& file);  // empty: none
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  [[nodiscard]] Moment64 now() const { return at(monotonic_now()); }
  [[nodiscard]] Moment64 at(Monotonic time) const;
  Call& add(Call call);                             // stays where it is
  std::size_t begin(Call& call, std::size_t node);  // the attempt's number
  void end(Call& call, std::size_t attempt, Answer answer);
  void note(const std::string& json_line);  // a fault, a phase

  [[nodiscard]] std::deque<Call>& calls() noexcept { return calls_; }  // once the clients have ended
  // Acknowledged writes (2xx, the first time for their key) up to now.
  [[nodiscard]] std::uint64_t acknowledged() const;
  // The first 2xx of a write (a repeated answer too) that was sent at `from` or later, through one of `nodes` (bits);
  // no_answer: none yet.
  [[nodiscard]] Moment64 first_success(Moment64 from, unsigned nodes) const;

 private:
  struct Success {
    Moment64 sent, answered;
    unsigned node;
  };

  const std::int64_t origin_;
  mutable std::mutex mutex_;
  std::deque<Call> calls_;
  std::deque<Success> successes_;
  std::uint64_t acknowledged_ = 0;
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
};

}  // namespace tenon::chaos
