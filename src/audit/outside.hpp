// Checkpoints that were published outside the database: the ones nobody can take back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tenon::audit {

// One published checkpoint as it was found: not yet looked into.
struct Published {
  std::string note;
  std::string place;  // "/srv/tenon/audit-checkpoints, line 7"
};

// Where checkpoints go: a file of lines "SIZE BASE64(NOTE)", or a folder of files "checkpoint-SIZE" and "checkpoint",
// the newest, each a note; or a file that is a note. What is there when this is made, read one by one, in the order in
// which they were written: what comes later is not. What has no end of line (a crash in the middle of writing) or does
// not read as a note at all is passed over and counted.
class Outside {
 public:
  explicit Outside(const std::filesystem::path& place);  // throws std::runtime_error when it cannot be read
  [[nodiscard]] std::optional<Published> next();
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }

 private:
  [[nodiscard]] std::optional<Published> next_line();
  [[nodiscard]] std::optional<Published> next_file();
  [[nodiscard]] std::optional<std::string> read_line();

  std::filesystem::path place_;
  std::ifstream lines_;
  std::uintmax_t bytes_left_ = 0;  // of the lines
  std::uint64_t line_ = 0;
  std::vector<std::filesystem::path> files_;  // checkpoint-SIZE, the next one last
  std::optional<Published> newest_;  // the folder's `checkpoint`, which is another one a second later; or the file
  std::uint64_t torn_ = 0;
};

}  // namespace tenon::audit
