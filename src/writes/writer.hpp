// The only road to a change, and the road to what is there: spreads commands over the lanes of all threads.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "writes/command.hpp"
#include "writes/in_flight.hpp"
#include "writes/lane.hpp"
#include "writes/lane_choice.hpp"
#include "writes/reply_cache.hpp"
#include "writes/room.hpp"

namespace tenon::writes {

struct WriterSettings {
  std::string conninfo;
  std::size_t write_lanes_per_thread = 1;
  std::size_t read_lanes_per_thread = 1;
  std::size_t gather_below = 0;  // LaneChoice
  std::size_t batch_commands_max = limits::batch_commands_max;
  std::size_t queue_max = limits::lane_queue_max;
  std::chrono::milliseconds wait_max{100};  // that the last of a lane waits; 0: queue_max alone bounds it
  std::size_t waiters_per_key_max = 1'000;
  std::size_t reply_cache_bytes = limits::reply_cache_bytes;
};

class Writer {
 public:
  // Lanes run on `contexts`, each of which one thread runs. All arguments outlive the writer, and the writer the
  // contexts' last handler.
  Writer(std::span<boost::asio::io_context* const> contexts, const WriterSettings& settings, Logger& log,
         LaneObserver& observer);

  void start();
  void stop();  // from any thread; nothing may be under way that still wants an answer

  // Runs `call` at most once per claim; waits for it until `deadline` at most (plus a tick of 100 ms). Called on one of
  // the contexts' threads. Whether the answer is at hand already is known()'s to say, which the caller asks before it
  // puts an envelope together; what comes to be known in between, the database repeats. Problems: overloaded (nothing
  // ran), request_in_progress (the first request with this key is still running and too many wait for it, or its own
  // wait ended without an answer), idempotency_key_reused, database_unavailable (outcome unknown), internal_error
  // (rolled back), stopping.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> write(boost::asio::io_context& here, Call call, Envelope envelope,
                                                            Monotonic deadline);

  // Would a write be refused now, whichever lane it went to? From any thread.
  [[nodiscard]] bool overloaded() const noexcept;

  // Is the claim's write under way here, or its answer at hand: can it be answered without the database? From any
  // thread.
  [[nodiscard]] bool knows(const Uuid& claim);

  // The stored answer of an unsigned write as a replay, when it is at hand; of origin `reused` when it was given to
  // another payload. From any thread.
  [[nodiscard]] std::optional<Reply> known(const Uuid& claim, const Digest& fingerprint) {
    return replies_.find(claim, fingerprint, monotonic_now());
  }

  // The same latch for work of another kind: `work` runs unless the claim is being run already on this node, and then
  // this waits for that one. Reply::Origin::reused is turned into the problem. Of a
  // signed request the nonce is to be looked at whatever the first one answered: it waits its turn, and then works.
  using Work = std::function<boost::asio::awaitable<Result<Reply>>()>;
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> once(boost::asio::io_context& here, Uuid claim,
                                                           Digest fingerprint, bool is_signed, Monotonic deadline,
                                                           Work work);

  // Goes over a lane of the caller's own thread, whatever its affinity: reads do not fight for rows. Problems:
  // overloaded, database_unavailable, internal_error, stopping.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> read(boost::asio::io_context& here, Call call,
                                                           Monotonic deadline);
  // The same for a read operation that changes rows all the same: calls of equal affinity go over one lane.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> read_by_affinity(boost::asio::io_context& here, Call call,
                                                                       Monotonic deadline);

  [[nodiscard]] bool connected() const noexcept;      // every lane is
  [[nodiscard]] std::size_t queued() const noexcept;  // commands in all lanes

 private:
  struct BoundedLane {
    BoundedLane(boost::asio::io_context& context, const LaneSettings& settings, std::chrono::milliseconds wait_max,
                Logger& log, LaneObserver& observer);
    [[nodiscard]] bool has_room() const noexcept { return room.is_left_beside(lane.queued()); }
    Room room;
    Lane lane;
  };

  // Waits until the first request with this claim is answered; null: it has ended meanwhile, or the deadline passed.
  [[nodiscard]] boost::asio::awaitable<Result<std::shared_ptr<const Waiter::First>>> latch(
      boost::asio::io_context& here, const Uuid& claim, Monotonic deadline);
  // What the first request with this claim was answered, for its duplicate. Nothing: that one said nothing, and the
  // claim has been begun for the caller.
  [[nodiscard]] boost::asio::awaitable<std::optional<Result<Reply>>> follow_first(boost::asio::io_context& here,
                                                                                  Uuid claim, Digest fingerprint,
                                                                                  bool is_signed, Monotonic deadline);
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> write_over(BoundedLane& lane, std::shared_ptr<Command> command);

  [[nodiscard]] std::size_t thread_of(const boost::asio::io_context& here) const noexcept;
  [[nodiscard]] BoundedLane& write_lane_of(const boost::asio::io_context& here, const Call& call,
                                           Monotonic now) noexcept;
  [[nodiscard]] BoundedLane& read_lane_of(const boost::asio::io_context& here, const Call& call) noexcept;
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> read_over(BoundedLane& lane, boost::asio::io_context& here,
                                                                Call call, Monotonic deadline);

  std::vector<const boost::asio::io_context*> contexts_;
  // One of each context after the other, again and again.
  std::vector<std::unique_ptr<BoundedLane>> write_lanes_;
  std::vector<std::unique_ptr<BoundedLane>> read_lanes_;
  LaneChoice choice_;
  InFlight in_flight_;
  ReplyCache replies_;
};

}  // namespace tenon::writes
