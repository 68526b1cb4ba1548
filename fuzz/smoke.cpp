// Runs targets without libFuzzer, in whatever build this is: over their corpora, then over inputs made of them. The
// same inputs each time. What ./test runs.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/mutate.hpp"
#include "fuzz/registry.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace tenon::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr unsigned seconds_per_input = 20;  // on a machine that is busy with other things too

// What is being run, for whoever has to tell about its end.
std::string_view current_input;
std::array<char, 256> current_file;

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Only what a signal handler may do.
void keep_input() {
  const int file = ::open(current_file.data(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  write_all(file, current_input);
  ::close(file);
  write_all(2, "the input is in ");
  write_all(2, current_file.data());
  write_all(2, "\n");
}

void on_signal(int number) {
  write_all(2, number == SIGALRM ? "NO END: one input takes too long\n" : "CRASH\n");
  keep_input();
  std::signal(number, SIG_DFL);
  if (number == SIGALRM) ::_exit(1);
  ::raise(number);
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> corpus_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);  // the same order everywhere
  std::vector<std::string> corpus;
  for (const fs::path& file : files) corpus.push_back(content_of(file));
  return corpus;
}

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

// libFuzzer's dictionaries: a quoted word a line, with \" \\ and \xNN.
std::vector<std::string> words_of(const fs::path& file) {
  std::vector<std::string> words;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find('"');
    const std::size_t last = line.rfind('"');
    if (line.starts_with('#') || first == last) continue;
    std::string word;
    for (std::size_t at = first + 1; at < last; ++at) {
      if (line[at] != '\\') {
        word += line[at];
      } else if (line[at + 1] == 'x' && at + 3 < last) {
        word += static_cast<char>(hex_digit(line[at + 2]) * 16 + hex_digit(line[at + 3]));
        at += 3;
      } else {
        word += line[++at];
      }
    }
    words.push_back(std::move(word));
  }
  return words;
}

void run_one(Target target, std::string_view input) {
  current_input = input;
  ::alarm(seconds_per_input);
  try {
    target(input);
  } catch (const std::exception& error) {
    check(false, error.what());
  }
  ::alarm(0);
}

std::uint64_t seed_of(std::string_view name) {
  std::uint64_t seed = 0xcbf29ce484222325U;
  for (const char c : name) seed = (seed ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return seed;
}

int run(const Entry& entry, const fs::path& home, std::size_t runs) {
  const std::string name(entry.name);
  std::snprintf(current_file.data(), current_file.size(), "failed-input-%s", name.c_str());
  const std::vector<std::string> corpus = corpus_of(home / "corpus" / name);
  if (corpus.empty()) {
    std::fprintf(stderr, "fuzz/corpus/%s is empty\n", name.c_str());
    return 2;
  }
  const std::vector<std::string> words = words_of(home / "dictionaries" / (name + ".dict"));
  for (const std::string& input : corpus) run_one(entry.run, input);
  Mutator mutator(seed_of(entry.name), corpus, words);
  for (std::size_t n = 0; n < runs; ++n) run_one(entry.run, mutator.next());
  std::printf("%s: %zu inputs of the corpus and %zu made of them, no promise broken\n", name.c_str(), corpus.size(),
              runs);
  return 0;
}

int usage() {
  std::fprintf(stderr,
               "usage: fuzz_smoke NAME|all FOLDER [RUNS]    FOLDER: fuzz/ of the repository; RUNS: 20000\n"
               "       fuzz_smoke NAME --input FILE...       one input after another\n"
               "       fuzz_smoke --list\n");
  return 2;
}

}  // namespace

void check(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "BROKEN PROMISE: %s\n", promise);
  keep_input();
  ::_exit(1);
}

int main_of(const std::vector<std::string>& arguments) {
  if (arguments == std::vector<std::string>{"--list"}) {
    for (const Entry& entry : registry()) std::printf("%s\n", std::string(entry.name).c_str());
    return 0;
  }
  if (arguments.size() < 2) return usage();
  std::signal(SIGALRM, on_signal);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(keep_input);  // the rest is its own business
#else
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
#endif
  std::size_t runs = 20'000;
  const bool files = arguments[1] == "--input";
  if (!files && arguments.size() > 2) {
    const std::string& text = arguments[2];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), runs);
    if (error != std::errc() || end != text.data() + text.size() || arguments.size() > 3) return usage();
  }
  bool known = false;
  for (const Entry& entry : registry()) {
    if (arguments[0] != entry.name && (arguments[0] != "all" || entry.name == "canary")) continue;
    known = true;
    if (files) {
      for (std::size_t n = 2; n < arguments.size(); ++n) {
        const std::string input = content_of(arguments[n]);
        std::snprintf(current_file.data(), current_file.size(), "failed-input-%s", arguments[0].c_str());
        run_one(entry.run, input);
      }
    } else if (const int result = run(entry, arguments[1], runs); result != 0) {
      return result;
    }
  }
  if (!known) std::fprintf(stderr, "there is no target %s\n", arguments[0].c_str());
  return known ? 0 : 2;
}

}  // namespace tenon::fuzz

int main(int count, char** values) { return tenon::fuzz::main_of({values + 1, values + count}); }
