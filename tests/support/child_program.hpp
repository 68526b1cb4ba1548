// A program that a test runs beside itself. It cannot outlive the test: the kernel kills it with us, whatever ends us.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tenon::test {

class ChildProgram {
 public:
  // `arguments` begins with the program's path. What it says on standard error goes to the file `errors`; its standard
  // output is read by the calls below. Only from the main thread, with whose end the child is killed. Throws
  // std::system_error.
  ChildProgram(const std::vector<std::string>& arguments, std::filesystem::path errors);
  ~ChildProgram();  // SIGKILL if it still runs
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;  // nothing once it has ended

  // Reads its output until there is a line that begins so; the rest of that line. Nothing: it closed its output, or
  // did not say it in time.
  [[nodiscard]] std::optional<std::string> await_line(const std::string& beginning, std::chrono::milliseconds patience);
  [[nodiscard]] const std::string& output() const noexcept { return output_; }  // read so far
  [[nodiscard]] std::string errors() const;

  // Reads the rest of its output and waits for its end: the exit code, or minus the signal that ended it. Nothing: it
  // still runs.
  [[nodiscard]] std::optional<int> await_end(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] bool read_more(std::chrono::steady_clock::time_point until);

  pid_t pid_ = -1;
  int handle_ = -1;  // a pidfd: readable once it has ended
  int pipe_ = -1;
  bool ended_ = false;
  int result_ = 0;
  std::string output_;
  std::filesystem::path errors_;
};

[[nodiscard]] std::string content_of(const std::filesystem::path& file);  // empty when it cannot be read

}  // namespace tenon::test
