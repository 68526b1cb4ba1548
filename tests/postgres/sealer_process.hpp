// A second process that seals, to be killed: this test program, run again.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace tenon::test {

class SealerProcess {
 public:
  // Seals in small rounds, a few milliseconds apart, with the key in folder/audit-key and to folder/audit-checkpoints.
  SealerProcess(const std::string& conninfo, const std::filesystem::path& folder);
  ~SealerProcess() { kill_and_reap(); }
  SealerProcess(const SealerProcess&) = delete;
  SealerProcess& operator=(const SealerProcess&) = delete;
  void kill_and_reap();  // SIGKILL

 private:
  pid_t pid_ = -1;
};

}  // namespace tenon::test
