#include "audit/note.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "audit/base64.hpp"
#include "base/utf8.hpp"

namespace tenon::audit {
namespace {

constexpr char ed25519 = 1;  // signature type of the specification
constexpr std::size_t key_bytes = 32;
constexpr std::size_t signature_bytes = 64;
constexpr std::size_t note_bytes_max = 1024 * 1024;
constexpr std::size_t signatures_max = 100;
constexpr std::string_view private_prefix = "PRIVATE+KEY+";
constexpr std::string_view line_prefix = "\u2014 ";  // an em dash

std::string hash_text(std::uint32_t hash) {
  const std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(hash >> 24), static_cast<std::uint8_t>(hash >> 16),
                                          static_cast<std::uint8_t>(hash >> 8), static_cast<std::uint8_t>(hash)};
  return hex(bytes);
}

std::uint32_t read_hash(std::string_view bytes) {
  std::uint32_t hash = 0;
  for (const char byte : bytes.substr(0, 4)) hash = hash << 8 | static_cast<std::uint8_t>(byte);
  return hash;
}

std::string hash_bytes(std::uint32_t hash) {
  return {static_cast<char>(hash >> 24), static_cast<char>(hash >> 16), static_cast<char>(hash >> 8),
          static_cast<char>(hash)};
}

std::uint32_t key_hash(std::string_view name, std::string_view public_key) {
  std::string bytes(name);
  bytes += '\n';
  bytes += ed25519;
  bytes += public_key;
  return read_hash(as_text(sha256(bytes)));
}

// Unicode's White_Space beyond ASCII, as UTF-8.
bool has_unicode_space(std::string_view text) {
  static constexpr std::string_view spaces[] = {"\u0085", "\u00A0", "\u1680", "\u2028", "\u2029", "\u202F", "\u205F",
                                                "\u3000", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
                                                "\u2006", "\u2007", "\u2008", "\u2009", "\u200A"};
  return std::ranges::any_of(spaces, [text](std::string_view space) { return text.contains(space); });
}

bool is_name(std::string_view name) {
  const bool plain = std::ranges::none_of(
      name, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '+' || c == '\x7f'; });
  return !name.empty() && plain && is_utf8(name) && !has_unicode_space(name);
}

bool is_note_text(std::string_view text) {
  const bool plain =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; });
  return plain && is_utf8(text);
}

struct KeyText {
  std::string_view name;
  std::uint32_t hash;
  std::string key;
};

// "name+hash+base64"; the base64 may itself contain +.
std::optional<KeyText> split_key(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view hash = text.substr(first + 1, second - first - 1);
  const auto key = base64_decode(text.substr(second + 1));
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
  if (!key || error != std::errc() || end != hash.data() + hash.size() || hash_text(number) != hash)
    return std::nullopt;
  return KeyText{.name = text.substr(0, first), .hash = number, .key = *key};
}

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) {
  if (key == nullptr) throw std::runtime_error("OpenSSL takes no Ed25519 key");
  return {key, EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> public_key_of(std::string_view bytes) {
  return shared(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::shared_ptr<EVP_PKEY> private_key_of(std::string_view seed) {
  return shared(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                             reinterpret_cast<const unsigned char*>(seed.data()), seed.size()));
}

std::string public_bytes_of(const EVP_PKEY* key) {
  std::string bytes(key_bytes, '\0');
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1 || size != key_bytes)
    throw std::runtime_error("OpenSSL gives no Ed25519 public key");
  return bytes;
}

using Context = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* context) { EVP_MD_CTX_free(context); })>;

bool verifies(EVP_PKEY* key, std::string_view text, std::string_view signature) {
  const Context context(EVP_MD_CTX_new());
  return signature.size() == signature_bytes && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

// A signature line, without its line break: whose, and key hash and signature together.
struct Signature {
  std::string_view name;
  std::string bytes;
};

std::optional<Signature> parse_signature(std::string_view line) {
  if (!line.starts_with(line_prefix)) return std::nullopt;
  line.remove_prefix(line_prefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_name(line.substr(0, space))) return std::nullopt;
  auto bytes = base64_decode(line.substr(space + 1));
  if (!bytes || bytes->size() < 5) return std::nullopt;
  return Signature{.name = line.substr(0, space), .bytes = *std::move(bytes)};
}

// All of them, or nothing when one is malformed, there is none, or there are too many.
std::optional<std::vector<Signature>> parse_signatures(std::string_view lines) {
  std::vector<Signature> signatures;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos || signatures.size() == signatures_max) return std::nullopt;
    auto signature = parse_signature(lines.substr(0, end));
    if (!signature) return std::nullopt;
    signatures.push_back(*std::move(signature));
    lines.remove_prefix(end + 1);
  }
  if (signatures.empty()) return std::nullopt;
  return signatures;
}

struct NoteParts {
  std::string_view text;
  std::vector<Signature> signatures;
};

std::optional<NoteParts> split_note(std::string_view note) {
  if (note.size() > note_bytes_max || !is_note_text(note)) return std::nullopt;
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return std::nullopt;
  auto signatures = parse_signatures(note.substr(blank + 2));
  if (!signatures) return std::nullopt;
  return NoteParts{.text = note.substr(0, blank + 1), .signatures = *std::move(signatures)};
}

}  // namespace

bool is_signed_note(std::string_view note) { return split_note(note).has_value(); }

NoteVerifier::NoteVerifier(KeyId id, std::string_view public_key)
    : id_(std::move(id)),
      text_(id_.name + "+" + hash_text(id_.hash) + "+" + base64(ed25519 + std::string(public_key))),
      key_(public_key_of(public_key)) {}

std::expected<NoteVerifier, std::string> NoteVerifier::parse(std::string_view text) {
  const auto parts = split_key(text);
  if (!parts || !is_name(parts->name)) return std::unexpected("a public key looks like NAME+HASH+BASE64");
  if (parts->key.size() != 1 + key_bytes || parts->key.front() != ed25519)
    return std::unexpected("the public key is not one of Ed25519");
  const std::string_view key = std::string_view(parts->key).substr(1);
  if (key_hash(parts->name, key) != parts->hash)
    return std::unexpected("the public key does not fit the hash before it: a character is wrong");
  return NoteVerifier({.name = std::string(parts->name), .hash = parts->hash}, key);
}

std::expected<std::string, std::string> NoteVerifier::open(std::string_view note) const {
  const auto parts = split_note(note);
  if (!parts) return std::unexpected("it is no signed note");
  const auto& [text, signatures] = *parts;
  bool ours = false;
  for (const Signature& signature : signatures) {
    if (signature.name != id_.name || read_hash(signature.bytes) != id_.hash) continue;
    if (!verifies(key_.get(), text, std::string_view(signature.bytes).substr(4)))
      return std::unexpected("its signature does not verify");
    ours = true;
  }
  if (!ours) return std::unexpected("no signature on it is by " + id_.name + "+" + hash_text(id_.hash));
  return std::string(text);
}

NoteSigner::NoteSigner(std::string_view name, std::string_view seed)
    : key_(private_key_of(seed)),
      verifier_({.name = std::string(name), .hash = key_hash(name, public_bytes_of(key_.get()))},
                public_bytes_of(key_.get())),
      private_text_(std::string(private_prefix) + verifier_.id().name + "+" + hash_text(verifier_.id().hash) + "+" +
                    base64(ed25519 + std::string(seed))) {}

NoteSigner NoteSigner::generate(std::string_view name) {
  if (!is_name(name)) throw std::invalid_argument("a key's name has no spaces and no +");
  std::array<std::uint8_t, key_bytes> seed{};
  fill_random(seed);
  return {name, as_text(seed)};
}

std::expected<NoteSigner, std::string> NoteSigner::parse(std::string_view text) {
  if (!text.starts_with(private_prefix)) return std::unexpected("a private key begins with PRIVATE+KEY+");
  const auto parts = split_key(text.substr(private_prefix.size()));
  if (!parts || !is_name(parts->name)) return std::unexpected("a private key looks like PRIVATE+KEY+NAME+HASH+BASE64");
  if (parts->key.size() != 1 + key_bytes || parts->key.front() != ed25519)
    return std::unexpected("the private key is not one of Ed25519");
  NoteSigner signer(parts->name, std::string_view(parts->key).substr(1));
  if (signer.verifier_.id().hash != parts->hash)
    return std::unexpected("the private key does not fit the hash before it: a character is wrong");
  return signer;
}

std::string NoteSigner::sign(std::string_view text) const {
  if (!text.ends_with('\n') || !is_note_text(text)) throw std::invalid_argument("a note is lines of plain text");
  std::string signature(signature_bytes, '\0');
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1) {
    throw std::runtime_error("OpenSSL does not sign");
  }
  const KeyId& id = verifier_.id();
  return std::string(text) + "\n" + std::string(line_prefix) + id.name + " " + base64(hash_bytes(id.hash) + signature) +
         "\n";
}

}  // namespace tenon::audit
