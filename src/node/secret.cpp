#include "node/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon {
namespace {

std::string reason() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): before any thread

// Written whole under another name first: whoever looks meanwhile, another node perhaps, sees all of it or nothing. The
// link fails when somebody else was quicker, whose file is then the one.
void make_private_file(const std::filesystem::path& file, const std::string& text) {
  const std::string draft = file.string() + "." + std::to_string(::getpid());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write " + draft + ": " + reason());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  const bool linked = written && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
  const std::string why = linked ? "" : reason();
  ::unlink(draft.c_str());
  if (!linked) throw std::runtime_error("cannot write " + file.string() + ": " + why);
}

// Without the line's end. `fresh` is what a new file is to hold; none is made without it.
std::string read_private_file(const std::filesystem::path& file, const std::function<std::string()>& fresh) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) {
    if (!fresh)
      throw std::runtime_error("there is no secret at " + file.string() + ": start the node once, it makes one");
    make_private_file(file, fresh() + "\n");
    if (::stat(file.c_str(), &info) != 0) throw std::runtime_error("cannot read " + file.string() + ": " + reason());
  }
  if ((info.st_mode & 077) != 0) {
    throw std::runtime_error(file.string() + " can be read or written by others: run chmod 600 " + file.string());
  }
  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && text.empty()) throw std::runtime_error("cannot read " + file.string());
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

std::string random_hex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  fill_random(random);
  return hex(random);
}

// The password of the URL that begins at `text`'s "://", as a position and a length; {npos, 0} when it has none.
std::pair<std::size_t, std::size_t> password_in(std::string_view text) {
  const std::size_t begin = text.find("://");
  if (begin == std::string_view::npos) return {std::string_view::npos, 0};
  const std::string_view authority = text.substr(begin + 3, text.find_first_of("/?# \t\"'", begin + 3) - begin - 3);
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon + 1 >= at) {
    return {std::string_view::npos, 0};
  }
  return {begin + 3 + colon + 1, at - colon - 1};
}

bool has_password(std::string_view text) {
  if (text.find("password") != std::string_view::npos) return true;
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    if (password_in(text.substr(at)).first != std::string_view::npos) return true;
  }
  return false;
}

bool is_repetition(std::string_view text) {
  for (std::size_t piece = 1; piece <= text.size() / 2; ++piece) {
    if (text.substr(piece) == text.substr(0, text.size() - piece)) return true;
  }
  return false;
}

}  // namespace

void make_data_dir(const std::filesystem::path& data_dir) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(data_dir, error);
  if (error) throw std::runtime_error("cannot make the data directory " + data_dir.string() + ": " + error.message());
  if (made) ::chmod(data_dir.c_str(), 0711);
}

std::string read_secret(const std::filesystem::path& file, bool make) {
  std::string secret = read_private_file(file, make ? [] { return random_hex(32); } : std::function<std::string()>());
  if (secret.size() < limits::secret_bytes_min) {
    throw std::runtime_error(file.string() + " holds fewer than " + std::to_string(limits::secret_bytes_min) +
                             " bytes: a secret that short can be guessed");
  }
  return secret;
}

audit::NoteSigner read_audit_key(const std::filesystem::path& file) {
  const std::string text =
      read_private_file(file, [] { return audit::NoteSigner::generate("tenon/" + random_hex(8)).private_text(); });
  auto signer = audit::NoteSigner::parse(text);
  if (!signer) throw std::runtime_error(file.string() + ": " + signer.error());
  return *std::move(signer);
}

std::string weakness_of(std::string_view secret) {
  static constexpr std::array<std::string_view, 14> placeholders{
      "changeme",       "changeit",    "yoursecret",       "your256bitsecret",    "replaceme",
      "defaultsecret",  "supersecret", "secretsecret",     "mysecretkey",         "examplesecret",
      "insecuresecret", "password",    "abcdefghijklmnop", "0123456789abcdef0123"};
  std::string letters;  // without case and what people put between words
  for (const char c : secret) {
    if (http::ascii::is_alnum(c)) letters.push_back(http::ascii::lower(c));
  }
  for (const std::string_view placeholder : placeholders) {
    if (letters.find(placeholder) != std::string::npos)
      return "it is a placeholder (\"" + std::string(placeholder) + "\")";
  }
  std::string different(secret);
  std::ranges::sort(different);
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() < 8) return "it has fewer than 8 different characters";
  if (is_repetition(secret)) return "it repeats itself";
  if (secret.starts_with("-----BEGIN ")) return "it is a key in PEM, not a secret: others may have its public half";
  return {};
}

void require_private(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) throw std::runtime_error("cannot read " + file.string() + ": " + reason());
  const bool of_root = info.st_uid == 0;
  const mode_t too_many = of_root ? 027 : 077;
  if ((info.st_mode & too_many) == 0) return;
  throw std::runtime_error(file.string() + " can be read or written by others: run chmod " +
                           (of_root ? "640 " : "600 ") + file.string());
}

void require_private_settings(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (has_password(text)) require_private(file);
}

void hide_passwords(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto [begin, size] = password_in(argv[i]);
    if (begin != std::string_view::npos) std::fill_n(argv[i] + begin, size, 'x');
  }
}

}  // namespace tenon
