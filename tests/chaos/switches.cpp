// The switches of tenon_under_test: set by its environment, once, before main().
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/test_switch.hpp"
#include "chaos/switch_settings.hpp"

namespace tenon::test_switch {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before there is a second thread
  return value == nullptr ? "" : value;
}

// Not through the log, which buffers: the next thing that happens may be the process's end.
void say(const std::string& line) {
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

class Switches {
 public:
  Switches() {
    for (const Mutant mutant : mutants_in(environment("TENON_TEST_SWITCH"))) {
      mutants_.at(static_cast<std::size_t>(mutant)) = true;
      say("{\"event\":\"mutant\",\"name\":\"" + std::string(name_of(mutant)) + "\"}\n");
      any_ = true;
    }
    auto points = failpoints_in(environment("TENON_FAILPOINT"));
    if (!points) {
      say("TENON_FAILPOINT: \"" + std::string(environment("TENON_FAILPOINT")) +
          "\" is not a list of STEP=ACTION@N[:COUNT]\n");
      std::_Exit(2);
    }
    points_ = std::move(*points);
    any_ = any_ || !points_.empty();
  }

  [[nodiscard]] bool any() const noexcept { return any_; }
  [[nodiscard]] bool is_on(Mutant mutant) const noexcept { return mutants_[static_cast<std::size_t>(mutant)]; }

  void strike(Step step) {
    const std::uint64_t pass = passes_.at(static_cast<std::size_t>(step)).fetch_add(1) + 1;
    for (const Failpoint& point : points_) {
      if (point.step == step && point.strikes_at(pass)) act(point, pass);
    }
  }

 private:
  static void act(const Failpoint& point, std::uint64_t pass) {
    say("{\"event\":\"failpoint\",\"step\":\"" + std::string(name_of(point.step)) + "\",\"action\":\"" +
        std::string(name_of(point.action)) + "\",\"pass\":" + std::to_string(pass) + "}\n");
    switch (point.action) {
      case Failpoint::Action::kill:
        std::raise(SIGKILL);
        return;
      case Failpoint::Action::stop:
        kill(getpid(), SIGSTOP);
        return;
      case Failpoint::Action::raise:
        throw std::runtime_error("failpoint " + std::string(name_of(point.step)));
      case Failpoint::Action::delay:
        std::this_thread::sleep_for(std::chrono::milliseconds(point.milliseconds));
    }
  }

  std::array<bool, mutant_count> mutants_{};
  std::vector<Failpoint> points_;
  std::array<std::atomic<std::uint64_t>, step_count> passes_{};
  bool any_ = false;
};

Switches& switches() {
  static Switches all;
  return all;
}

}  // namespace

const bool armed = switches().any();

bool is_on(Mutant mutant) noexcept { return switches().is_on(mutant); }
void strike(Step step) { switches().strike(step); }

}  // namespace tenon::test_switch
