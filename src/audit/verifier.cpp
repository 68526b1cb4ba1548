#include "audit/verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <stdexcept>
#include <thread>

#include "audit/diagnosis.hpp"
#include "audit/exported.hpp"
#include "audit/publications.hpp"
#include "audit/surroundings.hpp"
#include "audit/tree_check.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"

namespace tenon::audit {
namespace {

class Verification {
 public:
  Verification(const VerifySettings& settings, const VerifyProgress& progress)
      : settings_(settings), progress_(progress), reader_(settings.conninfo) {}

  Verified run() {
    const Monotonic began = monotonic_now();
    if (find_key() && plan()) {
      read();
      tree_->finish();
      judge();
    }
    return finish(began);
  }

 private:
  bool find_key() {
    const auto identity = reader_.identity();
    if (identity) report_.origin = identity->origin;
    key_ = settings_.key;
    if (!key_ && identity) {
      auto key = NoteVerifier::parse(identity->verifier_key);
      if (!key) throw std::runtime_error("the database names no key that can be read: " + key.error());
      key_ = *std::move(key);
    }
    if (!key_) {  // nothing was ever sealed, and nobody says otherwise
      if (settings_.outside.empty()) return false;
      throw std::runtime_error("the database has no sealed log, and yet there are published checkpoints: give --key");
    }
    report_.origin = key_->id().name;
    report_.key = key_->text();
    report_.key_from = settings_.key_from;
    if (identity && identity->verifier_key != key_->text()) {
      find({.kind = FindingKind::other_key,
            .message = "the database says that its log is signed by " + identity->verifier_key +
                       ", which is not the key " + key_->text()});
    }
    return true;
  }

  bool plan() {
    // Before the database is asked how far the log goes: what is published is committed, so all of this must be there.
    publications_.emplace(settings_.outside, *key_);
    find_newest();
    standby_ = reader_.is_standby();
    if (standby_) await_standby();
    plan_ = {.conninfo = settings_.conninfo,
             .key = key_,
             .tiles_per_chunk = settings_.tiles_per_chunk,
             .entries_max = settings_.tiles_per_chunk * tile_width + settings_.waiting_max};
    if (newest_) {
      plan_.size = newest_->size;
      plan_.last = newest_->last;
    }
    for (const CheckedCheckpoint& above : forged_) {
      if (above.size > plan_.size) find_forged(above);
    }
    retired_ = reader_.retired();
    divide_months();
    for (const auto& file : settings_.exported) exported_.emplace_back(file);
    tree_.emplace(reader_, plan_.size);
    if (settings_.earlier) (void)reaches(*settings_.earlier);
    if (settings_.since && !go_on_from(*settings_.since)) return false;
    plan_borders(reader_, plan_);
    report_.from = plan_.from;
    return true;
  }

  // The newest that the key has signed: a row of another size costs nothing, and could keep us busy for ever. Where
  // there is none, the newest of which there can be tiles.
  void find_newest() {
    constexpr std::size_t at_once = 1'000;
    newest_.reset();
    forged_.clear();
    std::vector<StoredCheckpoint> rows;
    for (std::uint64_t last = std::numeric_limits<std::int64_t>::max(); last > 0; last = rows.back().size - 1) {
      rows = reader_.checkpoints_down_from(last, at_once);
      for (const StoredCheckpoint& row : rows) {
        CheckedCheckpoint checked = check_stored(*key_, row);
        if (checked.root) {
          newest_ = row;
          return;
        }
        if (forged_.size() < at_once) forged_.push_back(std::move(checked));
      }
      if (rows.size() < at_once) break;
    }
    const auto left = reader_.checkpoints_down_from(reader_.leaf_tile_count() * tile_width, 1);
    if (!left.empty()) newest_ = left.front();
  }

  void find_forged(const CheckedCheckpoint& checkpoint) {
    find({.kind = FindingKind::checkpoint_forged,
          .message = fmt::format("the stored checkpoint of size {}: {}", checkpoint.size, checkpoint.error),
          .leaf = checkpoint.size});
  }

  // Detached months of which there are exported lines are held against these, the others against the tree alone.
  void divide_months() {
    std::vector<RetiredRange> untold = Retirement(retired_).months();
    std::vector<RetiredRange> told;
    for (const RetiredRange& month : untold) report_.detached.push_back({.name = month.name, .entries = month.entries});
    for (const auto& file : settings_.exported) {
      ExportedFile lines(file);
      for (auto line = lines.next(); line && !untold.empty(); line = lines.next()) {
        const auto month = std::ranges::find_if(
            untold, [entry = *parse_leaf(line->bytes)](const RetiredRange& each) { return is_of(entry, each); });
        if (month == untold.end()) continue;
        told.push_back(*month);
        untold.erase(month);
      }
    }
    plan_.retired = Retirement(untold);
    told_ = Retirement(told);
  }

  // A standby has what was published a moment later; or never, and then only the primary can tell why.
  void await_standby() {
    const std::uint64_t wanted =
        std::max({largest_published(settings_.outside, *key_), settings_.since ? settings_.since->size : 0,
                  settings_.earlier ? settings_.earlier->size : 0});
    const Monotonic until = monotonic_now() + settings_.standby_patience;
    for (; newest_size() < wanted; find_newest()) {
      if (monotonic_now() >= until) throw_behind(wanted);
      progress_(newest_size(), wanted);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  [[nodiscard]] std::uint64_t newest_size() const { return newest_ ? newest_->size : 0; }

  [[noreturn]] void throw_behind(std::uint64_t wanted) const {
    throw std::runtime_error(fmt::format(
        "the standby is behind: its log ends at leaf {}, while there was one of size {}. Should it stay so, "
        "verify the primary: only there can it be told whether the database was set back",
        newest_size(), wanted));
  }

  bool reaches(const VerifiedState& since) {
    if (since.origin != report_.origin)
      throw std::runtime_error("the log verified earlier is another one, " + since.origin +
                               ": should a new log have been begun, move away the file that says so");
    if (since.size > plan_.size) {
      find({.kind = FindingKind::restored_backup,
            .message = fmt::format("the database was set back to an older state: the log was verified up to leaf {} "
                                   "earlier, and now ends at leaf {}",
                                   since.size, plan_.size),
            .leaf = plan_.size});
      return false;
    }
    return true;
  }

  bool go_on_from(const VerifiedState& since) {
    if (!reaches(since)) return false;
    if (auto wrong = tree_->go_on_from(since)) {
      find(*std::move(wrong));
      return false;
    }
    plan_.from = since.size;
    plan_.after = since.last;
    return true;
  }

  void read() {
    ChunkReader chunks(plan_, std::max(1U, settings_.threads));
    while (auto chunk = chunks.next()) {
      take(*chunk);
      const std::uint64_t end = end_of(*chunk);
      progress_(end - std::min(end, plan_.from), plan_.size - plan_.from);
      if (chunk->too_many || matcher_.waiting() > settings_.waiting_max) {
        too_many_ = true;
        return;
      }
    }
  }

  [[nodiscard]] std::uint64_t end_of(const Chunk& chunk) const {
    return std::min(plan_.size, (chunk.first_tile + chunk.tiles.size()) * tile_width);
  }

  void take(Chunk& chunk) {
    report_.unsealed += chunk.unsealed;
    of_retired_ += chunk.of_retired;
    lowest_unsealed_id_ = std::min(lowest_unsealed_id_, chunk.lowest_unsealed_id);
    report_.entries += chunk.entries.size();
    take_exported(end_of(chunk), chunk.entries);
    match(chunk);
    tree_->follow(chunk, targets_of(chunk));
  }

  // Of detached months, and once: a file may hold what is in the database as well, and what another file holds.
  void take_exported(std::uint64_t end, std::vector<HashedEntry>& entries) {
    std::vector<HashedEntry> taken;
    for (ExportedFile& file : exported_) {
      while (const auto line = file.next_below(end)) {
        const Entry entry = *parse_leaf(line->bytes);
        if (!told_.covers(entry) || (plan_.after && key_of(entry) <= *plan_.after)) continue;
        taken.push_back({.hash = hasher_.leaf(line->bytes), .key = key_of(entry)});
      }
    }
    if (taken.empty()) return;
    const auto key_and_hash = [](const HashedEntry& entry) { return std::pair(entry.key, entry.hash); };
    std::ranges::sort(taken, {}, key_and_hash);
    const auto again = std::ranges::unique(taken, {}, key_and_hash);
    taken.erase(again.begin(), again.end());
    entries.insert(entries.end(), taken.begin(), taken.end());
    std::ranges::sort(entries, {}, &HashedEntry::key);
    report_.exported += taken.size();
    report_.entries += taken.size();
  }

  // Leaves without the gaps that detached months leave: each run of them as one.
  void match(const Chunk& chunk) {
    std::span<const HashedEntry> entries = chunk.entries;
    std::string run;
    std::uint64_t run_begins = 0;
    const auto flush = [&] {
      matcher_.match(run_begins, run, entries);
      entries = {};
      run.clear();
    };
    for (std::size_t i = 0; i < chunk.tiles.size(); ++i) {
      const std::uint64_t tile = chunk.first_tile + i;
      const std::uint64_t first = std::max(plan_.from, tile * tile_width);
      const std::string_view hashes = hashes_from(chunk, i, first);
      const std::uint64_t end = first + hashes.size() / sizeof(Hash);
      if (chunk.tiles[i].entries == Entries::mixed) mixed_tiles_.push_back(tile);
      if (chunk.tiles[i].entries == Entries::retired) {
        report_.retired += end - first;
        if (!retired_runs_.empty() && retired_runs_.back().end == first) {
          retired_runs_.back().end = end;
        } else {
          retired_runs_.push_back({first, end});
        }
        flush();
        continue;
      }
      if (run.empty()) run_begins = first;
      run += hashes;
      if (end != std::min(plan_.size, (tile + 1) * tile_width)) flush();
    }
    flush();
  }

  // The checkpoints that the tree comes to in this chunk, by size.
  std::vector<Target> targets_of(const Chunk& chunk) {
    std::vector<Target> targets;
    for (const CheckedCheckpoint& checkpoint : chunk.checkpoints) {
      ++report_.stored_checkpoints;
      if (checkpoint.root) {
        targets.push_back({.size = checkpoint.size, .root = *checkpoint.root, .place = "the database"});
        continue;
      }
      find_forged(checkpoint);
    }
    for (Target& target : publications_->take_until(end_of(chunk))) {
      if (target.size >= tree_->size()) {
        targets.push_back(std::move(target));
      } else if (target.size >= plan_.from) {  // published once more by a node that took over
        tree_->compare_passed(target);
      } else {
        ++passed_over_;  // they were compared when that was verified
      }
    }
    if (const auto& earlier = settings_.earlier; earlier &&
                                                 earlier->size > std::max(plan_.from, chunk.first_tile * tile_width) &&
                                                 earlier->size <= end_of(chunk)) {
      targets.push_back({.size = earlier->size, .root = earlier->root, .place = "verified earlier"});
    }
    std::ranges::stable_sort(targets, {}, &Target::size);
    return targets;
  }

  void judge() {
    for (const Finding& finding : tree_->findings()) find(finding);
    std::vector<LeafHash> leaves = matcher_.leaves();
    std::vector<HashedEntry> entries = matcher_.entries();
    if (retired_ != reader_.retired() && !(leaves.empty() && entries.empty()))
      throw std::runtime_error("a month was detached meanwhile: verify again");
    if (tree_->missing_from()) drop_what_has_no_tile(*tree_->missing_from(), entries);
    resolve_retired(leaves);
    if (too_many_) return judge_too_many(leaves, entries);
    if (tree_->bad() && only_tree_was_changed(leaves, entries)) {
      leaves.clear();
      entries.clear();
    }
    std::vector<Finding> found = diagnose(reader_, leaves, entries, plan_.size);
    const bool tail = found.size() == 1 && found.front().kind == FindingKind::cut_tail;
    for (Finding& finding : found) find(std::move(finding));
    const std::size_t most = std::max(leaves.size(), entries.size());
    if (most > differences_looked_into && !tail) report_.more_findings += most - differences_looked_into;
    judge_published();
    if (report_.findings.empty() && months_wrong_) {
      find({.kind = FindingKind::ledger_changed,
            .message =
                "tenon.audit_retired says that months are detached which are here, or are not of as many entries"});
    }
    if (report_.findings.empty()) judge_ledger();
  }

  void judge_too_many(const std::vector<LeafHash>& leaves, const std::vector<HashedEntry>& entries) {
    const std::string leaf = leaves.empty() ? "" : fmt::format(", the first of them leaf {}", leaves.front().index);
    const std::string entry = entries.empty() ? "" : fmt::format(", the first of them {}", entries.front().key.id);
    find({.kind = FindingKind::too_many,
          .message = fmt::format("{} leaves have no entry{}; {} entries have no leaf{}", leaves.size(), leaf,
                                 entries.size(), entry),
          .leaf = leaves.empty() ? std::nullopt : std::optional(leaves.front().index),
          .id = entries.empty() ? std::nullopt : std::optional(entries.front().key.id)});
  }

  // Where leaf hashes are missing nothing can be said of their entries.
  void drop_what_has_no_tile(std::uint64_t leaf, std::vector<HashedEntry>& entries) {
    const std::uint64_t tile = leaf / tile_width;
    const auto before = reader_.leaf_tiles(tile, 1);
    if (!before.empty() && before.front().first) {
      std::erase_if(entries, [&](const HashedEntry& entry) { return entry.key >= *before.front().first; });
    } else {
      entries.clear();
    }
  }

  // In the tiles at both ends of a detached month some entries are there and some are not. What the database says of it
  // is not signed: all entries of the month must be gone, as many as it says, from where the month was.
  void resolve_retired(std::vector<LeafHash>& leaves) {
    if (plan_.retired.months().empty()) return;
    Surroundings surroundings(reader_, plan_.size);
    const auto of_a_month = [&](std::uint64_t begin, std::uint64_t end) {
      return std::ranges::any_of(plan_.retired.months(),
                                 [&](const RetiredRange& month) { return surroundings.may_be_of(begin, end, month); });
    };
    for (const LeafRange run : retired_runs_) {
      if (of_a_month(run.begin, run.end)) continue;
      return find({.kind = FindingKind::removed,
                   .message = fmt::format("leaves {} to {} have no entries, and stand where no detached month was",
                                          run.begin, run.end - 1),
                   .leaf = run.begin});
    }
    std::vector<LeafHash> others;
    std::ranges::copy_if(leaves, std::back_inserter(others), [&](const LeafHash& leaf) {
      return !std::ranges::binary_search(mixed_tiles_, leaf.index / tile_width) ||
             !of_a_month(leaf.index, leaf.index + 1);
    });
    const std::uint64_t gone = report_.retired + leaves.size() - others.size();
    months_wrong_ = of_retired_ != 0 || !plan_.retired.explains(gone, plan_.from == 0);
    if (of_retired_ != 0 || !plan_.retired.explains(gone, false)) return;
    report_.retired = gone;
    leaves = std::move(others);
  }

  // Some signed checkpoint disagrees with the tree. With the tree's hashes put right by the rows it may agree again:
  // then somebody changed the tree alone. Else rows and tree were changed together, and only the checkpoints tell it.
  bool only_tree_was_changed(const std::vector<LeafHash>& leaves, const std::vector<HashedEntry>& entries) {
    std::map<std::uint64_t, Hash> by_rows;
    for (std::size_t i = 0; i < leaves.size() && i < entries.size(); ++i) by_rows[leaves[i].index] = entries[i].hash;
    const Target& bad = *tree_->bad();
    const bool alone = leaves.size() == entries.size() && !leaves.empty() && tree_->agrees_with(bad, by_rows);
    if (alone) {
      find({.kind = FindingKind::tile_changed,
            .message = fmt::format("the tree's hash of leaf {} was changed; its entry {} is as it was sealed",
                                   leaves.front().index, entries.front().key.id),
            .leaf = leaves.front().index,
            .id = entries.front().key.id});
      return true;
    }
    find({.kind = FindingKind::rebuilt_tree,
          .message =
              fmt::format("the tree was rebuilt: up to leaf {} it is as it was signed, and then not: leaves {} to "
                          "{} are not those of the checkpoint of size {} ({})",
                          tree_->good_until(), tree_->good_until(), bad.size - 1, bad.size, bad.place),
          .leaf = tree_->good_until()});
    return false;
  }

  // Checkpoints that were published before we asked how far the log goes, beyond its end: taken from the database.
  void judge_published() {
    const auto furthest = publications_->take_largest();
    if (!furthest || furthest->size <= plan_.size) return;
    if (standby_) {
      if (report_.findings.empty()) throw_behind(furthest->size);
      return;
    }
    if (reader_.leaf_count() < furthest->size) return judge_set_back(*furthest);
    find({.kind = FindingKind::checkpoint_removed,
          .message = fmt::format("the checkpoint of size {} was published ({}) and is no longer in the database, whose "
                                 "newest is of size {}",
                                 furthest->size, furthest->place, plan_.size),
          .leaf = plan_.size});
  }

  // The database ends before what was published. When ids were given out beyond its last entry, then entries were
  // deleted here; a backup's sequence ends where its entries do, but for what a crash skips.
  void judge_set_back(const Target& furthest) {
    constexpr std::int64_t skipped_by_a_crash = 32;  // PostgreSQL logs that many values of a sequence ahead
    constexpr std::int64_t rolled_back = 8;
    const std::optional<std::int64_t> given = reader_.last_id_given();
    const std::int64_t beyond =
        given ? (*given - reader_.newest_id().value_or(0)) / static_cast<std::int64_t>(limits::audit_id_block) : 0;
    const bool cut = beyond > skipped_by_a_crash + rolled_back;
    find({.kind = cut ? FindingKind::cut_tail : FindingKind::restored_backup,
          .message =
              fmt::format("{}: it ends at leaf {}, while a checkpoint of size {} was published ({}){}",
                          cut ? "the log's tail was cut off together with its tree"
                              : "the database was set back to an older state, as by restoring a backup",
                          plan_.size, furthest.size, furthest.place,
                          cut     ? fmt::format("; {} blocks of ids were given out since its last entry", beyond)
                          : given ? ""
                                  : "; whether its tail was cut off instead, only a login like tenon_auditor can tell"),
          .leaf = plan_.size});
  }

  void judge_ledger() {
    if (newest_ && plan_.from == 0) {
      const std::int64_t told = reader_.entries_in_ledger(plan_.last);
      if (static_cast<std::uint64_t>(told) != plan_.size) {
        find({.kind = FindingKind::ledger_changed,
              .message =
                  fmt::format("the list of batches tells of {} sealed entries where there are {}", told, plan_.size)});
      }
    }
    if (report_.unsealed == 0) return;
    if (const auto stray = reader_.stray_entry_after(plan_.last, lowest_unsealed_id_)) {
      find({.kind = FindingKind::inserted,
            .message = fmt::format("entry {} (transaction {}) was inserted past the log's own functions: it is in no "
                                   "batch, and will never be sealed",
                                   stray->id, stray->transaction_id),
            .leaf = plan_.size,
            .id = stray->id});
    }
  }

  void find(Finding finding) { report_.findings.push_back(std::move(finding)); }

  Verified finish(Monotonic began) {
    if (publications_) {
      report_.outside_checkpoints = publications_->count() - passed_over_;
      report_.torn_checkpoints = publications_->torn();
      if (publications_->count() == 0 && !publications_->first_strange().empty()) {
        find({.kind = FindingKind::other_key,
              .message = "no published checkpoint is signed by the key " + report_.key + ": " +
                         publications_->first_strange()});
      }
    }
    report_.size = plan_.size;
    report_.root = tree_ ? tree_->root() : empty_root();
    report_.seconds = std::chrono::duration<double>(monotonic_now() - began).count();
    report_.sort();
    Verified verified{.report = std::move(report_)};
    if (verified.report.holds() && newest_) {
      verified.state = VerifiedState{.origin = verified.report.origin,
                                     .size = verified.report.size,
                                     .root = verified.report.root,
                                     .last = plan_.last};
    }
    return verified;
  }

  const VerifySettings& settings_;
  const VerifyProgress& progress_;
  LogReader reader_;
  Hasher hasher_;
  Report report_;
  std::optional<NoteVerifier> key_;
  std::optional<StoredCheckpoint> newest_;
  std::vector<CheckedCheckpoint> forged_;  // rows above it
  bool standby_ = false;
  ChunkPlan plan_;
  std::optional<Publications> publications_;
  std::deque<ExportedFile> exported_;
  std::optional<TreeCheck> tree_;
  Matcher matcher_;
  std::uint64_t passed_over_ = 0;  // of the checkpoints outside
  bool too_many_ = false;
  std::int64_t lowest_unsealed_id_ = std::numeric_limits<std::int64_t>::max();
  std::vector<RetiredRange> retired_;  // as the database said at first
  Retirement told_;                    // months whose entries are in exported files
  std::vector<std::uint64_t> mixed_tiles_;
  std::vector<LeafRange> retired_runs_;  // whole tiles
  bool months_wrong_ = false;
  std::uint64_t of_retired_ = 0;  // entries that are here, of months that are said to be detached
};

}  // namespace

Verified verify(const VerifySettings& settings, const VerifyProgress& progress) {
  return Verification(settings, progress).run();
}

}  // namespace tenon::audit
