#include "audit/verified_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

constexpr std::string_view first_line = "tenon audit verified 1";

std::runtime_error cannot(const std::string& what, const std::filesystem::path& file) {
  return std::runtime_error("cannot " + what + " " + file.string() + ": " + std::strerror(errno));  // NOLINT
}

}  // namespace

std::string VerifiedState::text() const {
  return std::string(first_line) + "\n" + origin + "\n" + std::to_string(size) + "\n" + base64(as_text(root)) + "\n" +
         std::to_string(last.transaction_id) + " " + std::to_string(last.id) + "\n";
}

std::optional<VerifiedState> VerifiedState::parse(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string head;
  std::string root;
  VerifiedState state;
  if (!std::getline(lines, head) || head != first_line || !std::getline(lines, state.origin)) return std::nullopt;
  if (!(lines >> state.size >> root >> state.last.transaction_id >> state.last.id)) return std::nullopt;
  const auto hash = base64_hash(root);
  if (!hash) return std::nullopt;
  state.root = *hash;
  if (state.text() != text) return std::nullopt;
  return state;
}

std::optional<VerifiedState> read_state(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::nullopt;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw cannot("read", file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  auto state = VerifiedState::parse(text);
  if (!state)
    throw std::runtime_error(file.string() +
                             " does not say up to where the log was verified: remove it, and "
                             "verify the whole log");
  return state;
}

void write_state(const std::filesystem::path& file, const VerifiedState& state) {
  const std::string draft = file.string() + "." + std::to_string(::getpid());
  const std::string text = state.text();
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw cannot("write", draft);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(draft.c_str(), file.c_str()) != 0) {
    const auto failure = cannot("write", file);
    ::unlink(draft.c_str());
    throw failure;
  }
}

}  // namespace tenon::audit
