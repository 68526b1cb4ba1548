#include "node/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon {
namespace {

std::string reason() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): before any thread

// What a folder names is there after a power cut too.
bool sync_folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

// Written whole under another name first: whoever looks meanwhile, another node perhaps, sees all of it or nothing. The
// link fails when somebody else was quicker, whose file is then the one. The other name is one that nobody has: the
// draft of a process that was killed stays, and in a container the next one has its number.
void make_private_file(const std::filesystem::path& file, const std::string& text) {
  std::string draft = file.string() + ".XXXXXX";
  const int fd = ::mkostemp(draft.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) throw std::runtime_error("cannot write " + draft + ": " + reason());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  const bool linked = written && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST) && sync_folder_of(file);
  const std::string why = linked ? "" : reason();
  ::unlink(draft.c_str());
  if (!linked) throw std::runtime_error("cannot write " + file.string() + ": " + why);
}

std::string no_secret(const std::filesystem::path& file, SecretMaker maker) {
  const std::string name = file.string();
  return "there is no secret at " + name + ": " +
         (maker == SecretMaker::people ? "make one: head -c 32 /dev/urandom | base64 > " + name + "; chmod 600 " + name
                                       : "start the node once, it makes one");
}

// Without the line's end. `fresh` is what a new file is to hold, or throws.
std::string read_private_file(const std::filesystem::path& file, const std::function<std::string()>& fresh) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) {
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

// A part of a text.
struct Place {
  std::size_t begin = 0;
  std::size_t size = 0;
};

// The password before the host, of the URL whose "://" is at `mark`: up to the last @. Redis' URLs are read so whatever
// stands before that; elsewhere the host ends at a slash.
std::optional<Place> password_before_host(std::string_view url, std::size_t mark) {
  const std::string_view scheme = url.substr(0, mark);
  const bool anything = scheme.ends_with("redis") || scheme.ends_with("rediss") || scheme.ends_with("unix");
  const std::size_t begin = mark + 3;
  const std::string_view hosts = url.substr(begin, anything ? std::string_view::npos : url.find('/', begin) - begin);
  const std::size_t at = hosts.rfind('@');
  const std::size_t colon = hosts.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon + 1 >= at) return std::nullopt;
  return Place{.begin = begin + colon + 1, .size = at - colon - 1};
}

// All passwords of a text that is one URL, or a flag and a URL.
std::vector<Place> passwords_in(std::string_view text) {
  std::vector<Place> found;
  for (std::size_t mark = text.find("://"); mark != std::string_view::npos; mark = text.find("://", mark + 3)) {
    if (const auto place = password_before_host(text, mark)) found.push_back(*place);
  }
  constexpr std::string_view parameter = "password=";
  for (std::size_t at = text.find(parameter); at != std::string_view::npos; at = text.find(parameter, at)) {
    at += parameter.size();
    found.push_back({.begin = at, .size = std::min(text.find('&', at), text.size()) - at});
  }
  return found;
}

// In a configuration file a URL stands in quotes.
bool has_password(std::string_view text) {
  if (text.find("password") != std::string_view::npos) return true;
  for (std::size_t mark = text.find("://"); mark != std::string_view::npos; mark = text.find("://", mark + 3)) {
    const std::size_t quote = text.find_last_of("\"'\n", mark);
    const bool quoted = quote != std::string_view::npos && text[quote] != '\n';
    const std::size_t end = quoted ? text.find_first_of(std::string{text[quote], '\n'}, mark) : text.find('\n', mark);
    const std::size_t begin = quote == std::string_view::npos ? 0 : quote + 1;
    if (!passwords_in(text.substr(begin, end - begin)).empty()) return true;
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

std::string read_secret(const std::filesystem::path& file, SecretMaker maker) {
  std::string secret = read_private_file(file, [&] {
    if (maker != SecretMaker::us) throw std::runtime_error(no_secret(file, maker));
    return random_hex(32);
  });
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
    for (const auto& [begin, size] : passwords_in(argv[i])) std::fill_n(argv[i] + begin, size, 'x');
  }
}

}  // namespace tenon
