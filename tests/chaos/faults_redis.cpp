#include <fmt/format.h>

#include "chaos/faults.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool answers(const test::RedisServer& redis) {
  try {
    return redis.ask({"PING"}).text == "PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

Inflicted kill_redis(Stack& stack, Random& random, bool) {
  Inflicted fault{.hold = milliseconds(random.between(200, 2'000))};
  test::RedisServer& redis = stack.redis();
  redis.kill_hard();
  if (!answers(redis)) fault.proof = "ended, answers nobody";
  fault.heal = [&redis] { redis.start(); };
  return fault;
}

Inflicted freeze_redis(Stack& stack, Random& random, bool) {
  Inflicted fault{.hold = milliseconds(random.between(200, 3'000))};
  test::RedisServer& redis = stack.redis();
  redis.freeze();
  const pid_t process = redis.pid();
  const auto stopped = [process] {
    std::string state;
    FILE* file = std::fopen(fmt::format("/proc/{}/stat", process).c_str(), "re");
    if (file == nullptr) return false;
    char line[256] = {};
    if (std::fgets(line, sizeof line, file) != nullptr) state = line;
    std::fclose(file);
    return state.find(") T ") != std::string::npos;
  };
  if (comes_true(proof_patience, stopped)) fault.proof = "state T";
  fault.heal = [&redis] { redis.thaw(); };
  return fault;
}

Inflicted empty_redis(Stack& stack, Random&, bool) {
  Inflicted fault;
  if (stack.redis().ask({"FLUSHALL"}).text == "OK") fault.proof = "FLUSHALL: OK";
  return fault;
}

// As when a fail-over leads to a replica that knew nothing: the same address, another server.
Inflicted replace_redis(Stack& stack, Random&, bool) {
  Inflicted fault;
  const std::uint16_t before = stack.redis().port();
  stack.replace_redis();
  if (stack.redis().port() != before &&
      comes_true(proof_patience, [&] { return stack.redis().ask({"DBSIZE"}).integer > 0; }))
    fault.proof = "nodes write to the new one";
  return fault;
}

}  // namespace

std::vector<FaultKind> redis_faults() {
  return {{"Redis killed", Domain::redis, 1, kill_redis},
          {"Redis frozen", Domain::redis, 1, freeze_redis},
          {"Redis emptied", Domain::redis, 1, empty_redis},
          {"Redis replaced", Domain::redis, 1, replace_redis}};
}

}  // namespace tenon::chaos
