// Which keys are being run on this node right now: a duplicate latches onto the first instead of running beside it.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "writes/claim_hash.hpp"
#include "writes/reply.hpp"

namespace tenon::writes {

// A duplicate that waits for the first request with its key.
struct Waiter {
  boost::asio::io_context* origin = nullptr;
  std::move_only_function<void()> done;  // called on `origin` once `first` is set
  struct First {
    Digest fingerprint;
    Result<Reply> outcome;
  };
  std::shared_ptr<const First> first;
};

class InFlight {
 public:
  explicit InFlight(std::size_t waiters_max) : waiters_max_(waiters_max) {}

  // From any thread. True: nobody ran this claim; the caller does now, and must call finish(). False: somebody does.
  [[nodiscard]] bool begin(const Uuid& claim);

  [[nodiscard]] bool runs(const Uuid& claim);

  // waiting: `waiter->done` will be called once the first is answered. ended: nobody runs this claim any more. full:
  // `waiters_max` wait already.
  enum class Wait : std::uint8_t { waiting, ended, full };
  [[nodiscard]] Wait wait(const Uuid& claim, const std::shared_ptr<Waiter>& waiter);

  // Gives up waiting. False: the waiter waits no more, and is told or has been.
  [[nodiscard]] bool leave(const Uuid& claim, const std::shared_ptr<Waiter>& waiter);

  // The first is answered: forgets the claim and wakes who waits for it.
  void finish(const Uuid& claim, const Digest& fingerprint, const Result<Reply>& outcome);

 private:
  struct Hash {
    const ClaimHash* keyed;
    std::size_t operator()(const Uuid& claim) const noexcept { return (*keyed)(claim); }
  };
  using Running = std::unordered_map<Uuid, std::vector<std::shared_ptr<Waiter>>, Hash>;
  struct Shard {
    std::mutex mutex;
    Running running;
  };
  static constexpr std::size_t shard_count = 16;
  [[nodiscard]] Shard& shard_of(const Uuid& claim) { return *shards_[claim.bytes[0] % shard_count]; }

  std::size_t waiters_max_;
  ClaimHash hash_;
  std::array<std::unique_ptr<Shard>, shard_count> shards_ = make_shards();
  [[nodiscard]] std::array<std::unique_ptr<Shard>, shard_count> make_shards() const;
};

}  // namespace tenon::writes
