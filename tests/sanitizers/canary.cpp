// A program whose child has a defect, and which says that all is well: the sanitizers' own negative control.
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

volatile int zero = 0;
int shared = 0;

void overflow() {
  auto* bytes = static_cast<volatile char*>(std::malloc(8));
  bytes[8 + zero] = 'x';
}

void undefined() {
  volatile int number = INT_MAX;
  number = number + 1 + zero;
}

void leak() {
  static void* volatile kept;
  kept = std::malloc(8);
  kept = kept == nullptr ? &shared : nullptr;
}

void race() {
  std::thread other([] { ++shared; });
  ++shared;
  other.join();
}

int usage() {
  std::fputs("usage: sanitizer_canary overflow|undefined|leak|race\n", stderr);
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return usage();
  const std::string_view kind = arguments[1];
  void (*const defect)() = kind == "overflow"    ? overflow
                           : kind == "undefined" ? undefined
                           : kind == "leak"      ? leak
                           : kind == "race"      ? race
                                                 : nullptr;
  if (defect == nullptr) return usage();
  const pid_t child = fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    defect();
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return 0;
}
