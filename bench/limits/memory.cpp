// Decisions of the in-memory store beside the plain way of doing it, a mutex around one std::unordered_map, with the
// same bucket in both. By processor time, so that a busy machine says much the same; interleaved rounds; medians.
//
//   bench_limits_memory [SECONDS A MEASUREMENT, 0.5] [ROUNDS, 5]
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "safeguards/rate_limit/store.hpp"

namespace {

using namespace tenon::safeguards;
using Clock = std::chrono::steady_clock;

std::int64_t now_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
}

// Forgets nothing: a million addresses are a million entries, for as long as the process lives.
class Plain {
 public:
  BucketDecision take(const BucketRequest& request) {
    std::string key;
    key.reserve(request.policy.size() + 1 + request.subject.size());
    key.append(request.policy).append(1, '\0').append(request.subject);
    const std::lock_guard lock(mutex_);
    return tenon::safeguards::take(buckets_[std::move(key)], now_microseconds(), request.rate, request.penalty,
                                   request.cost);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, BucketState> buckets_;
};

class Ours {
 public:
  BucketDecision take(const BucketRequest& request) {
    BucketDecision decision;
    (void)store_.take_now({&request, 1}, {&decision, 1});
    return decision;
  }

 private:
  MemoryBucketStore store_{1'000'000, now_microseconds};
};

struct Load {
  const char* name;
  std::size_t subjects;  // of each thread; asked in an order that no cache foresees
  Rate rate;
};

// What this thread has run, apart from what others on the machine took from it.
double cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

// Decisions a second of processor time.
template <class Store>
double measure(Store& store, const Load& load, int threads, double seconds) {
  std::latch together(threads);
  std::atomic<std::int64_t> decided = 0;
  std::atomic<std::int64_t> admitted = 0;
  std::atomic<double> spent = 0;
  const auto work = [&](int thread) {
    std::vector<std::string> subjects;
    for (std::size_t i = 0; i < load.subjects; ++i)
      subjects.push_back(load.subjects == 1 ? "ip:192.0.2.1"
                                            : "ip:" + std::to_string(thread) + "." + std::to_string(i));
    const Penalty penalty = default_penalty(load.rate);
    std::uint64_t random = 88172645463325252ULL + static_cast<std::uint64_t>(thread);
    std::int64_t mine = 0;
    std::int64_t passed = 0;
    together.arrive_and_wait();
    const double before = cpu_seconds();
    for (const auto end = Clock::now() + std::chrono::duration<double>(seconds); Clock::now() < end;) {
      for (int i = 0; i < 1'000; ++i, ++mine) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const std::string& subject = subjects[random % subjects.size()];
        const BucketRequest request{
            .policy = "inventory-write", .subject = subject, .rate = load.rate, .penalty = penalty};
        passed += store.take(request).admitted ? 1 : 0;
      }
    }
    spent += cpu_seconds() - before;
    decided += mine;
    admitted += passed;
  };
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread) running.emplace_back(work, thread);
  running.clear();
  return static_cast<double>(decided) / spent;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (seconds <= 0 || rounds < 1) {
    std::fputs("usage: bench_limits_memory [SECONDS] [ROUNDS]\n", stderr);
    return 2;
  }
  const Load loads[] = {
      {"one subject, admitted", 1, {.quota = 1'000'000'000, .window_microseconds = 86'400'000'000}},
      {"one subject, refused", 1, {.quota = 1, .window_microseconds = 86'400'000'000}},
      {"10,000 subjects", 10'000, {.quota = 1'000'000, .window_microseconds = 60'000'000}},
      {"400,000 subjects", 400'000, {.quota = 1'000'000, .window_microseconds = 60'000'000}},
  };
  std::printf("%-24s %8s %14s %10s %14s %10s %7s\n", "", "threads", "ours, /s core", "ns each", "plain, /s core",
              "ns each", "ratio");
  for (const Load& load : loads) {
    for (const int threads : {1, 2}) {
      Ours ours;
      Plain plain;
      std::vector<double> of_ours;
      std::vector<double> of_plain;
      for (int round = -1; round < rounds; ++round) {
        const double mine = measure(ours, load, threads, seconds);
        const double theirs = measure(plain, load, threads, seconds);
        if (round < 0) continue;  // in which both meet their subjects
        of_ours.push_back(mine);
        of_plain.push_back(theirs);
      }
      const double mine = median(of_ours);
      const double theirs = median(of_plain);
      std::printf("%-24s %8d %14.0f %10.0f %14.0f %10.0f %7.2f\n", load.name, threads, mine, 1e9 / mine, theirs,
                  1e9 / theirs, mine / theirs);
    }
  }
  return 0;
}
