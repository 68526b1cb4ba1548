// Recomputes an audit log from its rows and holds it against everything that was signed of it.
//
// The database may say anything: whoever is its superuser can rewrite rows, tree and stored checkpoints at will. What
// he cannot do is sign. So the rows are compared with the tree's leaf hashes, the tree with every checkpoint that bears
// the key's signature, and the checkpoints with those that were published outside the database.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/note.hpp"
#include "audit/report.hpp"
#include "audit/verified_state.hpp"

namespace tenon::audit {

struct VerifySettings {
  std::string conninfo;                              // of a login that may read the log; a standby will do
  std::optional<NoteVerifier> key = {};              // nothing: the one that the database names
  std::string key_from = "the database";             // for the report
  std::vector<std::filesystem::path> outside = {};   // files and folders of published checkpoints
  std::vector<std::filesystem::path> exported = {};  // entries of detached months, as `tenon audit export` wrote them
  std::optional<VerifiedState> since = {};           // go on from there, and look at nothing before
  std::optional<VerifiedState> earlier = {};         // look at everything: the log must still begin with that one
  unsigned threads = 2;                              // connections that read at a time
  std::uint64_t tiles_per_chunk = 256;
  std::chrono::seconds standby_patience{60};  // until a standby has replayed what is published
  std::size_t waiting_max = 4'000'000;        // differences kept in memory, some 100 bytes each, before it gives up
};

struct Verified {
  Report report;
  std::optional<VerifiedState> state = {};  // to go on from; nothing unless the report holds
};

// Leaves done, of how many.
using VerifyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Blocking. Throws postgres::ConnectionError or StatementError when the database cannot be read, std::runtime_error
// when a file cannot, and when a standby stays behind what is published.
[[nodiscard]] Verified verify(const VerifySettings& settings, const VerifyProgress& progress);

}  // namespace tenon::audit
