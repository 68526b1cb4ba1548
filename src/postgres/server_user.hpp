// Whom the embedded server runs as: PostgreSQL refuses to run as root.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tenon::postgres {

struct ServerUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;

  // Makes this process that user, for good. Async-signal-safe; false with errno when it failed. Nothing to do, and
  // always true, for the user that we are.
  [[nodiscard]] bool assume() const noexcept;

  // The first of the directories on the way to `directory` (itself included) that this user may not enter.
  [[nodiscard]] std::optional<std::filesystem::path> stopped_at(const std::filesystem::path& directory) const;
};

// Our own user; for root the owner of `data` if there is one, else `postgres`, else `nobody`. Throws std::runtime_error
// when a user has no entry in the system's user database.
[[nodiscard]] ServerUser choose_server_user(const std::filesystem::path& data);

[[nodiscard]] std::string user_name(uid_t uid);

}  // namespace tenon::postgres
