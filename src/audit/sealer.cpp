#include "audit/sealer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "audit/checkpoint.hpp"
#include "base/test_switch.hpp"
#include "postgres/session.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds step_deadline{10};  // of one statement
constexpr std::chrono::seconds publish_deadline{3};
constexpr std::chrono::seconds publish_again{10};  // after a failure
constexpr std::chrono::seconds say_again{60};
constexpr int checkpoints_at_once = 1000;

// Batches are found by key, whatever the statistics say of tables that were empty a moment ago.
constexpr const char* session_settings =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET application_name = 'tenon "
    "sealer'";

Monotonic soon() { return monotonic_now() + step_deadline; }

// A checkpoint outside contradicts the database.
class Contradicted : public SealingRefused {
 public:
  using SealingRefused::SealingRefused;
};

}  // namespace

Sealer::Sealer(SealerSettings settings, NoteSigner signer, Logger& log)
    : settings_(std::move(settings)), signer_(std::move(signer)), log_(log) {
  for (auto& sink : settings_.sinks) sinks_.push_back({.sink = std::move(sink)});
}

Sealer::~Sealer() { stop(); }

void Sealer::start() {
  asio::co_spawn(context_, run(), asio::bind_cancellation_slot(cancel_.slot(), asio::detached));
  thread_ = std::jthread([this] { context_.run(); });
}

void Sealer::stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    stopping_ = true;
    cancel_.emit(asio::cancellation_type::terminal);  // the server rolls back what was not committed
  });
  thread_.join();
  leave();
}

asio::awaitable<void> Sealer::run() {
  while (!stopping_) {
    bool more = false;
    try {
      more = co_await round();
    } catch (const Contradicted& refused) {  // keeps the turn: a node whose places tell less would seal on
      forget();
      failed("sealing_refused", refused.what(), LogLevel::error);
    } catch (const SealingRefused& refused) {
      leave();
      failed("sealing_refused", refused.what(), LogLevel::error);
    } catch (const std::exception& failure) {  // the database is away, or another sealer was quicker
      leave();
      failed("sealing_failed", failure.what(), LogLevel::warning);
    }
    if (stopping_) break;
    timer_.expires_after(more ? std::chrono::milliseconds(0) : settings_.period);
    (void)co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Sealer::failed(std::string_view event, const std::string& reason, LogLevel level) {
  if (stopping_) return;
  ++failures_;
  if (is_news(reason)) log_.event(level, event, {{"reason", std::string_view(reason)}});
}

bool Sealer::is_news(const std::string& what) {
  const Monotonic now = monotonic_now();
  std::erase_if(told_, [now](const auto& told) { return now - told.second >= say_again; });
  return told_.emplace(what, now).second;
}

void Sealer::forget() {
  tree_.reset();
  at_work_ = false;
  lag_ms_ = 0;  // is told by the one that is at work
}

void Sealer::leave() {
  connection_.reset();  // and our turn with it
  forget();
}

asio::awaitable<bool> Sealer::round() {
  if (!connection_ || !connection_->usable()) {
    leave();
    connection_ = co_await postgres::Connection::open(context_.get_executor(), settings_.conninfo, soon());
    co_await connection_->script(session_settings, soon());
  }
  SealStore store(*connection_);
  if (!tree_) {
    if (!co_await store.take_turn(soon())) co_return false;
    tree_ = co_await store.load(signer_, soon());
    for (const SinkState& state : sinks_) (void)newest_in(*state.sink);
    at_work_ = true;
    sealed_entries_ = tree_->tiles.size();
    if (is_news("sealing")) {
      log_.event(LogLevel::info, "sealing", {{"entries", static_cast<std::int64_t>(tree_->tiles.size())}});
    }
  }
  const bool more = co_await seal_some(store);
  co_await publish(store);
  co_return more;
}

// A checkpoint that is outside and not in the database says that the database went back to an older backup: what would
// be sealed now would contradict it. Nor is anything sealed while it cannot be told what is outside.
std::optional<Publication> Sealer::newest_in(const CheckpointSink& sink) const {
  std::optional<Publication> newest;
  try {
    newest = sink.newest();
  } catch (const std::exception& failure) {
    throw SealingRefused("what was published cannot be read: " + std::string(failure.what()));
  }
  if (!newest) return newest;
  const auto outside = open_checkpoint(signer_.verifier(), newest->note);
  if (!outside) {
    throw Contradicted("the newest checkpoint in " + sink.place() + " is not of this log: " + outside.error());
  }
  if (outside->size > tree_->tiles.size()) {
    throw Contradicted(
        "a checkpoint of " + std::to_string(outside->size) + " entries was published in " + sink.place() +
        ", and the database has sealed " + std::to_string(tree_->tiles.size()) +
        ": it was restored from an older backup. Restore a newer one; or begin another log, with another key");
  }
  return newest;
}

asio::awaitable<bool> Sealer::seal_some(SealStore& store) {
  const Due due = co_await store.due(tree_->last, settings_.entries_a_round, soon());
  lag_ms_ = due.oldest.count();
  if (due.batches.empty()) co_return false;
  const std::vector<NewLeaf> leaves = co_await store.leaves(due.batches, settings_.entries_a_round, soon());
  // A failure from here on throws the tree away, and it is loaded again.
  SealedTree& tree = *tree_;
  const std::uint64_t known_size = tree.tiles.size();
  for (const NewLeaf& leaf : leaves) tree.tiles.append(leaf.hash);
  const Checkpoint checkpoint{
      .origin = signer_.verifier().id().name, .size = tree.tiles.size(), .root = tree.tiles.root()};
  tree.last = leaves.back().key;
  tree.note = signer_.sign(checkpoint.text());
  co_await store.seal(known_size, tree, checkpoint.root, leaves, signer_.verifier(), soon());
  test_switch::pass(test_switch::Step::sealed);
  tree.tiles.clear_changed();
  sealed_entries_ = tree.tiles.size();
  if (!due.more) lag_ms_ = 0;
  co_return due.more;
}

asio::awaitable<void> Sealer::publish(SealStore& store) {
  if (tree_->note.empty()) co_return;
  for (SinkState& state : sinks_) {
    if (state.published == tree_->tiles.size() || monotonic_now() < state.not_before) continue;
    std::string reason;
    try {
      co_await publish_to(state, store);
      continue;
    } catch (const postgres::ConnectionError&) {
      throw;
    } catch (const SealingRefused&) {
      throw;
    } catch (const std::exception& failure) {
      reason = failure.what();
    }
    state.not_before = monotonic_now() + publish_again;
    ++failures_;
    log_.event(LogLevel::error, "checkpoint_not_published", {{"reason", std::string_view(reason)}});
  }
}

asio::awaitable<void> Sealer::publish_to(SinkState& state, SealStore& store) {
  if (!state.looked) {
    const auto newest = newest_in(*state.sink);
    state.published = newest ? std::optional(newest->size) : std::nullopt;
    state.looked = true;
  }
  std::vector<Publication> missing;
  if (state.sink->takes_each() && state.published) {
    missing = co_await store.checkpoints_after(*state.published, checkpoints_at_once, soon());
  } else if (state.published != tree_->tiles.size()) {
    missing.push_back({.size = tree_->tiles.size(), .note = tree_->note});
  }
  for (Publication& publication : missing) {
    const std::uint64_t size = publication.size;
    co_await state.sink->publish(std::move(publication), monotonic_now() + publish_deadline);
    state.published = size;
  }
}

std::string sealing_preflight(const std::string& conninfo, const NoteVerifier& verifier) {
  try {
    postgres::Session session(conninfo);
    if (session.execute("SELECT FROM pg_roles WHERE rolname = session_user AND rolsuper").size() > 0) {
      return "the sealer's login is a superuser, to whom no rule of the database applies: log in as tenon_sealer";
    }
    const postgres::Rows identity = session.execute("SELECT verifier_key FROM tenon.audit_log_identity");
    if (identity.size() == 0 || identity.text(0, 0) == verifier.text()) return "";
    return "the audit log is sealed with the key " + identity.text(0, 0) + ", and this node has " + verifier.text() +
           ": give it the audit-key of the node that sealed first, or start it with --sealer off";
  } catch (const std::exception& error) {
    return std::string("the audit log cannot be sealed: ") + error.what();
  }
}

}  // namespace tenon::audit
