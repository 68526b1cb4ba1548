// Seals the audit log: follows what was committed, appends it to the Merkle tree, and signs a checkpoint about once a
// second when something is new.
#pragma once

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audit/seal_store.hpp"
#include "base/log.hpp"

namespace tenon::audit {

struct SealerSettings {
  std::string conninfo;  // logs in as tenon_sealer
  std::vector<std::unique_ptr<CheckpointSink>> sinks = {};
  std::chrono::milliseconds period{1000};  // between rounds, unless there is more than one of them can take
  std::int64_t entries_a_round = 16'384;   // more only where one transaction has more
};

// Any number of nodes may run one: the database tells one at a time that it is its turn, and when that one's session
// ends, another goes on. What was published nobody contradicts: each round is one transaction, which the database
// refuses unless it goes on from the tree that is stored, and a checkpoint is published after its commit. Whoever goes
// on publishes what is missing. One that finds outside what contradicts the database seals nothing and keeps the turn.
//
// Runs on a thread of its own, so that hashing holds no request up.
class Sealer {
 public:
  Sealer(SealerSettings settings, NoteSigner signer, Logger& log);
  ~Sealer();  // stops
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void start();
  // Gives up what is under way, and returns when the thread has ended. From any thread but the sealer's.
  void stop();

  [[nodiscard]] std::string public_key() const { return signer_.verifier().text(); }
  // For metrics; from any thread. Of the sealer that is at work; the others don't know.
  [[nodiscard]] bool at_work() const noexcept { return at_work_; }
  [[nodiscard]] std::uint64_t sealed_entries() const noexcept { return sealed_entries_; }
  // How long the oldest entry that is committed and not sealed has been waiting.
  [[nodiscard]] std::chrono::milliseconds lag() const noexcept { return std::chrono::milliseconds(lag_ms_); }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }  // rounds, and publications

 private:
  struct SinkState {
    std::unique_ptr<CheckpointSink> sink;
    std::optional<std::uint64_t> published = {};  // the newest one's size
    Monotonic not_before = {};                    // after a failure
    bool looked = false;
  };
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> round();  // whether there is more to do at once
  boost::asio::awaitable<bool> seal_some(SealStore& store);
  boost::asio::awaitable<void> publish(SealStore& store);
  boost::asio::awaitable<void> publish_to(SinkState& state, SealStore& store);
  [[nodiscard]] std::optional<Publication> newest_in(const CheckpointSink& sink) const;
  void forget();
  void leave();
  [[nodiscard]] bool is_news(const std::string& what);
  void failed(std::string_view event, const std::string& reason, LogLevel level);

  SealerSettings settings_;
  NoteSigner signer_;
  Logger& log_;
  boost::asio::io_context context_{1};
  boost::asio::cancellation_signal cancel_;
  bool stopping_ = false;  // the thread's own
  boost::asio::steady_timer timer_{context_};
  std::unique_ptr<postgres::Connection> connection_;
  std::optional<SealedTree> tree_;  // while it is our turn
  std::vector<SinkState> sinks_;
  std::map<std::string, Monotonic> told_;  // what was logged: once a minute, however often it happens
  std::atomic<bool> at_work_ = false;
  std::atomic<std::uint64_t> sealed_entries_ = 0;
  std::atomic<std::int64_t> lag_ms_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
  std::jthread thread_;
};

// What must be true before a node that seals begins to serve; blocking. Empty, or one sentence that says what is wrong:
// the login does not work or is a superuser's, or the log is sealed with another key.
[[nodiscard]] std::string sealing_preflight(const std::string& conninfo, const NoteVerifier& verifier);

}  // namespace tenon::audit
