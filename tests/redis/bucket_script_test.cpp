// The script in Redis decides as bucket.cpp does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "redis/connection.hpp"
#include "safeguards/bucket_script.hpp"
#include "safeguards/rate_limit/bucket.hpp"
#include "support/await_result.hpp"
#include "support/redis_server.hpp"

namespace tenon::test {
namespace {

using safeguards::BucketDecision;
using safeguards::BucketState;
using safeguards::Penalty;
using safeguards::Rate;

// The functions of the script, and a loop over many requests on one bucket instead of keys and the clock. A request is
// "now cost", a cost below zero is a charge; each decision and the state after it go into a checksum.
const std::string& harness() {
  static const std::string text = [] {
    std::string script(safeguards::bucket_script);
    const std::size_t end = script.find("-- The clock and the keys begin here.");
    EXPECT_NE(end, std::string::npos);
    script.resize(end);
    script += R"lua(
      local token, quota, base, cap = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
      local s, sum, modulus = read(false, 0), 0, 2 ^ 46
      for now, cost in string.gmatch(ARGV[6], '(%d+) (-?%d+);') do
        now, cost = tonumber(now), tonumber(cost)
        local verdict, wait, remaining, refill = 1, 0, 0, 0
        if cost < 0 then
          charge(s, now, token, quota, -cost)
        else
          verdict, wait, remaining, refill = take(s, now, token, quota, base, cap, cost)
        end
        for _, number in ipairs({verdict, wait, remaining, refill, s.full_at, s.blocked_until, s.refused_at, s.level,
                                 forgotten_at(s, token * quota)}) do
          sum = (sum * 31 + number % modulus) % modulus
        end
      end
      return string.format('%.0f', sum)
    )lua";
    return script;
  }();
  return text;
}

class Checksum {
 public:
  void add(const BucketDecision& decision, const BucketState& state, const Rate& rate) {
    const bool never = decision.retry_microseconds == std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t number :
         {std::int64_t{decision.admitted    ? 1
                       : decision.penalized ? 2
                                            : 0},
          never ? -1 : decision.retry_microseconds, decision.remaining, decision.refill_microseconds, state.full_at,
          state.blocked_until, state.refused_at, state.level, forgotten_at(state, rate)}) {
      sum_ = (sum_ * 31 + (number + modulus) % modulus) % modulus;
    }
  }
  [[nodiscard]] std::string text() const { return std::to_string(sum_); }

 private:
  static constexpr std::int64_t modulus = std::int64_t{1} << 46;
  std::int64_t sum_ = 0;
};

// Rates of every size, times in steps that bring a bucket from full to empty and through penalties, clocks that jump.
class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  std::int64_t of_any_size(std::int64_t low, std::int64_t high) {
    const double size =
        std::uniform_real_distribution<>(std::log(low), std::log(static_cast<double>(high) + 1))(random_);
    return std::clamp(static_cast<std::int64_t>(std::exp(size)), low, high);
  }
  Rate rate() {
    const std::int64_t window = of_any_size(1'000, 86'400'000'000);
    return {.quota = of_any_size(1, std::min<std::int64_t>(window, 1'000'000'000)), .window_microseconds = window};
  }
  Penalty penalty(const Rate& rate) {
    if (between(0, 3) == 0) return {};
    if (between(0, 1) == 0) return default_penalty(rate);
    const std::int64_t base = of_any_size(1, 1'000'000'000);
    return {.base_microseconds = base, .cap_microseconds = of_any_size(base, 86'400'000'000)};
  }
  std::int64_t step(const Rate& rate) {
    const std::int64_t token = rate.token_microseconds();
    switch (between(0, 20)) {
      case 0:
        return -of_any_size(1, 3 * rate.burst_microseconds());
      case 1:
        return of_any_size(1, 3 * rate.burst_microseconds());
      case 2:
        return token;
      case 3:
        return token - 1;
      case 4:
        return safeguards::penalty_grace_microseconds + between(-1, 1);
      default:
        return between(0, 2 * token / 3 + 1);
    }
  }
  std::int64_t cost(const Rate& rate) {
    switch (between(0, 30)) {
      case 0:
        return 0;
      case 1:
        return of_any_size(1, rate.quota + 1);
      case 2:
        return -of_any_size(1, 3 * rate.quota);  // a charge
      case 3:
        return rate.quota;
      default:
        return 1;
    }
  }

 private:
  std::mt19937_64 random_;
};

TEST(BucketScript, DecidesLikeTheBucketInMemoryOverMillionsOfRandomRequests) {
  const RedisServer server;
  boost::asio::io_context io{1};
  const auto connection =
      await_result(io, redis::Connection::open(io.get_executor(), *redis::parse_address(server.url()), nullptr,
                                               monotonic_now() + std::chrono::seconds(5)));
  constexpr int schedules = 7'000;
  constexpr int requests = 300;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::int64_t admitted = 0, refused = 0, penalized = 0;
  for (int schedule = 0; schedule < schedules; ++schedule) {
    const Rate rate = random.rate();
    const Penalty penalty = random.penalty(rate);
    BucketState state;
    std::int64_t now = random.between(0, 1) == 0 ? 1'795'302'402'220'638 : 1'000'000;
    std::string asked;
    Checksum expected;
    for (int i = 0; i < requests; ++i) {
      now = std::max<std::int64_t>(0, now + random.step(rate));
      const std::int64_t cost = random.cost(rate);
      asked += std::to_string(now) + " " + std::to_string(cost) + ";";
      BucketDecision decision{.decided = true, .admitted = true};
      if (cost < 0) {
        charge(state, now, rate, -cost);
      } else {
        decision = take(state, now, rate, penalty, cost);
        ++(decision.admitted ? admitted : decision.penalized ? penalized : refused);
      }
      expected.add(decision, state, rate);
    }
    const std::string numbers[] = {std::to_string(rate.token_microseconds()), std::to_string(rate.quota),
                                   std::to_string(penalty.base_microseconds), std::to_string(penalty.cap_microseconds)};
    const std::vector<std::string_view> parts{"EVAL",     harness(),  "0", numbers[0], numbers[1],
                                              numbers[2], numbers[3], "0", asked};
    const redis::Reply reply = await_result(io, connection->call(parts, monotonic_now() + std::chrono::seconds(20)));
    ASSERT_EQ(reply.text, expected.text())
        << "quota " << rate.quota << ", window " << rate.window_microseconds << ", penalty "
        << penalty.base_microseconds << " to " << penalty.cap_microseconds;
  }
  EXPECT_GT(admitted, schedules * requests / 10);
  EXPECT_GT(refused, schedules * requests / 50);
  EXPECT_GT(penalized, schedules * requests / 50);
  std::printf("%lld decisions alike: %lld admitted, %lld refused, %lld penalized\n",
              static_cast<long long>(admitted + refused + penalized), static_cast<long long>(admitted),
              static_cast<long long>(refused), static_cast<long long>(penalized));
}

}  // namespace
}  // namespace tenon::test
