// Secrets: where they may lie, and how long and how random they must be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "audit/note.hpp"

namespace tenon {

// Makes `data_dir` (mode 0711: the embedded database's own user must be able to pass through it) when it is missing.
void make_data_dir(const std::filesystem::path& data_dir);

// Who makes a secret that is missing: this node, now; the node whose data directory it is in, at its first start; or
// people, where they named the file.
enum class SecretMaker { us, its_node, people };

// The secret in `file`; made there (64 random hex digits, mode 0600) when it is missing and that is ours to do. Throws
// std::runtime_error, saying what to do: missing, readable or writable by others than its owner, or shorter than
// limits::secret_bytes_min bytes without the line's end.
[[nodiscard]] std::string read_secret(const std::filesystem::path& file, SecretMaker maker);

// The key that checkpoints of the audit log are signed with (docs/formats/audit-log.md), in `file`; made there, mode
// 0600, when it is missing. Throws std::runtime_error, saying what to do: unreadable, readable or writable by others,
// no such key.
[[nodiscard]] audit::NoteSigner read_audit_key(const std::filesystem::path& file);

// Why a secret that is long enough can be guessed all the same: the placeholder of some example, one piece repeated, or
// made of fewer than eight different characters. Empty: no such reason is known.
[[nodiscard]] std::string weakness_of(std::string_view secret);

// For files that others own and name to us (TLS keys): readable by nobody but their owner, or by a group when root owns
// them (Debian's ssl-cert). std::runtime_error with the line to paste.
void require_private(const std::filesystem::path& file);

// A configuration file with a password in it is a secret too.
void require_private_settings(const std::filesystem::path& file);

// Passwords in our own arguments, before a URL's host and in `password=`, are overwritten, so that `ps` shows none.
void hide_passwords(int argc, char** argv);

}  // namespace tenon
