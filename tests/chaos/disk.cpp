#include "chaos/disk.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>

#include "base/clock.hpp"
#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::chaos {
namespace {

namespace fs = std::filesystem;
using postgres::Descriptor;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t disk_bytes = 6ULL << 30;  // at most: memory is taken as it is written
constexpr std::int64_t block_bytes = 4096;
constexpr seconds mkfs_patience{60};
constexpr seconds unmount_patience{20};
constexpr const char* mkfs = "/sbin/mkfs.ext4";
// What linux/ext4.h would say, which is not among the kernel's headers for programs.
constexpr unsigned long ext4_shutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t without_flushing = 2;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

Descriptor open_or_fail(const fs::path& path, int flags) {
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (file.number() < 0) fail(path);
  return file;
}

// Takes a free device and gives it the file; the next one when somebody else was faster.
std::string take_loop_device(const Descriptor& image, Descriptor& loop) {
  const Descriptor control = open_or_fail("/dev/loop-control", O_RDWR);
  for (int tries = 0; tries < 20; ++tries) {
    const int number = ioctl(control.number(), LOOP_CTL_GET_FREE);
    if (number < 0) fail("no loop device");
    std::string device = "/dev/loop" + std::to_string(number);
    loop = open_or_fail(device, O_RDWR);
    loop_config configuration{};
    configuration.fd = static_cast<std::uint32_t>(image.number());
    configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (ioctl(loop.number(), LOOP_CONFIGURE, &configuration) == 0) return device;
    if (errno != EBUSY) fail(device);
  }
  fail("no loop device");
}

}  // namespace

Disk::Disk(fs::path folder, const fs::path& image) : folder_(std::move(folder)) {
  try {
    attach(image);
    mount();
  } catch (const std::system_error&) {
    loop_ = Descriptor();
  }
}

void Disk::attach(const fs::path& image) {
  if (geteuid() != 0 || !fs::exists(mkfs)) {
    errno = EPERM;
    fail("a disk of its own");
  }
  const Descriptor file = open_or_fail(image, O_RDWR | O_CREAT | O_EXCL);
  if (ftruncate(file.number(), static_cast<off_t>(disk_bytes)) != 0) fail(image);
  const test::TemporaryFolder folder;
  test::ChildProgram making({mkfs, "-q", "-F", "-m", "0", "-J", "size=64", image}, folder.path() / "errors");
  if (making.await_end(mkfs_patience) != 0) {
    errno = EIO;
    fail(std::string(mkfs) + ": " + making.errors());
  }
  device_ = take_loop_device(file, loop_);
}

void Disk::mount() {
  // What is deleted is given back to memory.
  if (::mount(device_.c_str(), folder_.c_str(), "ext4", MS_NOATIME, "discard,errors=remount-ro") != 0) fail(device_);
  mounted_ = true;
}

Disk::~Disk() {
  if (mounted_) (void)umount2(folder_.c_str(), MNT_DETACH);
}

void Disk::sync() const {
  const Descriptor folder = open_or_fail(folder_, O_RDONLY | O_DIRECTORY);
  if (syncfs(folder.number()) != 0) fail(folder_);
}

void Disk::fill() const {
  struct statvfs disk{};
  if (statvfs(folder_.c_str(), &disk) != 0) fail(folder_);
  const Descriptor file = open_or_fail(folder_ / "filler", O_WRONLY | O_CREAT);
  off_t size = lseek(file.number(), 0, SEEK_END);
  auto more = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize) + block_bytes;
  while (more >= block_bytes) {
    if (fallocate(file.number(), 0, size, more) == 0) {
      size += more;
    } else if (errno == ENOSPC) {
      more /= 2;
    } else if (errno != EINTR) {
      fail("fallocate");
    }
  }
}

void Disk::make_room() const { fs::remove(folder_ / "filler"); }

void Disk::cut_power() const {
  const Descriptor folder = open_or_fail(folder_, O_RDONLY | O_DIRECTORY);
  std::uint32_t how = without_flushing;
  if (ioctl(folder.number(), ext4_shutdown, &how) != 0) fail("shutdown of " + folder_.string());
}

void Disk::turn_read_only() const {
  std::ofstream trigger("/sys/fs/ext4/" + fs::path(device_).filename().string() + "/trigger_fs_error");
  trigger << "1" << std::flush;
  if (!trigger) fail("trigger_fs_error");
}

int Disk::refusal() const {
  const fs::path file = folder_ / "probe";
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  unlink(file.c_str());
  return 0;
}

void Disk::recover() {
  const Monotonic until = monotonic_now() + unmount_patience;
  while (umount2(folder_.c_str(), 0) != 0) {
    if (errno != EBUSY || monotonic_now() > until) fail("umount of " + folder_.string());
    std::this_thread::sleep_for(milliseconds(10));
  }
  mounted_ = false;
  mount();
}

}  // namespace tenon::chaos
