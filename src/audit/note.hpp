// Signed notes (C2SP signed-note) with Ed25519, keys in the text forms of Go's golang.org/x/mod/sumdb/note. No I/O.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tenon::audit {

// Which key: its name and the first bytes of SHA-256 over name, algorithm and public key.
struct KeyId {
  std::string name;  // not empty, UTF-8, without spaces, control characters and +
  std::uint32_t hash = 0;
  bool operator==(const KeyId&) const = default;
};

// A value; copies are cheap. Safe to share between threads.
class NoteVerifier {
 public:
  // "name+hash+base64": the error says what is wrong.
  [[nodiscard]] static std::expected<NoteVerifier, std::string> parse(std::string_view text);

  [[nodiscard]] const KeyId& id() const noexcept { return id_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // The note's text, once a signature of this key on it was checked; else why not. Signatures of other keys are passed
  // over. A note has at most 1 MiB and 100 signatures.
  [[nodiscard]] std::expected<std::string, std::string> open(std::string_view note) const;

 private:
  friend class NoteSigner;
  NoteVerifier(KeyId id, std::string_view public_key);
  KeyId id_;
  std::string text_;
  std::shared_ptr<EVP_PKEY> key_;
};

// Has it the form of one, whoever signed it?
[[nodiscard]] bool is_signed_note(std::string_view note);

// Holds a private key. Movable; used by one thread at a time.
class NoteSigner {
 public:
  // A new key. Throws std::runtime_error when there is no randomness; std::invalid_argument for a name that is none.
  [[nodiscard]] static NoteSigner generate(std::string_view name);
  // "PRIVATE+KEY+name+hash+base64", without a line break: the error says what is wrong, and nothing of the key.
  [[nodiscard]] static std::expected<NoteSigner, std::string> parse(std::string_view text);

  [[nodiscard]] const NoteVerifier& verifier() const noexcept { return verifier_; }
  [[nodiscard]] const std::string& private_text() const noexcept { return private_text_; }
  // `text` ends in a line break and is UTF-8 without other control characters: else std::invalid_argument.
  [[nodiscard]] std::string sign(std::string_view text) const;

 private:
  NoteSigner(std::string_view name, std::string_view seed);
  std::shared_ptr<EVP_PKEY> key_;
  NoteVerifier verifier_;
  std::string private_text_;
};

}  // namespace tenon::audit
