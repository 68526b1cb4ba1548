#include "node/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "encoding/structured_field.hpp"

namespace tenon {
namespace {

using signature::Algorithm;
using signature::SigningKey;

std::string reason() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): before any thread

SigningKey of_kind(const std::string& pem, const std::string& name) {
  for (const Algorithm algorithm : {Algorithm::ed25519, Algorithm::ecdsa_p256_sha256, Algorithm::rsa_pss_sha512}) {
    if (auto key = SigningKey::load(algorithm, pem)) return *std::move(key);
  }
  throw std::runtime_error(name + ": this is no unencrypted PEM private key of Ed25519, P-256 or RSA");
}

}  // namespace

std::string content_of_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && text.empty()) throw std::runtime_error("cannot read " + file.string());
  return text;
}

std::string key_file_text(Algorithm algorithm, std::string_view private_half) {
  if (algorithm != Algorithm::hmac_sha256) return std::string(private_half);
  // RFC 9651 writes bytes as base64 between colons.
  const std::string bytes =
      structured::serialize(structured::Item{.value = structured::Bytes{std::string(private_half)}, .parameters = {}})
          .value();
  return bytes.substr(1, bytes.size() - 2) + "\n";
}

void write_key_file(const std::filesystem::path& file, std::string_view text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write " + file.string() + ": " + reason());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const std::string why = written ? "" : reason();
  ::close(fd);
  if (!written) throw std::runtime_error("cannot write " + file.string() + ": " + why);
}

std::optional<std::string> shared_secret_of(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const auto item = structured::parse_item(":" + std::string(text) + ":");
  const auto* bytes = item && item->parameters.empty() ? std::get_if<structured::Bytes>(&item->value) : nullptr;
  if (bytes == nullptr) return std::nullopt;
  return bytes->bytes;
}

SigningKey read_signing_key(const std::filesystem::path& file, std::optional<Algorithm> algorithm) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) throw std::runtime_error("cannot read " + file.string() + ": " + reason());
  if ((info.st_mode & 077) != 0) {
    throw std::runtime_error(file.string() + " can be read or written by others: run chmod 600 " + file.string());
  }
  std::string text = content_of_file(file);
  const bool pem = text.find("-----BEGIN") != std::string::npos;
  if (pem && !algorithm) return of_kind(text, file.string());
  if (!algorithm) algorithm = Algorithm::hmac_sha256;
  if (*algorithm == Algorithm::hmac_sha256) {
    auto secret = shared_secret_of(text);
    if (!secret) throw std::runtime_error(file.string() + ": a shared secret is written in base64");
    text = *std::move(secret);
  }
  auto key = SigningKey::load(*algorithm, text);
  if (!key) throw std::runtime_error(file.string() + ": " + key.error());
  return *std::move(key);
}

}  // namespace tenon
