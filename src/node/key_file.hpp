// Signing keys in files: PEM of a private key, or a shared secret in base64.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "safeguards/signature/key.hpp"

namespace tenon {

// Throws std::runtime_error when the file cannot be read.
[[nodiscard]] std::string content_of_file(const std::filesystem::path& file);

// What a key's file holds: PEM, or for hmac-sha256 base64 and a line's end.
[[nodiscard]] std::string key_file_text(signature::Algorithm algorithm, std::string_view private_half);

// Writes a new file of mode 0600; throws std::runtime_error when there is one already.
void write_key_file(const std::filesystem::path& file, std::string_view text);

// The key in `file`, which only its owner may read. Without `algorithm`: that of the key's kind, of RSA rsa-pss-sha512;
// what is not PEM is a shared secret. Throws std::runtime_error with what is wrong.
[[nodiscard]] signature::SigningKey read_signing_key(const std::filesystem::path& file,
                                                     std::optional<signature::Algorithm> algorithm);

// A shared secret's bytes, from base64 with or without a line's end; nothing when it is no base64.
[[nodiscard]] std::optional<std::string> shared_secret_of(std::string_view text);

}  // namespace tenon
