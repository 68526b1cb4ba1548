// What a superuser does to the log, and whether verification says so: each kind of edit, at random places of a copy.
//
// TENON_TAMPER_ROWS and TENON_TAMPER_PLACES make it bigger: bench/audit/tamper.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <utility>

#include "audit/base64.hpp"
#include "audit/exporter.hpp"
#include "audit/verifier.hpp"
#include "support/audit_log.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

using audit::EntryKey;
using audit::Finding;
using audit::FindingKind;
using audit::Report;
using postgres::Session;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::stoull(text);
}
std::uint64_t rows() { return setting("TENON_TAMPER_ROWS", 5'000); }
std::uint64_t places() { return setting("TENON_TAMPER_PLACES", 3); }

// One sealed log, copied for each edit. After it was copied for "older backup", more was sealed.
struct Original {
  TemporaryFolder folder;
  std::string name = "audit_original";
  std::string older = "audit_older";
  std::string conninfo;
  HandMadeLog log;
  std::uint64_t older_size;
  std::filesystem::path published;
  std::mt19937_64 random{20'261'121};

  Original() : conninfo(migrated(name)), log(conninfo) {
    log.append(rows() * 9 / 10);
    log.seal(7);
    older_size = log.sizes().back();
    copy(older);
    log.append(rows() - rows() * 9 / 10);
    log.seal(2);
    published = folder.path() / "audit-checkpoints";
    std::ofstream(published) << log.published();
  }
  static std::string migrated(const std::string& name) {
    std::string made = shared_cluster().make_database(name);
    shared_cluster().migrate(name);
    return made;
  }
  std::string copy(const std::string& to) const {
    const std::string admin = shared_cluster().superuser("postgres");
    query(admin, "DROP DATABASE IF EXISTS " + to);
    query(admin, "CREATE DATABASE " + to + " TEMPLATE " + name);
    return shared_cluster().superuser(to);
  }
  [[nodiscard]] std::uint64_t size() const { return log.keys().size(); }
  std::uint64_t any(std::uint64_t below) { return random() % below; }
};

Original& original() {
  static Original made;
  return made;
}

Report verify(const std::string& conninfo, std::uint64_t tiles_per_chunk = 4, unsigned connections = 2) {
  const audit::VerifySettings settings{.conninfo = conninfo,
                                       .key = original().log.signer().verifier(),
                                       .key_from = "--key",
                                       .outside = {original().published},
                                       .threads = connections,
                                       .tiles_per_chunk = tiles_per_chunk};
  return audit::verify(settings, [](std::uint64_t, std::uint64_t) {}).report;
}

// A copy, and what its superuser may do to it without any trigger.
struct Copy {
  std::string conninfo = original().copy("audit_copy");
  void edit(const std::string& sql) const {
    Session session(conninfo);
    session.script("SET session_replication_role = replica");
    session.script(sql);
  }
};

std::string where(EntryKey key) {
  return " WHERE transaction_id = '" + std::to_string(key.transaction_id) +
         "'::xid8 AND id = " + std::to_string(key.id);
}
std::string forget_in_ledger(EntryKey key) {
  return "; UPDATE tenon.audit_batches SET entries = entries - 1 WHERE transaction_id = '" +
         std::to_string(key.transaction_id) +
         "'::xid8 AND entries > 1; DELETE FROM tenon.audit_batches WHERE entries = 1 AND "
         "transaction_id = '" +
         std::to_string(key.transaction_id) + "'::xid8";
}

// Detached months: what tenon.retire_audit_month does, of a month like "2025_12".
std::string retire(const std::string& month) {
  const std::string from = "to_timestamp('" + month + "', 'YYYY_MM')";
  const std::string of_it = " FROM audit_logs WHERE at >= " + from + " AND at < " + from + " + interval '1 month'";
  return "SET timezone = 'UTC'; INSERT INTO tenon.audit_retired (name, from_at, to_at, entries) SELECT 'audit_logs_" +
         month + "', " + from + ", " + from + " + interval '1 month', count(*)" + of_it + "; DELETE" + of_it;
}

void expect_first(const Report& report, FindingKind kind, std::uint64_t leaf, std::optional<std::int64_t> id) {
  ASSERT_FALSE(report.holds());
  const Finding& first = report.findings.front();
  EXPECT_EQ(name_of(first.kind), name_of(kind)) << report.text();
  EXPECT_EQ(first.leaf, leaf) << report.text();
  if (id) {
    EXPECT_EQ(first.id, id) << report.text();
  }
  EXPECT_EQ(report.findings.size(), 1U) << report.text();
}

// Runs `attempt(place)` with the index of a random leaf below `below`.
void at_places(std::uint64_t below, const std::function<void(std::uint64_t)>& attempt) {
  for (std::uint64_t i = 0; i < places(); ++i) {
    const std::uint64_t place = original().any(below);
    SCOPED_TRACE("attempt " + std::to_string(i) + " at leaf " + std::to_string(place));
    attempt(place);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(AuditTamper, UntouchedCopiesHold) {
  constexpr std::uint64_t chunks[] = {1, 3, 4, 256};
  for (std::uint64_t i = 0; i < setting("TENON_TAMPER_UNTOUCHED", std::size(chunks)); ++i) {
    const Report report = verify(Copy().conninfo, chunks[i % std::size(chunks)]);
    EXPECT_TRUE(report.holds()) << report.text();
    EXPECT_EQ(report.size, original().size());
    EXPECT_EQ(report.entries, original().size());
    EXPECT_EQ(report.stored_checkpoints, original().log.sizes().size());
    EXPECT_EQ(report.outside_checkpoints, original().log.sizes().size());
  }
}

TEST(AuditTamper, AnEntryThatWasChangedIsNamed) {
  const std::string changes[] = {"actor = 'somebody'",
                                 "before = '{}'",
                                 "after = replace(after, ':', ': ')",
                                 "at = at + interval '1 microsecond'",
                                 "entity_id = gen_random_uuid()",
                                 "idempotency_key = CASE WHEN idempotency_key IS NULL THEN '' END",
                                 "action = lower(action)",
                                 "entity_kind = 'chair'",
                                 "role = 'admin'",
                                 "request_id = ''"};
  at_places(original().size(), [&](std::uint64_t place) {
    const Copy copy;
    const EntryKey key = original().log.keys()[place];
    copy.edit("UPDATE audit_logs SET " + changes[original().any(std::size(changes))] + where(key));
    expect_first(verify(copy.conninfo), FindingKind::changed, place, key.id);
  });
}

TEST(AuditTamper, AnEntryThatWasRemovedIsNamed) {
  at_places(original().size() - 1, [&](std::uint64_t place) {
    const Copy copy;
    const EntryKey key = original().log.keys()[place];
    const bool ledger_too = original().any(2) == 0;
    copy.edit("DELETE FROM audit_logs" + where(key) + (ledger_too ? forget_in_ledger(key) : ""));
    expect_first(verify(copy.conninfo), FindingKind::removed, place, ledger_too ? std::nullopt : std::optional(key.id));
  });
}

TEST(AuditTamper, AnEntryThatWasInsertedIsNamed) {
  at_places(original().size(), [&](std::uint64_t place) {
    const Copy copy;
    const EntryKey key = original().log.keys()[place];
    const std::int64_t id = key.id + 500;
    copy.edit(
        "INSERT INTO audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, "
        "idempotency_key, before, after) SELECT " +
        std::to_string(id) +
        ", at, transaction_id, entity_id, action, entity_kind, actor, role, 'another', idempotency_key, before, after "
        "FROM audit_logs" +
        where(key));
    if (original().any(2) == 0) {
      copy.edit("INSERT INTO tenon.audit_batches SELECT transaction_id, id, id, at, at, 1 FROM audit_logs" +
                where({key.transaction_id, id}));
    }
    // It stands after the last entry of that transaction.
    std::uint64_t leaf = place;
    while (leaf < original().size() && original().log.keys()[leaf].transaction_id == key.transaction_id) ++leaf;
    expect_first(verify(copy.conninfo), FindingKind::inserted, leaf, id);
  });
}

TEST(AuditTamper, EntriesThatWereSwappedAreNamed) {
  at_places(original().size() - 1, [&](std::uint64_t place) {
    const Copy copy;
    const std::uint64_t other =
        original().any(3) == 0 ? place + 1 : place + 1 + original().any(original().size() - place - 1);
    const EntryKey one = original().log.keys()[place];
    const EntryKey two = original().log.keys()[other];
    const std::string both = " FROM audit_logs AS other WHERE (mine.id, other.id) IN ((" + std::to_string(one.id) +
                             ", " + std::to_string(two.id) + "), (" + std::to_string(two.id) + ", " +
                             std::to_string(one.id) + "))";
    if (original().any(2) == 0) {
      copy.edit(
          "UPDATE audit_logs AS mine SET actor = other.actor, before = other.before, after = other.after, entity_id = "
          "other.entity_id, request_id = other.request_id" +
          both);
    } else {  // their numbers; through one that is free, as the key demands
      copy.edit("UPDATE audit_logs SET id = -1" + where(one));
      copy.edit("UPDATE audit_logs SET id = " + std::to_string(one.id) + ", transaction_id = '" +
                std::to_string(one.transaction_id) + "'::xid8" + where(two));
      copy.edit("UPDATE audit_logs SET id = " + std::to_string(two.id) + ", transaction_id = '" +
                std::to_string(two.transaction_id) + "'::xid8 WHERE id = -1");
    }
    expect_first(verify(copy.conninfo), FindingKind::swapped, place, std::min(one.id, two.id));
  });
}

TEST(AuditTamper, AnEntryThatWasRenumberedIsNamed) {
  at_places(original().size(), [&](std::uint64_t place) {
    const Copy copy;
    const EntryKey key = original().log.keys()[place];
    const std::uint64_t way = original().any(4);
    const std::int64_t id = way == 0 ? key.id + 700 : way == 1 ? 77 : way == 2 ? 999'999'999 : key.id;
    const std::string change = way == 3 ? "transaction_id = '" + std::to_string(key.transaction_id + 1) + "'::xid8"
                                        : "id = " + std::to_string(id);
    copy.edit("UPDATE audit_logs SET " + change + where(key));
    if (original().any(2) == 0) {
      copy.edit("DELETE FROM tenon.audit_batches WHERE entries = 1 AND first_id = " + std::to_string(key.id));
    }
    const Report report = verify(copy.conninfo);
    expect_first(report, FindingKind::renumbered, place, id);
    if (!report.holds()) {
      EXPECT_EQ(report.findings.front().other_id, key.id);
    }
  });
}

TEST(AuditTamper, ATailThatWasCutIsNamed) {
  at_places(original().size() - 2, [&](std::uint64_t place) {
    const Copy copy;
    const EntryKey last = original().log.keys()[place];
    const std::string beyond = " WHERE (transaction_id, id) > ('" + std::to_string(last.transaction_id) + "'::xid8, " +
                               std::to_string(last.id) + ")";
    copy.edit("DELETE FROM audit_logs" + beyond);
    if (original().any(2) == 0)
      copy.edit("DELETE FROM tenon.audit_batches WHERE transaction_id > '" + std::to_string(last.transaction_id) +
                "'::xid8");
    expect_first(verify(copy.conninfo), FindingKind::cut_tail, place + 1, std::nullopt);
  });
}

// The tree and the stored checkpoints go with the tail: only what was published outside knows more.
TEST(AuditTamper, ATailThatWasCutWithItsTreeIsNamed) {
  const auto& sizes = original().log.sizes();
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const Copy copy;
    const EntryKey last = original().log.keys()[sizes[i] - 1];
    const std::string transaction = "'" + std::to_string(last.transaction_id) + "'::xid8";
    copy.edit("DELETE FROM audit_logs WHERE (transaction_id, id) > (" + transaction + ", " + std::to_string(last.id) +
              ")");
    copy.edit("DELETE FROM tenon.audit_batches WHERE transaction_id > " + transaction);
    rebuild_tree(copy.conninfo, original().log.signer(),
                 {sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(i) + 1});
    expect_first(verify(copy.conninfo), FindingKind::cut_tail, sizes[i], std::nullopt);
  }
}

// What somebody writes while it is verified comes too late to pass for what was published.
TEST(AuditTamper, ATailThatWasCutIsNotMadeUpForWhileItIsVerified) {
  const auto& sizes = original().log.sizes();
  const Copy copy;
  const EntryKey last = original().log.keys()[sizes[4] - 1];
  const std::string transaction = "'" + std::to_string(last.transaction_id) + "'::xid8";
  copy.edit("DELETE FROM audit_logs WHERE (transaction_id, id) > (" + transaction + ", " + std::to_string(last.id) +
            ")");
  copy.edit("DELETE FROM tenon.audit_batches WHERE transaction_id > " + transaction);
  rebuild_tree(copy.conninfo, original().log.signer(), {sizes.begin(), sizes.begin() + 5});
  const audit::VerifySettings settings{
      .conninfo = copy.conninfo, .key = original().log.signer().verifier(), .outside = {original().published}};
  bool inserted = false;
  const Report report =
      audit::verify(settings, [&](std::uint64_t, std::uint64_t) {
        if (inserted) return;
        inserted = true;
        copy.edit("INSERT INTO tenon.audit_checkpoints (size, root, note, transaction_id, last_id) SELECT " +
                  std::to_string(original().size()) +
                  ", root, note, transaction_id, last_id FROM tenon.audit_checkpoints WHERE size = " +
                  std::to_string(sizes[4]));
      }).report;
  EXPECT_TRUE(inserted);
  expect_first(report, FindingKind::cut_tail, sizes[4], std::nullopt);
}

// Honest nodes go on sealing meanwhile.
TEST(AuditTamper, WhatIsPublishedWhileItIsVerifiedIsNoTamper) {
  TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "audit-checkpoints";
  const std::filesystem::path places = folder.path() / "places";
  std::filesystem::create_directory(places);
  const std::string older = shared_cluster().superuser(original().older);
  const std::string lines = original().log.published();
  const auto line_begin = [&lines](std::size_t number) {
    std::size_t at = 0;
    for (; number > 0; --number) at = lines.find('\n', at) + 1;
    return at;
  };
  std::ofstream(file) << lines.substr(0, line_begin(7));  // as far as the older one was sealed
  const auto note_of = [&](std::size_t line) {
    const std::string text = lines.substr(line_begin(line), line_begin(line + 1) - line_begin(line) - 1);
    return audit::base64_decode(text.substr(text.find(' ') + 1)).value();
  };
  std::ofstream(places / "checkpoint") << note_of(6);
  const audit::VerifySettings settings{
      .conninfo = older, .key = original().log.signer().verifier(), .outside = {file, places}};
  const Report report = audit::verify(settings, [&](std::uint64_t, std::uint64_t) {
                          std::ofstream(file) << lines;
                          std::ofstream(places / "checkpoint") << note_of(8);
                          std::ofstream(places / "checkpoint-00000000000000005000") << note_of(8);
                        }).report;
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.outside_checkpoints, 8U);
}

// Rows changed, and the whole tree made anew over them; whose signatures the checkpoints bear varies.
TEST(AuditTamper, ATreeThatWasRebuiltIsNamed) {
  at_places(original().size(), [&](std::uint64_t place) {
    const Copy copy;
    const auto& sizes = original().log.sizes();
    const std::string notes = "CREATE TABLE kept AS SELECT * FROM tenon.audit_checkpoints";
    copy.edit(notes);
    copy.edit("UPDATE audit_logs SET after = '{}'" + where(original().log.keys()[place]));
    const std::uint64_t way = original().any(3);
    const audit::NoteSigner stranger = audit::NoteSigner::generate("tenon/0123456789abcdef");
    rebuild_tree(copy.conninfo, way == 0 ? stranger : original().log.signer(), sizes);
    if (way == 1) {  // the true checkpoints are put back
      copy.edit("TRUNCATE tenon.audit_checkpoints; INSERT INTO tenon.audit_checkpoints SELECT * FROM kept");
    } else if (way == 2) {  // one is left, of the rebuilt tree, which nobody could have signed but who has the key
      copy.edit("DELETE FROM tenon.audit_checkpoints WHERE size < " + std::to_string(sizes.back()));
    }
    const Report report = verify(copy.conninfo);
    ASSERT_FALSE(report.holds());
    if (way == 0) {
      EXPECT_EQ(name_of(report.findings.front().kind), "other_key") << report.text();
      const auto rebuilt = std::ranges::find(report.findings, FindingKind::rebuilt_tree, &Finding::kind);
      ASSERT_NE(rebuilt, report.findings.end()) << report.text();
      EXPECT_LE(*rebuilt->leaf, place);
      return;
    }
    // The leaves between the last checkpoint that agrees and the first that does not.
    const auto first_bad = std::ranges::upper_bound(sizes, place);
    expect_first(report, FindingKind::rebuilt_tree, first_bad == sizes.begin() ? 0 : *(first_bad - 1), std::nullopt);
  });
}

TEST(AuditTamper, AnOlderBackupIsNamed) {
  const Report report = verify(shared_cluster().superuser(original().older));
  expect_first(report, FindingKind::restored_backup, original().older_size, std::nullopt);
}

// Whoever may read the log may verify it, whatever there is to be found.
TEST(AuditTamper, AnOlderBackupIsNamedToEveryLoginThatReadsTheLog) {
  const std::string superuser = shared_cluster().superuser(original().older);
  for (const std::string login : {"tenon_auditor", "tenon_edge", "tenon_sealer"}) {
    // The last of a name in a conninfo counts.
    const Report report = verify(superuser + " user=" + login);
    expect_first(report, FindingKind::restored_backup, original().older_size, std::nullopt);
    EXPECT_EQ(report.text().find("only a login like tenon_auditor can tell") == std::string::npos,
              login == "tenon_auditor")
        << report.text();
  }
}

TEST(AuditTamper, AnOlderBackupThatWentOnIsNamed) {
  for (std::uint64_t i = 0; i < places(); ++i) {
    const std::string admin = shared_cluster().superuser("postgres");
    query(admin, "DROP DATABASE IF EXISTS audit_forked");
    query(admin, "CREATE DATABASE audit_forked TEMPLATE " + original().older);
    const std::string forked = shared_cluster().superuser("audit_forked");
    // Other entries follow, and the same key seals them.
    Session session(forked);
    session.script("SET session_replication_role = replica");
    session.script(
        "INSERT INTO audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, "
        "after) "
        "SELECT 900000000 + i, timestamptz '2026-02-01', '90000000'::xid8, gen_random_uuid(), 'SALE', 'item', 'b', "
        "'staff', 'r', "
        "'{}' FROM generate_series(1, " +
        std::to_string(rows() / 5 + i) +
        ") AS i; "
        "INSERT INTO tenon.audit_batches SELECT transaction_id, min(id), max(id), min(at), max(at), count(*) "
        "FROM audit_logs WHERE transaction_id = '90000000'::xid8 GROUP BY 1");
    std::vector<std::uint64_t> sizes = original().log.sizes();
    std::erase_if(sizes, [](std::uint64_t size) { return size > original().older_size; });
    sizes.push_back(original().older_size + rows() / 5 + i);
    rebuild_tree(forked, original().log.signer(), sizes);
    expect_first(verify(forked), FindingKind::rebuilt_tree, original().older_size, std::nullopt);
  }
}

TEST(AuditTamper, TheTreesOwnHashesAreLookedAtToo) {
  at_places(original().size(), [&](std::uint64_t place) {
    const Copy copy;
    const std::uint64_t byte = place % 256 * 32 + original().any(32);
    copy.edit("UPDATE tenon.audit_tiles SET hashes = set_byte(hashes, " + std::to_string(byte) + ", get_byte(hashes, " +
              std::to_string(byte) + ") # 1) WHERE level = 0 AND index = " + std::to_string(place / 256));
    expect_first(verify(copy.conninfo), FindingKind::tile_changed, place, original().log.keys()[place].id);
  });
  const Copy above;
  above.edit(
      "UPDATE tenon.audit_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 1 AND index = "
      "0");
  expect_first(verify(above.conninfo), FindingKind::tile_changed, 0, std::nullopt);
  const Copy missing;
  missing.edit("DELETE FROM tenon.audit_tiles WHERE level = 0 AND index = 3");
  expect_first(verify(missing.conninfo), FindingKind::tile_changed, 768, std::nullopt);
}

TEST(AuditTamper, StoredCheckpointsAreLookedAt) {
  const auto& sizes = original().log.sizes();
  const Copy forged;
  forged.edit("UPDATE tenon.audit_checkpoints SET note = replace(note, 'tenon/0123', 'tenon/1123') WHERE size = " +
              std::to_string(sizes[3]));
  expect_first(verify(forged.conninfo), FindingKind::checkpoint_forged, sizes[3], std::nullopt);
  const Copy removed;
  removed.edit("DELETE FROM tenon.audit_checkpoints WHERE size > " + std::to_string(sizes[5]));
  expect_first(verify(removed.conninfo), FindingKind::checkpoint_removed, sizes[5], std::nullopt);
}

TEST(AuditTamper, AnEntryPastTheLedgerIsFoundThoughItIsNotSealed) {
  const Copy copy;
  copy.edit(
      "INSERT INTO audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, after) "
      "SELECT max(id) + 5, now(), '99999999'::xid8, gen_random_uuid(), 'SALE', 'item', 'b', 'staff', 'r', '{}' FROM "
      "audit_logs");
  const Report report = verify(copy.conninfo);
  expect_first(report, FindingKind::inserted, original().size(), std::nullopt);
  EXPECT_EQ(report.unsealed, 1U);
}

TEST(AuditTamper, AListOfBatchesThatLacksSomeIsFound) {
  const Copy copy;
  copy.edit("DELETE FROM tenon.audit_batches WHERE first_id = " +
            std::to_string(original().log.keys()[100].id / 1024 * 1024));
  const Report report = verify(copy.conninfo);
  ASSERT_FALSE(report.holds());
  EXPECT_EQ(name_of(report.findings.front().kind), "ledger_changed") << report.text();
}

TEST(AuditTamper, EverythingChangedIsToldWithinBounds) {
  const Copy copy;
  copy.edit("UPDATE audit_logs SET actor = 'nobody'");
  const Report report = verify(copy.conninfo);
  ASSERT_FALSE(report.holds());
  EXPECT_EQ(name_of(report.findings.front().kind), "changed") << report.text();
  EXPECT_EQ(report.findings.front().leaf, 0U);
  EXPECT_EQ(report.findings.front().id, original().log.keys().front().id);
  EXPECT_LE(report.findings.size(), 100U);
}

TEST(AuditTamper, IsNamedTheSameOverAnyNumberOfConnections) {
  const Copy copy;
  copy.edit("UPDATE audit_logs SET actor = 'nobody'" + where(original().log.keys()[1'234]) +
            "; DELETE FROM audit_logs" + where(original().log.keys()[3'456]) +
            forget_in_ledger(original().log.keys()[3'456]));
  const auto told = [&copy](unsigned connections) {
    const Report report = verify(copy.conninfo, 1, connections);
    std::vector<std::string> all{std::to_string(report.entries) + " of " + std::to_string(report.size)};
    for (const auto& finding : report.findings)
      all.push_back(std::string(name_of(finding.kind)) + ": " + finding.message);
    return all;
  };
  const std::vector<std::string> by_one = told(1);
  EXPECT_EQ(by_one.size(), 3U) << testing::PrintToString(by_one);
  for (const unsigned connections : {2U, 5U, 16U}) EXPECT_EQ(told(connections), by_one) << connections;
}

TEST(AuditTamper, GoingOnFromTheLastVerificationLooksAtWhatIsNew) {
  const auto base = [](const std::string& conninfo) {
    return audit::VerifySettings{.conninfo = conninfo,
                                 .key = original().log.signer().verifier(),
                                 .outside = {original().published},
                                 .tiles_per_chunk = 2};
  };
  const auto nothing = [](std::uint64_t, std::uint64_t) {};
  audit::VerifySettings older = base(shared_cluster().superuser(original().older));
  older.outside.clear();
  const audit::Verified first = audit::verify(older, nothing);
  ASSERT_TRUE(first.state) << first.report.text();
  EXPECT_EQ(first.state->size, original().older_size);

  const Copy copy;
  audit::VerifySettings since = base(copy.conninfo);
  since.since = first.state;
  const audit::Verified second = audit::verify(since, nothing);
  EXPECT_TRUE(second.report.holds()) << second.report.text();
  EXPECT_EQ(second.report.entries, original().size() - original().older_size);
  EXPECT_EQ(second.report.from, original().older_size);
  ASSERT_TRUE(second.state);
  EXPECT_EQ(second.state->size, original().size());

  const std::uint64_t place = original().older_size + 7;
  copy.edit("UPDATE audit_logs SET actor = 'x'" + where(original().log.keys()[place]));
  expect_first(audit::verify(since, nothing).report, FindingKind::changed, place, original().log.keys()[place].id);

  since.since->root[0] ^= 1;
  EXPECT_EQ(name_of(audit::verify(since, nothing).report.findings.front().kind), "rebuilt_tree");
  older.since = second.state;
  EXPECT_EQ(name_of(audit::verify(older, nothing).report.findings.front().kind), "restored_backup");
}

// What a database could say to keep whoever verifies it busy for ever, or worse.
TEST(AuditTamper, AVerdictIsReachedWhateverTheDatabaseSays) {
  const Monotonic began = monotonic_now();
  {
    const Copy copy;
    copy.edit(
        "INSERT INTO tenon.audit_checkpoints (size, root, note, transaction_id, last_id) SELECT s, root, note, "
        "transaction_id, last_id FROM tenon.audit_checkpoints, "
        "unnest('{10000000000000,9223372036854775807}'::bigint[]) "
        "AS s WHERE size = " +
        std::to_string(original().size()));
    const Report report = verify(copy.conninfo);
    ASSERT_EQ(report.findings.size(), 2U) << report.text();
    EXPECT_EQ(name_of(report.findings[0].kind), "checkpoint_forged") << report.text();
    EXPECT_EQ(report.findings[0].leaf, 10'000'000'000'000U);
    EXPECT_EQ(report.size, original().size());
    EXPECT_EQ(report.entries, original().size());
    // And where nothing is signed.
    copy.edit("UPDATE tenon.audit_checkpoints SET note = 'x'");
    EXPECT_FALSE(verify(copy.conninfo).holds());
  }
  {
    const Copy copy;
    const EntryKey key = original().log.keys()[1'000];
    copy.edit("DELETE FROM audit_logs" + where(key));
    copy.edit(
        "UPDATE tenon.audit_batches SET first_id = -9000000000000000000, last_id = 9223372036854775807 WHERE "
        "transaction_id = '" +
        std::to_string(key.transaction_id) + "'::xid8");
    expect_first(verify(copy.conninfo), FindingKind::removed, 1'000, std::nullopt);
  }
  {  // of a chunk one tile is missing, and the next chunk has one
    const Copy copy;
    copy.edit(retire("2025_12"));
    copy.edit("DELETE FROM tenon.audit_tiles WHERE level = 0 AND index = 2");
    expect_first(verify(copy.conninfo, 4), FindingKind::tile_changed, 512, std::nullopt);
  }
  {
    const Copy copy;
    copy.edit("DELETE FROM tenon.audit_tiles WHERE level = 0 AND index > 0");
    const Report report = verify(copy.conninfo, 1);
    EXPECT_FALSE(report.holds());
    EXPECT_LE(report.entries, original().size()) << "each is read once";
    const audit::VerifySettings settings{.conninfo = copy.conninfo,
                                         .key = original().log.signer().verifier(),
                                         .tiles_per_chunk = 1,
                                         .waiting_max = 1'000};
    const Report bounded = audit::verify(settings, [](std::uint64_t, std::uint64_t) {}).report;
    EXPECT_LE(bounded.entries, 1'256U);
    EXPECT_NE(std::ranges::find(bounded.findings, FindingKind::too_many, &Finding::kind), bounded.findings.end());
  }
  EXPECT_LT(monotonic_now() - began, std::chrono::seconds(60));
}

// Three months, of which two are detached.
TEST(AuditTamper, MonthsWithoutAnExportedLineAreVouchedForByTheTreeAndTheOthersByTheirLines) {
  const std::string conninfo = Original::migrated("audit_months");
  HandMadeLog log(conninfo);
  log.append(700);
  log.append(900, "2026-01-31 00:00");
  log.append(600, "2026-02-10 00:00");
  log.seal(3);
  TemporaryFolder folder;
  const std::filesystem::path january = folder.path() / "january";
  const std::filesystem::path all = folder.path() / "all";
  {
    audit::LogReader reader(conninfo);
    std::ofstream one(january);
    std::ofstream both(all);
    (void)audit::export_entries(
        reader, {}, 0,
        [&](const std::string& line) {
          both << line;
          if (line.contains("\"at\":\"2026-01")) one << line;
        },
        [](std::uint64_t, std::uint64_t) {});
  }
  const auto count = [&](const std::string& where) {
    return std::stoull(query_value(conninfo, "SELECT count(*) FROM audit_logs WHERE at AT TIME ZONE 'UTC' " + where));
  };
  const std::uint64_t december_entries = count("< '2026-01-01'");
  const std::uint64_t january_entries = count("BETWEEN '2026-01-01' AND '2026-02-01'");
  ASSERT_GT(december_entries, 300U);
  ASSERT_GT(january_entries, 300U);
  Session session(conninfo);
  session.script("SET session_replication_role = replica");
  session.script(retire("2025_12"));
  session.script(retire("2026_01"));
  const auto verified = [&](std::vector<std::filesystem::path> exported) {
    const audit::VerifySettings settings{
        .conninfo = conninfo, .key = log.signer().verifier(), .exported = std::move(exported), .tiles_per_chunk = 2};
    return audit::verify(settings, [](std::uint64_t, std::uint64_t) {}).report;
  };
  const Report by_tree = verified({});
  EXPECT_TRUE(by_tree.holds()) << by_tree.text();
  EXPECT_EQ(by_tree.retired, december_entries + january_entries);
  const Report by_one = verified({january});
  EXPECT_TRUE(by_one.holds()) << by_one.text();
  EXPECT_EQ(by_one.retired, december_entries);
  EXPECT_EQ(by_one.exported, january_entries);
  for (const auto& files : {std::vector{all}, std::vector{january, all}}) {
    const Report by_all = verified(files);
    EXPECT_TRUE(by_all.holds()) << by_all.text();
    EXPECT_EQ(by_all.retired, 0U);
    EXPECT_EQ(by_all.entries, 2'200U);
  }
}

TEST(AuditTamper, AMonthThatIsDetachedWhileItIsVerifiedIsNoTamper) {
  const Copy copy;
  const audit::VerifySettings settings{
      .conninfo = copy.conninfo, .key = original().log.signer().verifier(), .threads = 1, .tiles_per_chunk = 1};
  bool detached = false;
  try {
    const Report report = audit::verify(settings, [&](std::uint64_t, std::uint64_t) {
                            if (!std::exchange(detached, true)) copy.edit(retire("2026_01"));
                          }).report;
    ADD_FAILURE() << "a verdict: " << report.text();
  } catch (const std::runtime_error& meanwhile) {
    EXPECT_STREQ(meanwhile.what(), "a month was detached meanwhile: verify again");
  }
  const Report after = verify(copy.conninfo);
  EXPECT_TRUE(after.holds()) << after.text();
}

// What the database says of detached months is not signed.
TEST(AuditTamper, AnEntryIsNotHiddenBehindADetachedMonth) {
  const EntryKey key = original().log.keys()[300];  // of 2025_12, which ends in the second tile
  const std::string row = "INSERT INTO tenon.audit_retired (name, from_at, to_at, entries) SELECT ";
  {
    const Copy copy;
    copy.edit(row + "'audit_logs_2025_12', at, at + interval '1 microsecond', 1 FROM audit_logs" + where(key));
    copy.edit("DELETE FROM audit_logs" + where(key));
    expect_first(verify(copy.conninfo), FindingKind::removed, 300, key.id);
  }
  {  // the whole month, but its other entries are there
    const Copy copy;
    copy.edit("SET timezone = 'UTC'; " + row + "'audit_logs_2025_12', '2025-12-01', '2026-01-01', 1");
    copy.edit("DELETE FROM audit_logs" + where(key));
    EXPECT_FALSE(verify(copy.conninfo).holds());
  }
  // A month that is detached, and a later entry whose batch is said to be of it.
  const EntryKey later = original().log.keys()[4'700];
  const Copy copy;
  copy.edit(retire("2025_12"));
  ASSERT_TRUE(verify(copy.conninfo).holds());
  copy.edit("DELETE FROM audit_logs" + where(later));
  copy.edit("UPDATE tenon.audit_batches SET first_at = '2025-12-31', last_at = '2025-12-31' WHERE transaction_id = '" +
            std::to_string(later.transaction_id) + "'::xid8");
  copy.edit("UPDATE tenon.audit_retired SET entries = entries + 1");
  expect_first(verify(copy.conninfo), FindingKind::removed, 4'700, std::nullopt);
  const audit::VerifySettings older{.conninfo = shared_cluster().superuser(original().older),
                                    .key = original().log.signer().verifier()};
  const audit::VerifySettings since{.conninfo = copy.conninfo,
                                    .key = original().log.signer().verifier(),
                                    .since = audit::verify(older, [](std::uint64_t, std::uint64_t) {}).state};
  expect_first(audit::verify(since, [](std::uint64_t, std::uint64_t) {}).report, FindingKind::removed, 4'700,
               std::nullopt);
}

}  // namespace
}  // namespace tenon::test
