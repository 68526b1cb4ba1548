// Numbered, forward-only schema changes, embedded in the binary.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"

namespace tenon::postgres {

struct Migration {
  std::string set;  // "tenon" for ours; an embedder's program has a set of its own, applied after
  int number;       // 1, 2, 3, ... without gaps within a set
  std::string name;
  std::string sql;
};

// The migrations of sql/migrations, in order (set "tenon").
[[nodiscard]] std::vector<Migration> embedded_migrations();

struct MigrationReport {
  int applied = 0;
  int known = 0;  // how many the database has now
};

// Blocking. Applies what is missing, each in a transaction of its own together with its row in tenon.migrations
// (set, number, name, SHA-256 of the text), all under one advisory lock, so that any number of nodes may do this at
// once. Migrations run as tenon_owner once tenon.migrations belongs to it (the first one makes the roles and is run as
// the login role), with search_path = public. Throws std::runtime_error: a migration known here was applied with
// another checksum, the database knows a later number than this binary, a statement failed (named by migration), a
// migration ended its transaction, the lock was not had within 60 s.
MigrationReport migrate(const std::string& conninfo, std::span<const Migration> migrations, Logger& log);

// Blocking. What a node checks before it serves, over its own (edge) login. Nothing when all is well, else one sentence
// that says what is wrong and what to do: schema missing, older or newer than this binary; fsync, synchronous_commit or
// full_page_writes off; not PostgreSQL 15 or later; the login role is a superuser, may bypass row security, make roles,
// replicate, use the server's files or programs, write every table or become tenon_teller, or owns tables (or may
// become the role that does); the server is a standby in recovery; it cannot be reached.
[[nodiscard]] std::string preflight(const std::string& conninfo, std::span<const Migration> migrations);

}  // namespace tenon::postgres
