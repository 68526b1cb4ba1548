#include "node/audit_command.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "audit/exported.hpp"
#include "audit/exporter.hpp"
#include "audit/progress.hpp"
#include "audit/prover.hpp"
#include "audit/verifier.hpp"
#include "encoding/http_date.hpp"
#include "node/audit_database.hpp"

namespace tenon {
namespace {

namespace fs = std::filesystem;

constexpr int holds = 0;
constexpr int does_not_hold = 2;

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw std::runtime_error("the output could not be written");
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "tenon audit: %s\n", why.c_str());
  return does_not_hold;
}

std::optional<std::int64_t> moment(const std::string& option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto at = parse_iso_date(text);
  if (!at) throw std::runtime_error(option + ": \"" + text + "\" is no moment like 2026-01-31T12:00:00Z");
  return at->at.time_since_epoch().count();
}

// Is that the begin of a line of an export, as far as it was written?
bool begins_as_export(std::string_view line) {
  constexpr std::string_view begin = "{\"leaf\":";
  return line.starts_with(begin.substr(0, line.size()));
}

// The last whole line of a file that an export was interrupted in; what follows it is cut off, once it is known that
// the file is an export.
std::optional<std::uint64_t> last_leaf(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string line;
  std::string last;
  std::uintmax_t whole = 0;
  while (std::getline(stream, line) && !stream.eof()) {
    whole += line.size() + 1;
    last = std::move(line);
  }
  stream.close();
  const auto entry = whole == 0 ? std::nullopt : audit::parse_export_line(last);
  if ((whole != 0 && (!entry || !entry->leaf)) || !begins_as_export(line))
    throw std::runtime_error(file.string() + " is not an export: name another --output");
  if (fs::file_size(file) != whole) fs::resize_file(file, whole);
  return entry ? entry->leaf : std::nullopt;
}

}  // namespace

AuditCommand::AuditCommand(CLI::App& app, const Settings& serve)
    : serve_(serve), audit_(app.add_subcommand("audit", "The audit log: verify it, prove entries")) {
  audit_->require_subcommand(1);
  audit_->fallthrough();
  audit_->add_option("--database-url", database_url_,
                     "a login that may read the log; a standby will do; default: as for serve, without --data-dir");
  audit_->add_option("--data-dir", data_dir_,
                     "the node's: its database, key and published checkpoints; default: as for serve");
  audit_->add_option("--key", key_, "the log's public key NAME+HASH+BASE64, or a file with it");
  add_verify();
  add_proofs();
  add_export();
  for (CLI::App* command : audit_->get_subcommands({})) command->fallthrough();
}

void AuditCommand::add_verify() {
  verify_ = audit_->add_subcommand("verify", "Recompute the log and hold it against every signed checkpoint");
  verify_->add_option("--checkpoints", checkpoints_, "published checkpoints, a file or a folder; may be given again")
      ->check(CLI::ExistingPath);
  verify_->add_option("--exported", exported_, "exported entries of detached months; may be given again")
      ->check(CLI::ExistingFile);
  verify_->add_flag("--incremental", incremental_, "only what came since the last verification; default: everything");
  verify_->add_option("--state", state_, "where it is kept up to where the log was verified; default: in --data-dir");
  verify_
      ->add_option("--connections,--jobs", connections_,
                   "connections that read at a time; default: two for each processor, at most 16")
      ->check(CLI::Range(1, 64));
  verify_->add_flag("--json", json_, "print the result as one line of JSON");
}

void AuditCommand::add_proofs() {
  prove_ = audit_->add_subcommand("prove", "Print a proof that an entry is in the log (c2sp.org/tlog-proof)");
  prove_->add_option("id", id_, "the entry's id, as Audit-Id names it")->required();
  prove_->add_option("--size", size_, "of the checkpoint to prove it by; default: the newest");
  check_ = audit_->add_subcommand("check", "Check such a proof, without a database, and print its entry");
  check_->add_option("file", file_, "the proof")->required()->check(CLI::ExistingFile);
  consistency_ =
      audit_->add_subcommand("consistency", "Print a proof that the log of size B begins with that of size A");
  consistency_->add_option("a", from_, "the earlier size")->required();
  consistency_->add_option("b", to_, "the later size, that of a checkpoint; default: the newest");
  checkpoint_ = audit_->add_subcommand("checkpoint", "Print the newest signed checkpoint");
  checkpoint_->add_option("--size", size_, "another one, by its size");
  key_command_ = audit_->add_subcommand("key", "Print the log's public key");
}

void AuditCommand::add_export() {
  export_ = audit_->add_subcommand("export", "Print the sealed entries as JSON Lines, in the log's order");
  export_->add_option("--after", after_, "go on after this leaf");
  export_->add_option("--output", file_, "a file; goes on where an earlier export to it ended");
  export_->add_option("--entity", entity_, "only of the entity with this id");
  export_->add_option("--actor", actor_, "only of this user");
  export_->add_option("--action", action_, "only of this action");
  export_->add_option("--from", from_time_, "only from this moment on, as 2026-01-31T12:00:00Z");
  export_->add_option("--to", to_time_, "only before this moment");
}

// A flag wins over what serve was told. Where the log is elsewhere, a folder that nobody named is not its node's.
void AuditCommand::choose_database() {
  if (data_dir_.empty() && database_url_.empty()) database_url_ = serve_.database_url;
  if (!data_dir_.empty()) return;
  const bool elsewhere = *check_ || !database_url_.empty();
  if (!elsewhere || serve_.data_dir != default_data_dir()) data_dir_ = data_dir_of(serve_);
}

int AuditCommand::run() {
  choose_database();
  if (*check_) return check();
  if (*verify_) return verify();
  if (*prove_) return prove();
  if (*consistency_) return consistency();
  if (*export_) return export_log();
  if (*checkpoint_) return checkpoint();
  return print_key();
}

int AuditCommand::verify() {
  const AuditDatabase database(database_url_, data_dir_);
  audit::VerifySettings settings{
      .conninfo = database.conninfo(), .outside = checkpoints_, .exported = exported_, .threads = connections_};
  if (auto key = find_audit_key(key_, data_dir_)) {
    settings.key = key->verifier;
    settings.key_from = key->from;
  }
  if (!data_dir_.empty()) {
    if (state_.empty()) state_ = data_dir_ / audit_verified_file;
    const fs::path published = data_dir_ / audit_checkpoints_file;
    if (fs::exists(published)) settings.outside.push_back(published);
  }
  if (incremental_) {
    if (state_.empty()) throw std::runtime_error("--incremental: name a --state file, or the node's --data-dir");
  }
  if (!state_.empty()) {
    (incremental_ ? settings.since : settings.earlier) = audit::read_state(state_);
    if (incremental_ && !settings.since)
      std::fprintf(stderr, "nothing was verified yet by %s: verifying the whole log\n", state_.c_str());
  }
  audit::Verified verified;
  {
    audit::ProgressBar bar("verify");
    verified = audit::verify(settings, [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); });
  }
  print(json_ ? verified.report.json() + "\n" : verified.report.text());
  if (verified.state && !state_.empty()) audit::write_state(state_, *verified.state);
  return verified.report.holds() ? holds : does_not_hold;
}

namespace {

audit::NoteVerifier key_for(audit::LogReader& reader, const std::string& given, const fs::path& data_dir) {
  if (auto key = find_audit_key(given, data_dir)) return std::move(key->verifier);
  const auto identity = reader.identity();
  if (!identity) throw std::runtime_error("nothing is sealed yet");
  auto key = audit::NoteVerifier::parse(identity->verifier_key);
  if (!key) throw std::runtime_error("the database names no key that can be read: " + key.error());
  return *std::move(key);
}

template <class Text>
int print_or_refuse(const std::expected<Text, std::string>& made) {
  if (!made) return refuse(made.error());
  if constexpr (std::is_same_v<Text, std::string>) {
    print(*made);
  } else {
    print(made->text());
  }
  return holds;
}

}  // namespace

int AuditCommand::prove() {
  const AuditDatabase database(database_url_, data_dir_);
  audit::LogReader reader(database.conninfo());
  return print_or_refuse(audit::prove(reader, key_for(reader, key_, data_dir_), id_, size_));
}

int AuditCommand::consistency() {
  const AuditDatabase database(database_url_, data_dir_);
  audit::LogReader reader(database.conninfo());
  return print_or_refuse(audit::prove_consistency(reader, key_for(reader, key_, data_dir_), from_, to_));
}

int AuditCommand::checkpoint() {
  const AuditDatabase database(database_url_, data_dir_);
  audit::LogReader reader(database.conninfo());
  return print_or_refuse(audit::signed_checkpoint(reader, key_for(reader, key_, data_dir_), size_));
}

int AuditCommand::print_key() {
  if (const auto key = find_audit_key(key_, data_dir_)) {
    print(key->verifier.text() + "\n");
    return holds;
  }
  const AuditDatabase database(database_url_, data_dir_);
  audit::LogReader reader(database.conninfo());
  print(key_for(reader, key_, data_dir_).text() + "\n");
  return holds;
}

int AuditCommand::check() {
  const auto key = find_audit_key(key_, data_dir_);
  if (!key) throw std::runtime_error("check: give the log's public key by --key");
  std::ifstream stream(file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto proof = audit::Proof::parse(text);
  if (!proof) return refuse(proof.error());
  audit::Hasher hasher;
  const auto checkpoint = audit::check(hasher, *proof, key->verifier);
  if (!checkpoint) return refuse(checkpoint.error());
  const auto entry = audit::parse_leaf(proof->leaf);
  if (!entry) return refuse("the proof holds, but its entry is of a format that is not known here");
  print(audit::export_line(*entry, proof->index) + "\n");
  return holds;
}

int AuditCommand::export_log() {
  const AuditDatabase database(database_url_, data_dir_);
  audit::LogReader reader(database.conninfo());
  audit::ExportFilter filter{.entity = {},
                             .actor = actor_,
                             .action = action_,
                             .from = moment("--from", from_time_),
                             .to = moment("--to", to_time_)};
  if (!entity_.empty()) {
    filter.entity = Uuid::parse(entity_);
    if (!filter.entity) throw std::runtime_error("--entity: \"" + entity_ + "\" is no UUID");
  }
  std::FILE* output = stdout;
  if (!file_.empty()) {
    if (!after_ && fs::exists(file_)) after_ = last_leaf(file_);
    output = std::fopen(file_.c_str(), "ab");
    if (output == nullptr) throw std::runtime_error("cannot write " + file_.string());
  }
  audit::Exported exported;
  bool written = true;
  {
    audit::ProgressBar bar("export");
    exported = audit::export_entries(
        reader, filter, after_ ? *after_ + 1 : 0,
        [&](const std::string& line) {
          written = written && std::fwrite(line.data(), 1, line.size(), output) == line.size();
        },
        [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); });
  }
  written = (output == stdout ? std::fflush(output) : std::fclose(output)) == 0 && written;
  if (!written) throw std::runtime_error("the export could not be written");
  std::fprintf(stderr, "%llu lines; the log has %llu leaves\n", static_cast<unsigned long long>(exported.lines),
               static_cast<unsigned long long>(exported.end));
  if (exported.retired != 0) {
    std::fprintf(stderr, "%llu leaves of detached months have no entries\n",
                 static_cast<unsigned long long>(exported.retired));
  }
  if (exported.missing == 0 && exported.unsealed == 0) return holds;
  return refuse(std::to_string(exported.missing) + " leaves have no entry, " + std::to_string(exported.unsealed) +
                " entries are not as they were sealed and were left out: verify the log");
}

}  // namespace tenon
