// Places outside the database to which checkpoints go: what was published there nobody takes back.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace tenon::audit {

// A signed checkpoint, and how many leaves it is of.
struct Publication {
  std::uint64_t size = 0;
  std::string note;
};

class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;
  [[nodiscard]] virtual const std::string& place() const noexcept = 0;
  // Whether each checkpoint is to go there, or the newest will do.
  [[nodiscard]] virtual bool takes_each() const noexcept = 0;
  // The newest that is there; nothing when there is none or it cannot be told. Throws std::runtime_error.
  [[nodiscard]] virtual std::optional<Publication> newest() const = 0;
  // Returns once it is safe there. Throws std::runtime_error. The same one may come again.
  [[nodiscard]] virtual boost::asio::awaitable<void> publish(Publication publication, Monotonic deadline) = 0;
};

// Lines "SIZE BASE64(NOTE)", appended one by one and flushed to the disk; the file may be moved away at any time, and
// may be one that can only be appended to (chattr +a). Takes each checkpoint.
[[nodiscard]] std::unique_ptr<CheckpointSink> file_sink(const std::filesystem::path& file);

// Files in a folder: `checkpoint` is always the newest, and about once a minute (by the deadlines of publications) one
// stays as `checkpoint-SIZE`, its size in 20 digits. Throws std::runtime_error unless the folder can be written to.
[[nodiscard]] std::unique_ptr<CheckpointSink> folder_sink(const std::filesystem::path& folder);

// The newest, by POST to an https:// URL, as text/plain; any answer of 2xx will do. The server's certificate must be
// signed by one of `authorities` (PEM), or, where that is empty, of those that this machine trusts. Throws
// std::runtime_error for what is no such URL or no such file.
[[nodiscard]] std::unique_ptr<CheckpointSink> https_sink(const std::string& url,
                                                         const std::filesystem::path& authorities = {});

// As --checkpoint-to says: https_sink, or folder_sink for what is no URL.
[[nodiscard]] std::unique_ptr<CheckpointSink> sink_to(const std::string& place,
                                                      const std::filesystem::path& authorities = {});

}  // namespace tenon::audit
