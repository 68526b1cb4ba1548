// A disk under a server that can be broken: an ext4 of its own on a loop device, over a file in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "postgres/cluster_files.hpp"

namespace tenon::chaos {

class Disk {
 public:
  // Mounts it at `folder`, which is there; its bytes are in `image`, a new file. Where we may not do that (it takes
  // root, a loop device and mkfs.ext4), `folder` stays an ordinary one, and can_break() says so. The mount is visible
  // in our mount namespace only, which main() has made, and goes with the last process in it.
  Disk(std::filesystem::path folder, const std::filesystem::path& image);
  ~Disk();  // nobody may have a file open on it any more
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  [[nodiscard]] bool can_break() const noexcept { return mounted_; }
  void sync() const;  // all of it, as it has to be before the first cut

  // The rest throw std::system_error, and need can_break().
  void fill() const;  // takes what room there is, also what was given back since it was last called
  void make_room() const;
  // From this moment on nothing reaches it and everything on it fails; what was not synced is lost, as with the power
  // of its machine. The bytes that would have been written are counted by nobody.
  void cut_power() const;
  void turn_read_only() const;  // as the kernel does by itself when it finds an error on a disk
  // The errno with which a new file on it is refused; 0: it is not.
  [[nodiscard]] int refusal() const;
  // After cut_power() or turn_read_only(): unmounts and mounts it, as the machine's next start would. Nobody may have a
  // file open on it; those who still end are waited for.
  void recover();

 private:
  void attach(const std::filesystem::path& image);
  void mount();

  std::filesystem::path folder_;
  std::string device_;           // /dev/loopN
  postgres::Descriptor loop_{};  // held open: the kernel frees the device with the last who has it
  bool mounted_ = false;
};

}  // namespace tenon::chaos
