// What is kept in memory stays whole when there is none left in the middle of keeping more.
#include <gtest/gtest.h>

#include <new>
#include <string>

#include "unit/cost/allocations.hpp"
#include "writes/reply_cache.hpp"

namespace tenon::writes {
namespace {

using namespace std::chrono_literals;

constexpr Monotonic now{1h};
constexpr Digest payload{1};

// All of one shard, which their first byte picks.
Uuid claim(std::size_t number) {
  Uuid uuid;
  uuid.bytes[1] = static_cast<std::uint8_t>(number);
  uuid.bytes[2] = static_cast<std::uint8_t>(number >> 8);
  return uuid;
}

Reply stored(std::size_t number) {
  return {.status = 201,
          .body = "an answer that is too long for a string's own room: " + std::to_string(number),
          .version = {},
          .modified = {},
          .location = {},
          .expires = {},
          .known_until = now + 60s,
          .audit_id = {}};
}

TEST(ReplyCacheWithoutMemory, KeepsTheAnswerOrDoesNotAndForgetsNoOther) {
  ReplyCache cache(16 << 20);
  constexpr std::size_t answers = 300;  // more than the table has at first
  for (std::size_t n = 0; n < answers; ++n) {
    const Reply reply = stored(n);
    bool kept = false;
    for (std::size_t allocations = 0; !kept; ++allocations) {
      try {
        const test::ScarceMemory scarce(allocations);
        cache.keep(claim(n), payload, reply);
        kept = true;
      } catch (const std::bad_alloc&) {
      }
      EXPECT_EQ(cache.knows(claim(n), now), kept) << n << " with " << allocations;
      ASSERT_LT(allocations, 20U);
    }
    for (std::size_t other = 0; other <= n; ++other) {
      const auto known = cache.find(claim(other), payload, now);
      ASSERT_TRUE(known) << other << " after " << n;
      EXPECT_EQ(known->body, stored(other).body);
    }
  }
}

}  // namespace
}  // namespace tenon::writes
