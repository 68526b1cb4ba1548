// Places outside the database: what is published there, and what a crash or a stranger may have left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <fstream>
#include <iterator>

#include "audit/base64.hpp"
#include "audit/outside.hpp"
#include "audit/sink.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::audit {
namespace {

namespace fs = std::filesystem;

// What a sink looks at of a note.
std::string note_of(std::uint64_t size) {
  return "tenon/test\n" + std::to_string(size) + "\nroot\n\n\u2014 tenon/test signature\n";
}
std::string line_of(std::uint64_t size) { return std::to_string(size) + " " + base64(note_of(size)) + "\n"; }

void publish(CheckpointSink& sink, std::uint64_t size,
             Monotonic deadline = monotonic_now() + std::chrono::seconds(10)) {
  boost::asio::io_context context;
  std::exception_ptr failed;
  boost::asio::co_spawn(context, sink.publish({.size = size, .note = note_of(size)}, deadline),
                        [&failed](const std::exception_ptr& failure) { failed = failure; });
  context.run();
  if (failed) std::rethrow_exception(failed);
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const fs::path& file, const std::string& content) { std::ofstream(file, std::ios::binary) << content; }

std::vector<std::string> notes_in(const fs::path& place, std::uint64_t torn = 0) {
  Outside outside(place);
  std::vector<std::string> notes;
  while (const auto one = outside.next()) notes.push_back(one->note);
  EXPECT_EQ(outside.torn(), torn);
  return notes;
}

struct FileSinkTest : testing::Test {
  test::TemporaryFolder folder;
  fs::path file = folder.path() / "audit-checkpoints";
  std::unique_ptr<CheckpointSink> sink = file_sink(file);
};

TEST_F(FileSinkTest, AppendsALineACheckpoint) {
  EXPECT_FALSE(sink->newest());
  for (const std::uint64_t size : {1, 20, 300}) publish(*sink, size);
  EXPECT_EQ(content_of(file), line_of(1) + line_of(20) + line_of(300));
  EXPECT_EQ(sink->newest().value().size, 300U);
  EXPECT_EQ(sink->newest().value().note, note_of(300));
  EXPECT_EQ(notes_in(file), (std::vector<std::string>{note_of(1), note_of(20), note_of(300)}));
}

TEST_F(FileSinkTest, GoesOnAfterALineThatACrashTore) {
  const std::string torn = line_of(300);
  for (std::size_t bytes = 1; bytes < torn.size(); ++bytes) {
    write(file, line_of(1) + line_of(20) + torn.substr(0, bytes));
    ASSERT_EQ(sink->newest().value().size, 20U) << bytes;
    publish(*sink, 300);
    ASSERT_EQ(sink->newest().value().size, 300U) << bytes;
    // Torn just before its line break it reads like a whole one.
    if (bytes + 1 == torn.size()) continue;
    // Base64 that ends early at four characters may still decode: such a note nobody signed.
    const auto found = [&] {
      Outside outside(file);
      std::vector<std::string> notes;
      while (const auto one = outside.next()) notes.push_back(one->note);
      return notes;
    }();
    ASSERT_EQ(found.front(), note_of(1)) << bytes;
    ASSERT_EQ(found.back(), note_of(300)) << bytes;
  }
}

TEST_F(FileSinkTest, PassesOverWhatIsNoCheckpoint) {
  const std::string rubbish[] = {"\n",
                                 "\n\n\n",
                                 "12\n",
                                 "12 \n",
                                 "12 ???\n",
                                 "13 " + base64(note_of(12)) + "\n",
                                 "12 " + base64("no note") + "\n",
                                 std::string(3, '\0') + "\n"};
  for (const std::string& each : rubbish) {
    write(file, line_of(7) + each);
    EXPECT_EQ(sink->newest().value().size, 7U) << each;
    write(file, each);
    EXPECT_FALSE(sink->newest()) << each;
  }
}

TEST_F(FileSinkTest, MakesTheFileAnewWhenItWasMovedAway) {
  publish(*sink, 1);
  fs::rename(file, folder.path() / "kept");
  publish(*sink, 2);
  EXPECT_EQ(content_of(file), line_of(2));
}

TEST_F(FileSinkTest, SaysWhatCannotBeWritten) {
  const auto nowhere = file_sink(folder.path() / "missing" / "file");
  EXPECT_THAT([&] { publish(*nowhere, 1); }, testing::ThrowsMessage<std::runtime_error>(testing::HasSubstr("missing")));
  fs::create_directory(file);
  EXPECT_THROW(publish(*sink, 1), std::runtime_error);
}

TEST(FolderSink, HasTheNewestAlwaysAndOneAMinuteForGood) {
  const test::TemporaryFolder folder;
  const fs::path place = folder.path() / "made" / "for it";
  const auto sink = folder_sink(place);
  EXPECT_FALSE(sink->newest());
  const Monotonic begin = monotonic_now();
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(place)) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  };
  publish(*sink, 5, begin);
  publish(*sink, 6, begin + std::chrono::seconds(1));
  publish(*sink, 7, begin + std::chrono::seconds(59));
  EXPECT_EQ(names(), (std::vector<std::string>{"checkpoint", "checkpoint-00000000000000000005"}));
  EXPECT_EQ(content_of(place / "checkpoint"), note_of(7));
  EXPECT_EQ(sink->newest().value().size, 7U);
  publish(*sink, 12'345, begin + std::chrono::seconds(60));
  publish(*sink, 12'346, begin + std::chrono::seconds(61));
  EXPECT_EQ(names(), (std::vector<std::string>{"checkpoint", "checkpoint-00000000000000000005",
                                               "checkpoint-00000000000000012345"}));
  EXPECT_EQ(notes_in(place), (std::vector<std::string>{note_of(5), note_of(12'345), note_of(12'346)}));
}

TEST(FolderSink, IsNotSetBackByWhoComesLate) {
  const test::TemporaryFolder folder;
  const auto sink = folder_sink(folder.path());
  const Monotonic begin = monotonic_now();
  publish(*folder_sink(folder.path()), 101, begin);
  publish(*sink, 100, begin);
  EXPECT_EQ(content_of(folder.path() / "checkpoint"), note_of(101));
  EXPECT_EQ(content_of(folder.path() / "checkpoint-00000000000000000100"), note_of(100));
}

TEST(FolderSink, RefusesWhatIsNoFolderOfItsOwn) {
  const test::TemporaryFolder folder;
  write(folder.path() / "file", "");
  EXPECT_THROW((void)folder_sink(folder.path() / "file"), std::runtime_error);
  EXPECT_THROW((void)folder_sink(folder.path() / "file" / "below"), std::runtime_error);
  write(folder.path() / "checkpoint", "something else\n");
  EXPECT_THAT([&] { (void)folder_sink(folder.path())->newest(); },
              testing::ThrowsMessage<std::runtime_error>(testing::HasSubstr("is no checkpoint")));
}

TEST(SinkTo, TellsUrlsFromFolders) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(sink_to(folder.path() / "x")->takes_each());
  EXPECT_EQ(sink_to("https://log.example/checkpoints?log=1")->place(), "https://log.example/checkpoints?log=1");
  for (const char* wrong :
       {"", "http://log.example/", "https://", "https://user@log.example/", "https://log.example/#part",
        "ftp://log.example/", "https://log.example:port/", "https://log.example:99999/"}) {
    EXPECT_THROW((void)sink_to(wrong), std::runtime_error) << wrong;
  }
  EXPECT_THROW((void)sink_to("https://log.example/", folder.path() / "no such file"), std::runtime_error);
}

}  // namespace
}  // namespace tenon::audit
