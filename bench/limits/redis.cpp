// Decisions of the shared store beside redis-benchmark's EVALSHA of the same script, on one Redis, in interleaved
// rounds; then what leases save.
//
//   bench_limits_redis [SECONDS A MEASUREMENT, 2] [ROUNDS, 3]
//
// Starts a Redis of its own on a free port, from redis-tools.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "safeguards/bucket_script.hpp"
#include "safeguards/rate_limit/falling_back_store.hpp"
#include "support/redis_server.hpp"

namespace {

namespace asio = boost::asio;
using namespace tenon;
using namespace tenon::safeguards;
using std::chrono::milliseconds;

std::int64_t now_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now().time_since_epoch()).count();
}

constexpr Rate huge{.quota = 1'000'000, .window_microseconds = 1'000'000};
constexpr int in_flight = 64;

struct Measured {
  double a_second = 0;
  std::int64_t p50 = 0, p99 = 0;
};

// Many coroutines of one thread over its one connection, each with one call under way.
asio::awaitable<void> ask(FallingBackStore& store, BucketRequest request, Monotonic end,
                          std::vector<std::int64_t>& took) {
  BucketDecision decision;
  while (monotonic_now() < end) {
    const std::int64_t begun = now_microseconds();
    const bool decided = store.take_now({&request, 1}, {&decision, 1});
    if (!decided) co_await store.take({&request, 1}, {&decision, 1});
    took.push_back(now_microseconds() - begun);
    if (decided) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
}

class Ours {
 public:
  Ours(const std::string& url, std::int64_t lease_from)
      : client_({&io_}, {.address = redis::parse_address(url).value()}),
        store_({&io_}, client_, memory_, now_microseconds, {.budget = milliseconds(1'000), .lease_from = lease_from},
               log_) {
    client_.start();
    store_.start();
    while (!store_.counts().shared) io_.run_one_for(milliseconds(10));
  }
  ~Ours() {
    store_.stop();
    client_.stop();
    io_.restart();
    io_.run_for(std::chrono::seconds(5));
  }
  Measured run(const Rate& rate, milliseconds length) {
    took_.clear();
    const Monotonic begun = monotonic_now();
    for (int i = 0; i < in_flight; ++i) {
      asio::co_spawn(io_, ask(store_, {.policy = "p", .subject = "ann", .rate = rate}, begun + length, took_),
                     asio::detached);
    }
    io_.restart();
    io_.run_until(begun + length + milliseconds(50));
    Measured measured{.a_second = static_cast<double>(took_.size()) / std::chrono::duration<double>(length).count()};
    std::ranges::sort(took_);
    measured.p50 = took_[took_.size() / 2];
    measured.p99 = took_[took_.size() * 99 / 100];
    return measured;
  }
  [[nodiscard]] SharedLimitsCounts counts() const { return store_.counts(); }

 private:
  asio::io_context io_{1};
  Logger log_{"-", LogLevel::warning};
  redis::Client client_;
  MemoryBucketStore memory_{100'000, now_microseconds};
  FallingBackStore store_;
  std::vector<std::int64_t> took_;
};

// `pipeline`: commands that redis-benchmark sends in one write; 64 are under way in any case.
double benchmark(const test::RedisServer& server, const std::string& sha1, int pipeline, int requests) {
  const std::string command = "redis-benchmark -h 127.0.0.1 -p " + std::to_string(server.port()) + " -c " +
                              std::to_string(in_flight / pipeline) + " -P " + std::to_string(pipeline) + " -n " +
                              std::to_string(requests) + " --csv EVALSHA " + sha1 +
                              " 1 'tn:{ann}:p' 1 1000000 0 0 1 0 0 '' 2>/dev/null | tail -1";
  FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 512> line{};
  if (pipe == nullptr || std::fgets(line.data(), line.size(), pipe) == nullptr) std::exit(1);
  pclose(pipe);
  // "EVALSHA ...","12345.67","0.5",...
  const std::string text = line.data();
  const std::size_t at = text.find("\",\"");
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + 3, nullptr);
}

double median(std::vector<double> numbers) {
  std::ranges::sort(numbers);
  return numbers[numbers.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const milliseconds length(static_cast<long>(1'000 * (argc > 1 ? std::strtod(argv[1], nullptr) : 2)));
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  const test::RedisServer server;
  const std::string sha1 = server.ask({"SCRIPT", "LOAD", std::string(bucket_script)}).text;

  std::vector<double> ours, alone, together;
  Measured last;
  for (int round = 0; round < rounds; ++round) {
    {
      Ours store(server.url(), 0);
      last = store.run(huge, length);
      ours.push_back(last.a_second);
    }
    const int requests = static_cast<int>(ours.back() * std::chrono::duration<double>(length).count());
    alone.push_back(benchmark(server, sha1, 1, requests));
    together.push_back(benchmark(server, sha1, 16, requests));
    std::fprintf(stderr, "round %d: %.0f; redis-benchmark %.0f, pipelined %.0f\n", round + 1, ours.back(), alone.back(),
                 together.back());
  }
  std::printf("decisions a second over one connection, %d under way: %.0f (p50 %lld us, p99 %lld us)\n", in_flight,
              median(ours), static_cast<long long>(last.p50), static_cast<long long>(last.p99));
  std::printf("redis-benchmark EVALSHA, %d connections: %.0f; ratio %.2f\n", in_flight, median(alone),
              median(ours) / median(alone));
  std::printf("redis-benchmark EVALSHA -P 16, %d connections: %.0f; ratio %.2f\n", in_flight / 16, median(together),
              median(ours) / median(together));
  for (const std::int64_t quota : {10'000, 100'000, 1'000'000}) {
    Ours store(server.url(), 1'000);
    const Measured measured = store.run({.quota = quota, .window_microseconds = 1'000'000}, length);
    const SharedLimitsCounts counts = store.counts();
    std::printf("leased, %lld a second: %.0f decisions a second (p50 %lld us), %.1f decisions a call of Redis\n",
                static_cast<long long>(quota), measured.a_second, static_cast<long long>(measured.p50),
                static_cast<double>(counts.by_lease + counts.by_redis) / static_cast<double>(counts.calls));
  }
  return 0;
}
