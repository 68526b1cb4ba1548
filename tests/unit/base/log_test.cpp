#include "base/log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "encoding/json.hpp"

namespace tenon {
namespace {

using namespace std::string_literals;

constexpr std::string_view at = "2025-12-02T05:21:11.123Z";

// A log file in a directory of its own, gone with the test.
class LogFile {
 public:
  LogFile() {
    std::string name = (std::filesystem::temp_directory_path() / "tenon-log-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~LogFile() { std::filesystem::remove_all(directory_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  [[nodiscard]] std::string path() const { return directory_ / "log"; }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::ifstream file(path());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

 private:
  std::filesystem::path directory_;
};

TEST(LogLine, IsOneJsonObjectWithTimeLevelEventAndFields) {
  EXPECT_EQ(render_log_line(at, LogLevel::info, "request",
                            {{"path", "/api/items"}, {"status", std::int64_t{200}}, {"ms", 1.5}, {"replayed", true}}),
            R"({"at":"2025-12-02T05:21:11.123Z","level":"info","event":"request",)"
            R"("path":"/api/items","status":200,"ms":1.5,"replayed":true})");
}

TEST(LogLine, StaysOneLineOfValidJsonWhateverAFieldHolds) {
  const std::string rows[] = {
      "\r\n",
      "a\nb\rc",
      "\n{\"at\":\"forged\",\"level\":\"error\"}\n",
      "\",\"level\":\"error",
      "\\",
      "\\\"",
      "\0"s,
      "before\0after"s,
      "\x1b[2J\x1b]0;title\x07",
      "\xe2\x80\xa8",  // U+2028
      "\xe2\x80\xa9",  // U+2029
      "x\xe2\x80\xa8\xe2\x80\xa8\xe2\x80\xa9y",
      "\x7f",
      "\xc2\x85",  // NEL
      "\xc2\x9b"
      "31m",  // CSI
      "\v\f\b\t",
      "\xf0\x9f\x98\x80 \xe2\x82\xac \xc3\xa9",
      "\xe2\x80\xa7\xe2\x80\xaa",  // the neighbours of U+2028 and U+2029
      std::string(100'000, '\n'),
      std::string(1'000, '\0'),  // the longest escapes there are, for as many characters as there are
      std::string(1'000, '\x7f'),
  };
  for (const std::string& text : rows) {
    const std::string line = render_log_line(at, LogLevel::warning, "request", {{"path", text}, {"after", true}});
    SCOPED_TRACE(line.substr(0, 200));
    for (const std::string_view ender :
         {"\n", "\r", "\v", "\f", "\x1b", "\x7f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xc2\x85", "\xc2\x9b"}) {
      EXPECT_EQ(line.find(ender), std::string::npos);
    }
    EXPECT_EQ(line.find('\0'), std::string::npos);
    const auto parsed = json::parse(line);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    const json::Object& object = *parsed->object();
    ASSERT_EQ(object.size(), 5U);
    EXPECT_EQ(*json::find(object, "level")->string(), "warning");
    EXPECT_EQ(*json::find(object, "event")->string(), "request");
    EXPECT_EQ(*json::find(object, "path")->string(), text);
    EXPECT_EQ(*json::find(object, "after")->boolean(), true);
  }
}

TEST(LogLine, IsValidJsonWithoutControlsForBytesThatAreNotText) {
  for (int byte = 0x80; byte < 0x100; ++byte) {
    for (const std::string& text :
         {std::string(1, static_cast<char>(byte)), "\xc2" + std::string(1, static_cast<char>(byte)),
          std::string(1'000, static_cast<char>(byte))}) {
      const std::string line = render_log_line(at, LogLevel::info, "request", {{"path", text}});
      ASSERT_TRUE(json::parse(line)) << line;
      for (int control = 0x80; control < 0xa0; ++control) {
        EXPECT_EQ(line.find("\xc2" + std::string(1, static_cast<char>(control))), std::string::npos) << byte;
      }
    }
  }
}

TEST(LogLine, TurnsOnlyTheFieldsTextIntoEscapes) {
  // What looks like an escape in the input is text, not an escape.
  const std::string text = R"(\u2028 \n)";
  const auto parsed = json::parse(render_log_line(at, LogLevel::info, "request", {{"path", text}}));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*json::find(*parsed->object(), "path")->string(), text);
}

TEST(LogLine, WritesNumbersThatJsonCanHold) {
  using limits = std::numeric_limits<double>;
  const auto parsed = json::parse(render_log_line(
      at, LogLevel::info, "numbers",
      {{"nan", limits::quiet_NaN()}, {"inf", limits::infinity()}, {"small", 1e-9}, {"big", 1e300}, {"zero", -0.0}}));
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_TRUE(json::find(*parsed->object(), "nan")->is_null());
  EXPECT_TRUE(json::find(*parsed->object(), "inf")->is_null());
  EXPECT_EQ(json::find(*parsed->object(), "small")->number()->value, 1e-9);
  EXPECT_EQ(json::find(*parsed->object(), "big")->number()->value, 1e300);
  EXPECT_NE(render_log_line(at, LogLevel::info, "n", {{"n", std::numeric_limits<std::int64_t>::min()}})
                .find("-9223372036854775808"),
            std::string::npos);
}

TEST(LogLine, WritesATimeInMillisecondsWithThreePlaces) {
  for (const auto& [time, text] : {std::pair{0, "0.000"},
                                   {7, "0.007"},
                                   {34, "0.034"},
                                   {999, "0.999"},
                                   {1'000, "1.000"},
                                   {12'345'678, "12345.678"},
                                   {-5, "0.000"}}) {
    const std::string line = render_log_line(at, LogLevel::info, "request", {{"ms", std::chrono::microseconds(time)}});
    EXPECT_TRUE(line.ends_with(std::string(",\"ms\":") + text + "}")) << line;
  }
}

TEST(LogLine, NamesEachLevel) {
  for (const auto& [level, name] : {std::pair{LogLevel::debug, "debug"},
                                    {LogLevel::info, "info"},
                                    {LogLevel::warning, "warning"},
                                    {LogLevel::error, "error"}}) {
    const auto parsed = json::parse(render_log_line(at, level, "x", {}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*json::find(*parsed->object(), "level")->string(), name);
  }
}

TEST(Logger, WritesOneLinePerEventFromTheLeastLevelUp) {
  const LogFile file;
  {
    Logger log(file.path(), LogLevel::warning);
    EXPECT_FALSE(log.enabled(LogLevel::info));
    EXPECT_TRUE(log.enabled(LogLevel::error));
    log.event(LogLevel::info, "too_quiet");
    log.event(LogLevel::warning, "heard", {{"path", "a\nb"}});
    log.event(LogLevel::error, "heard_too");
  }
  const auto lines = file.lines();
  ASSERT_EQ(lines.size(), 2U);
  const auto first = json::parse(lines[0]);
  ASSERT_TRUE(first) << lines[0];
  EXPECT_EQ(*json::find(*first->object(), "event")->string(), "heard");
  const std::string& when = *json::find(*first->object(), "at")->string();
  ASSERT_EQ(when.size(), at.size()) << when;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const bool digit = at[i] >= '0' && at[i] <= '9';
    EXPECT_EQ(digit, when[i] >= '0' && when[i] <= '9') << when;
    if (!digit) {
      EXPECT_EQ(when[i], at[i]) << when;
    }
  }
}

TEST(Logger, WritesNothingWhenOff) {
  const LogFile file;
  Logger(file.path(), LogLevel::off).event(LogLevel::error, "unheard");
  EXPECT_TRUE(file.lines().empty());
}

TEST(Logger, KeepsLinesWholeWhenManyThreadsWrite) {
  const LogFile file;
  {
    Logger log(file.path(), LogLevel::info);
    std::vector<std::jthread> threads;
    for (std::int64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&log, t] {
        for (std::int64_t i = 0; i < 500; ++i) log.event(LogLevel::info, "tick", {{"thread", t}, {"i", i}});
      });
    }
  }
  const auto lines = file.lines();
  EXPECT_EQ(lines.size(), 2000U);
  std::map<double, double> next;  // of each thread: its lines stand in the order it wrote them
  for (const std::string& line : lines) {
    const auto parsed = json::parse(line);
    ASSERT_TRUE(parsed) << line;
    const double thread = json::find(*parsed->object(), "thread")->number()->value;
    EXPECT_EQ(json::find(*parsed->object(), "i")->number()->value, next[thread]++) << line;
  }
}

TEST(Logger, WritesAWarningAtOnceAndWhatCameBeforeIt) {
  const LogFile file;
  Logger log(file.path(), LogLevel::info);
  log.event(LogLevel::info, "before");
  log.event(LogLevel::warning, "now");
  EXPECT_EQ(file.lines().size(), 2U);
}

TEST(Logger, WritesLongBeforeItEnds) {
  const LogFile file;
  Logger log(file.path(), LogLevel::info);
  const std::string path(100, 'x');
  for (int i = 0; i < 1'000; ++i) log.event(LogLevel::info, "request", {{"path", path}});
  EXPECT_GT(file.lines().size(), 400U);
}

TEST(Logger, WritesTheLastLineThoughNothingFollows) {
  const LogFile file;
  Logger log(file.path(), LogLevel::info);
  log.event(LogLevel::info, "request");
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (file.lines().empty() && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  EXPECT_EQ(file.lines().size(), 1U);
}

TEST(Logger, AppendsToWhatIsThereAndMakesTheFolder) {
  const LogFile file;
  const std::string path = file.path() + ".d/of/tenon/log";
  for (int i = 0; i < 2; ++i) Logger(path, LogLevel::info).event(LogLevel::info, "started");
  std::ifstream written(path);
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(written), {}, '\n'), 2);
}

TEST(Logger, RefusesAFileThatCannotBeOpened) {
  EXPECT_THROW(Logger("/proc/no/such/place/log", LogLevel::info), std::runtime_error);
}

// No file of this process grows beyond so many bytes: as if the disk were full.
class FullDisk {
 public:
  explicit FullDisk(std::uintmax_t bytes) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit less{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &less), 0);
  }
  ~FullDisk() {
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before_), 0);
    (void)std::signal(SIGXFSZ, signal_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*signal_)(int) = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before_{};
};

TEST(Logger, AfterAFullDiskWritesWholeLinesAgain) {
  LogFile file;
  Logger log(file.path(), LogLevel::info);
  log.event(LogLevel::info, "before");
  log.flush();
  {
    const FullDisk full(std::filesystem::file_size(file.path()) + 10);
    for (const char* name : {"cut", "dropped", "dropped"}) {
      log.event(LogLevel::info, name);
      log.flush();
    }
  }
  for (const char* name : {"after", "later"}) {
    log.event(LogLevel::info, name);
    log.flush();
  }
  std::vector<std::string> events;
  std::size_t broken = 0;
  for (const std::string& line : file.lines()) {
    const auto parsed = json::parse(line);
    if (parsed) {
      events.push_back(*json::find(*parsed->object(), "event")->string());
    } else {
      ++broken;
    }
  }
  EXPECT_EQ(events, (std::vector<std::string>{"before", "after", "later"}));
  EXPECT_EQ(broken, 1U);
}

}  // namespace
}  // namespace tenon
