// Where log lines go: a file that is appended to, or standard error. Lines are collected and written many at a time, a
// tenth of a second after the first at the latest; while one thread writes, the others go on collecting.
#pragma once

#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace tenon {

// Safe to use from any thread. Lines reach the file whole and in the order of the calls. What cannot be written (a full
// disk) is dropped: nothing waits for it. Of the first line that is dropped there may be a beginning, on a line alone.
class LogFile {
 public:
  // "-": standard error, where each line is written at once. Throws std::runtime_error if the file can't be opened.
  explicit LogFile(const std::string& path);
  ~LogFile();  // writes what was collected
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void add(std::string_view line);  // without its line end
  void flush();                     // until all that was added before is written

 private:
  void write_collected(std::unique_lock<std::mutex> turn);
  void keep_written(const std::stop_token& stop);

  int descriptor_;
  bool owned_;
  std::mutex collecting_;  // guards collected_
  std::string collected_;
  std::mutex writing_;  // whoever holds it writes; taken before collecting_
  std::string leaving_;
  bool cut_ = false;     // the last line written has no end: the disk was full
  std::jthread keeper_;  // of a file; ends before what it writes
};

}  // namespace tenon
