// The only road to a change, and the road to what is there: spreads commands over the lanes of all threads.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "writes/command.hpp"
#include "writes/in_flight.hpp"
#include "writes/lane.hpp"
#include "writes/reply_cache.hpp"

namespace tenon::writes {

struct WriterSettings {
  std::string conninfo;
  std::size_t write_lanes_per_thread = 1;
  std::size_t read_lanes_per_thread = 1;
  std::size_t batch_commands_max = limits::batch_commands_max;
  std::size_t queue_max = limits::lane_queue_max;
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
  // the contexts' threads. Problems: overloaded (queue full, nothing ran), request_in_progress (the first request with
  // this key is still running and too many wait for it, or its own wait ended without an answer),
  // idempotency_key_reused, database_unavailable (outcome unknown), internal_error (rolled back), stopping.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> write(boost::asio::io_context& here, Call call, Envelope envelope,
                                                            Monotonic deadline);

  // Is the claim's write under way here, or its answer at hand: can it be answered without the database? From any
  // thread.
  [[nodiscard]] bool knows(const Uuid& claim);

  // The same latch for work of another kind: `work` runs unless the claim is being run already on this node, and then
  // this waits for that one. Reply::Origin::reused is turned into the problem. `work` lives until it returns. Of a
  // signed request the nonce is to be looked at whatever the first one answered: it waits its turn, and then works.
  using Work = std::function<boost::asio::awaitable<Result<Reply>>()>;
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> once(boost::asio::io_context& here, const Uuid& claim,
                                                           const Digest& fingerprint, bool is_signed,
                                                           Monotonic deadline, const Work& work);

  // Problems: overloaded, database_unavailable, internal_error, stopping.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> read(boost::asio::io_context& here, Call call,
                                                           Monotonic deadline);

  [[nodiscard]] bool connected() const noexcept;      // every lane is
  [[nodiscard]] std::size_t queued() const noexcept;  // commands in all lanes

 private:
  // Waits until the first request with this claim is answered; null: it has ended meanwhile.
  [[nodiscard]] boost::asio::awaitable<Result<std::shared_ptr<const Waiter::First>>> latch(
      boost::asio::io_context& here, const Uuid& claim);
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> run(std::shared_ptr<Command> command, Lane& lane);

  std::vector<std::unique_ptr<Lane>> write_lanes_;
  std::vector<std::unique_ptr<Lane>> read_lanes_;
  InFlight in_flight_;
  ReplyCache replies_;
};

}  // namespace tenon::writes
