// What may be repeated without the database: exactly what it stored, no longer than it keeps it, in bounded memory.
#include "writes/reply_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace tenon::writes {
namespace {

using namespace std::chrono_literals;

constexpr Monotonic now{1h};
constexpr Digest payload{1};
constexpr Digest another_payload{2};

Uuid claim(std::uint32_t number) {
  Uuid uuid;
  for (int i = 0; i < 4; ++i) uuid.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (8 * i));
  return uuid;
}

Reply stored(std::string body = "{}") {
  return {.status = 201,
          .body = std::move(body),
          .version = 7,
          .modified = Instant{5s},
          .location = "/somewhere",
          .expires = Instant{60s},
          .known_until = now + 60s,
          .audit_id = 42};
}

TEST(ReplyCache, RepeatsWhatWasStoredAsAReplay) {
  ReplyCache cache(1 << 20);
  cache.keep(claim(1), payload, stored("{\"n\":1}"));
  const auto reply = cache.find(claim(1), payload, now);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->origin, Reply::Origin::replayed);
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "{\"n\":1}");
  EXPECT_EQ(reply->version, 7);
  EXPECT_EQ(reply->modified, Instant{5s});
  EXPECT_EQ(reply->location, "/somewhere");
  EXPECT_EQ(reply->expires, Instant{60s});
  EXPECT_EQ(reply->audit_id, 42);
  EXPECT_TRUE(cache.knows(claim(1), now));
  EXPECT_FALSE(cache.find(claim(2), payload, now));
  EXPECT_FALSE(cache.knows(claim(2), now));
}

TEST(ReplyCache, TellsNothingOfAnAnswerToAnotherPayload) {
  ReplyCache cache(1 << 20);
  cache.keep(claim(1), payload, stored("secret"));
  const auto reply = cache.find(claim(1), another_payload, now);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->origin, Reply::Origin::reused);
  EXPECT_TRUE(reply->body.empty());
  EXPECT_TRUE(reply->location.empty());
  EXPECT_FALSE(reply->version);
}

TEST(ReplyCache, ForgetsAtTheMomentAtWhichTheDatabaseMay) {
  ReplyCache cache(1 << 20);
  cache.keep(claim(1), payload, stored());
  EXPECT_TRUE(cache.find(claim(1), payload, now + 60s - 1ns));
  EXPECT_FALSE(cache.find(claim(1), payload, now + 60s));
  EXPECT_FALSE(cache.find(claim(1), another_payload, now + 60s));
  EXPECT_FALSE(cache.knows(claim(1), now + 60s));
}

TEST(ReplyCache, KeepsOnlyWhatTheDatabaseKeeps) {
  const struct {
    const char* what;
    Reply reply;
    bool kept;
  } rows[] = {
      {"an answer", stored(), true},
      {"a refusal that is stored",
       [] {
         Reply r = stored();
         r.status = 409;
         r.problem = ProblemCode::conflict;
         return r;
       }(),
       true},
      {"a refusal that is not",
       [] {
         Reply r = stored();
         r.status = 403;
         r.problem = ProblemCode::forbidden;
         return r;
       }(),
       false},
      {"an answer without a lifetime",
       [] {
         Reply r = stored();
         r.known_until.reset();
         return r;
       }(),
       false},
      {"what another payload was told",
       [] {
         Reply r = stored();
         r.origin = Reply::Origin::reused;
         return r;
       }(),
       false},
  };
  for (const auto& row : rows) {
    ReplyCache cache(1 << 20);
    cache.keep(claim(1), payload, row.reply);
    EXPECT_EQ(cache.knows(claim(1), now), row.kept) << row.what;
  }
}

TEST(ReplyCache, TakesANewAnswerForAKeyThatWasUsedAgain) {
  ReplyCache cache(1 << 20);
  cache.keep(claim(1), payload, stored("first"));
  Reply second = stored("second");
  second.known_until = now + 120s;
  cache.keep(claim(1), another_payload, second);
  EXPECT_EQ(cache.find(claim(1), another_payload, now + 90s)->body, "second");
  EXPECT_EQ(cache.find(claim(1), payload, now + 90s)->origin, Reply::Origin::reused);
}

TEST(ReplyCache, StaysWithinItsBytesAndGivesUpTheOldest) {
  constexpr std::size_t most = 1 << 20;
  ReplyCache cache(most);
  for (std::uint32_t n = 0; n < 20'000; ++n) cache.keep(claim(n), payload, stored(std::string(300, 'x')));
  EXPECT_LE(cache.bytes(), most);
  EXPECT_GT(cache.bytes(), most / 2);
  EXPECT_FALSE(cache.knows(claim(0), now));
  EXPECT_TRUE(cache.knows(claim(19'999), now));
  cache.keep(claim(1), payload, stored(std::string(most, 'x')));  // larger than all there is room for
  EXPECT_FALSE(cache.knows(claim(1), now));
  EXPECT_TRUE(cache.knows(claim(19'999), now));
}

TEST(ReplyCache, FindsAllThatThereIsRoomFor) {
  ReplyCache cache(64 << 20);
  for (std::uint32_t n = 0; n < 5'000; ++n) cache.keep(claim(n), payload, stored(std::to_string(n)));
  for (std::uint32_t n = 0; n < 5'000; ++n) {
    const auto reply = cache.find(claim(n), payload, now);
    ASSERT_TRUE(reply) << n;
    EXPECT_EQ(reply->body, std::to_string(n));
  }
}

TEST(ReplyCache, FindsAllOfTheYoungestHoweverManyCameBefore) {
  ReplyCache cache(1 << 20);
  constexpr std::uint32_t last = 30'000;
  for (std::uint32_t n = 1; n <= last; ++n) {
    cache.keep(claim(n), payload, stored(std::to_string(n)));
    if (n % 1'000 == 0) cache.keep(claim(n), another_payload, stored("again"));
  }
  // The claims' first byte picks their shard, so that each has given up its own oldest.
  std::array<bool, 256> forgotten{};
  std::uint32_t found = 0;
  for (std::uint32_t n = last; n > 0; --n) {
    const bool known = cache.knows(claim(n), now);
    EXPECT_FALSE(known && forgotten[n % 16]) << n << " is older than one that was given up";
    forgotten[n % 16] = !known;
    if (!known) continue;
    ++found;
    const auto reply = cache.find(claim(n), n % 1'000 == 0 ? another_payload : payload, now);
    EXPECT_EQ(reply->body, n % 1'000 == 0 ? "again" : std::to_string(n));
  }
  EXPECT_GT(found, 1'500U);
  EXPECT_LT(found, last / 2);
}

TEST(ClaimHash, OfEachTableIsAnother) {
  const ClaimHash one;
  const ClaimHash another;
  EXPECT_EQ(one(claim(7)), one(claim(7)));
  EXPECT_NE(one(claim(7)), one(claim(8)));
  EXPECT_NE(one(claim(7)), another(claim(7)));
}

TEST(ReplyCache, OfNoBytesKeepsNothing) {
  ReplyCache cache(0);
  cache.keep(claim(1), payload, stored());
  EXPECT_FALSE(cache.find(claim(1), payload, now));
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(ReplyCache, IsForManyThreads) {
  ReplyCache cache(1 << 18);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (std::uint32_t n = 0; n < 5'000; ++n) {
        cache.keep(claim(n % 700), payload, stored(std::to_string(n % 700)));
        const auto reply = cache.find(claim(n * 7 % 700), payload, now);
        if (reply) {
          EXPECT_EQ(reply->body, std::to_string(n * 7 % 700));
        }
      }
    });
  }
}

}  // namespace
}  // namespace tenon::writes
