// `tenon audit` as its users call it, and what a third party makes of what it prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "audit/exported.hpp"
#include "audit/proof.hpp"
#include "encoding/json.hpp"
#include "support/audit_log.hpp"
#include "support/node.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using postgres::Session;

constexpr std::uint64_t entries = 700;

struct Log {
  TemporaryFolder folder;
  std::string conninfo = prepared();
  HandMadeLog log{conninfo};
  std::filesystem::path published = folder.path() / "published";
  std::filesystem::path key = folder.path() / "key";

  Log() {
    log.append(entries);
    log.seal(5);
    std::ofstream(published) << log.published() << "torn";
    std::ofstream(key) << log.signer().verifier().text() << "\n";
  }
  static std::string prepared() {
    std::string database = shared_cluster().make_database("audited");
    shared_cluster().migrate("audited");
    return database;
  }
};

Log& log() {
  static Log made;
  return made;
}

Ended audit(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "audit");
  return run_tenon(std::move(arguments));
}

Ended audit_database(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--database-url", shared_cluster().edge("audited"), "--key", log().key});
  return audit(std::move(arguments));
}

std::filesystem::path file_of(const std::string& name, const std::string& content) {
  const std::filesystem::path path = log().folder.path() / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// The program on the formats' page.
std::string checker() {
  const std::string page = content_of("docs/formats/audit-log.md");
  const std::size_t begin = page.find("```python\n", page.find("<!-- check.py -->")) + 10;
  return page.substr(begin, page.find("```", begin) - begin);
}

Ended run_checker(const std::string& key, const std::filesystem::path& proof) {
  static const std::filesystem::path script = file_of("check.py", checker());
  ChildProgram python({"/usr/bin/env", "python3", script, key, proof}, log().folder.path() / "errors");
  const auto code = python.await_end(std::chrono::seconds(30));
  return {.exit_code = code.value_or(-1), .output = python.output(), .errors = python.errors()};
}

TEST(AuditVerify, SaysThatTheLogHolds) {
  const Ended ended = audit_database({"verify", "--checkpoints", log().published});
  EXPECT_EQ(ended.exit_code, 0) << ended.errors;
  EXPECT_THAT(ended.output, StartsWith("verified: 700 leaves of tenon/0123456789abcdef, root "));
  EXPECT_THAT(ended.output, HasSubstr("checkpoints: 5 in the database, 5 outside it"));
  EXPECT_THAT(ended.output, HasSubstr("1 checkpoint outside could not be read"));
  EXPECT_THAT(ended.errors, IsEmpty()) << "no bar where there is no terminal";
}

TEST(AuditVerify, TellsProgramsTheSameAsOneLineOfJson) {
  const Ended ended = audit_database({"verify", "--json"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1);
  EXPECT_TRUE(json::parse(ended.output)) << ended.output;
  EXPECT_THAT(ended.output, StartsWith("{\"ok\":true,\"origin\":\"tenon/0123456789abcdef\""));
  EXPECT_THAT(ended.output, HasSubstr("\"size\":700"));
  EXPECT_THAT(ended.output, HasSubstr("\"findings\":[]"));
}

TEST(AuditVerify, ExitsWith2AndNamesTheEntryWhenTheLogDoesNotHold) {
  query(shared_cluster().superuser("postgres"), "DROP DATABASE IF EXISTS tampered");
  query(shared_cluster().superuser("postgres"), "CREATE DATABASE tampered TEMPLATE audited");
  const std::int64_t id = log().log.keys()[321].id;
  Session session(shared_cluster().superuser("tampered"));
  session.script("SET session_replication_role = replica; UPDATE audit_logs SET actor = 'x' WHERE id = " +
                 std::to_string(id));
  const std::vector<std::string> arguments = {"verify", "--database-url", shared_cluster().edge("tampered"), "--key",
                                              log().key};
  const Ended said = audit(arguments);
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.output, StartsWith("TAMPERED: entry " + std::to_string(id)));
  std::vector<std::string> as_json = arguments;
  as_json.push_back("--json");
  EXPECT_THAT(audit(as_json).output,
              HasSubstr("\"findings\":[{\"kind\":\"changed\",\"leaf\":321,\"id\":\"" + std::to_string(id)));
  EXPECT_EQ(audit({"prove", std::to_string(id), "--database-url", shared_cluster().edge("tampered")}).exit_code, 2);
}

TEST(AuditVerify, GoesOnFromWhereItWas) {
  const std::filesystem::path state = log().folder.path() / "state";
  const Ended first = audit_database({"verify", "--incremental", "--state", state});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_THAT(first.errors, HasSubstr("nothing was verified yet"));
  EXPECT_THAT(first.output, HasSubstr("700 entries hashed"));
  const Ended second = audit_database({"verify", "--incremental", "--state", state});
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_THAT(second.output, HasSubstr("(from leaf 700 on)"));
  EXPECT_THAT(second.output, HasSubstr("\n0 entries hashed"));
  std::ofstream(state) << "something else";
  EXPECT_EQ(audit_database({"verify", "--incremental", "--state", state}).exit_code, 1);
}

// The tree goes with the tail, and nothing was published: only what was verified earlier knows more.
TEST(AuditVerify, HoldsTheWholeLogAgainstWhatWasVerifiedEarlier) {
  const std::filesystem::path state = log().folder.path() / "state-of-set-back";
  query(shared_cluster().superuser("postgres"), "DROP DATABASE IF EXISTS set_back");
  query(shared_cluster().superuser("postgres"), "CREATE DATABASE set_back TEMPLATE audited");
  const std::string superuser = shared_cluster().superuser("set_back");
  const std::vector<std::string> arguments = {
      "verify", "--database-url", shared_cluster().edge("set_back"), "--key", log().key, "--state", state};
  ASSERT_EQ(audit(arguments).exit_code, 0);
  EXPECT_EQ(audit(arguments).exit_code, 0);
  const std::string verified = content_of(state);

  const auto& sizes = log().log.sizes();
  Session session(superuser);
  session.script("SET session_replication_role = replica; UPDATE audit_logs SET actor = 'x' WHERE id = " +
                 std::to_string(log().log.keys()[600].id));
  rebuild_tree(superuser, log().log.signer(), sizes);  // by somebody who has the key
  const Ended rebuilt = audit(arguments);
  EXPECT_EQ(rebuilt.exit_code, 2);
  EXPECT_THAT(rebuilt.output, HasSubstr("the tree was rebuilt"));
  EXPECT_THAT(rebuilt.output, HasSubstr("(verified earlier)"));

  const audit::EntryKey last = log().log.keys()[sizes[2] - 1];
  const std::string transaction = "'" + std::to_string(last.transaction_id) + "'::xid8";
  session.script("DELETE FROM audit_logs WHERE (transaction_id, id) > (" + transaction + ", " +
                 std::to_string(last.id) + ")");
  session.script("DELETE FROM tenon.audit_batches WHERE transaction_id > " + transaction);
  rebuild_tree(superuser, log().log.signer(), {sizes.begin(), sizes.begin() + 3});
  const Ended set_back = audit(arguments);
  EXPECT_EQ(set_back.exit_code, 2);
  EXPECT_THAT(set_back.output,
              StartsWith("TAMPERED: the database was set back to an older state: the log was verified"));
  EXPECT_EQ(content_of(state), verified);
}

// What http-api.md tells clients to keep.
TEST(AuditVerify, TakesAKeptCheckpointAndAFileThatACrashTore) {
  const auto note = file_of("kept-checkpoint", audit_database({"checkpoint"}).output);
  const Ended kept = audit_database({"verify", "--checkpoints", note});
  EXPECT_EQ(kept.exit_code, 0) << kept.output;
  EXPECT_THAT(kept.output, HasSubstr("5 in the database, 1 outside it"));
  const Ended torn = audit_database({"verify", "--checkpoints", file_of("torn", log().log.published().substr(0, 60))});
  EXPECT_EQ(torn.exit_code, 0) << torn.output;
  EXPECT_THAT(torn.output, HasSubstr("1 checkpoint outside could not be read"));

  const audit::NoteSigner stranger = audit::NoteSigner::generate("tenon/0123456789abcdef");
  const audit::Checkpoint theirs{.origin = "tenon/0123456789abcdef", .size = 3, .root = audit::empty_root()};
  for (const std::string& content : {published_line(theirs, stranger), stranger.sign(theirs.text())}) {
    const Ended other = audit_database({"verify", "--checkpoints", file_of("theirs", content)});
    EXPECT_EQ(other.exit_code, 2);
    EXPECT_THAT(other.output, StartsWith("TAMPERED: no published checkpoint is signed by the key"));
    EXPECT_THAT(other.output, HasSubstr("theirs"));
  }
}

TEST(AuditVerify, ExitsWith1WhenItCannotBeCarriedOut) {
  const std::vector<std::vector<std::string>> cases = {
      {"verify", "--database-url", "host=/nowhere dbname=x"},
      {"verify", "--data-dir", log().folder.path()},
      {"verify", "--key", "nonsense", "--database-url", shared_cluster().edge("audited")},
      {"check", log().published},
  };
  for (const auto& arguments : cases) {
    const Ended ended = audit(arguments);
    EXPECT_EQ(ended.exit_code, 1) << arguments.front() << ended.output;
    EXPECT_THAT(ended.errors, StartsWith("tenon: "));
  }
}

// What the parser refuses, too: who looks at the code alone must not take a mistyped option for anything else.
TEST(AuditCommand, ExitsWith1WhenTheCommandLineMakesNoSense) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"nonsense"},
      {"verify", "--nonsense"},
      {"verify", "--state"},
      {"verify", "--connections", "0"},
      {"verify", "--checkpoints", "/nowhere"},
      {"prove"},
  };
  for (const auto& arguments : cases) {
    const Ended ended = audit(arguments);
    EXPECT_EQ(ended.exit_code, 1) << testing::PrintToString(arguments) << ended.output;
    EXPECT_THAT(ended.errors, testing::Not(IsEmpty())) << testing::PrintToString(arguments);
  }
  EXPECT_EQ(audit({"--help"}).exit_code, 0);
  EXPECT_EQ(run_tenon({"--version"}).exit_code, 0);
}

TEST(AuditVerify, AnotherKeyThanTheLogsIsFoundOut) {
  const std::string other = audit::NoteSigner::generate("tenon/0123456789abcdef").verifier().text();
  const Ended ended = audit({"verify", "--database-url", shared_cluster().edge("audited"), "--key", other});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.output, StartsWith("TAMPERED: the database says that its log is signed by"));
}

TEST(AuditProve, EveryProofHoldsForUsAndForAStrangerWithNothingButTheKeyAndThePage) {
  const std::string key = log().log.signer().verifier().text();
  for (const std::size_t leaf : {0, 1, 255, 256, 511, 698, 699}) {
    const std::string id = std::to_string(log().log.keys()[leaf].id);
    const Ended proved = audit_database({"prove", id});
    ASSERT_EQ(proved.exit_code, 0) << proved.errors;
    const auto file = file_of("proof-" + std::to_string(leaf), proved.output);

    const Ended ours = audit({"check", file, "--key", key});
    EXPECT_EQ(ours.exit_code, 0) << ours.errors;
    EXPECT_THAT(ours.output, HasSubstr("\"id\":\"" + id + "\""));
    const Ended theirs = run_checker(key, file);
    EXPECT_EQ(theirs.exit_code, 0) << theirs.output;
    EXPECT_THAT(theirs.output, HasSubstr("leaf " + std::to_string(leaf) + " of 700\nid " + id + "\n"));
  }
}

TEST(AuditProve, NeitherOfUsBelievesAProofThatWasBent) {
  const std::string key = log().log.signer().verifier().text();
  const std::string good = audit_database({"prove", std::to_string(log().log.keys()[300].id)}).output;
  std::vector<std::string> bent;
  for (const std::string line :
       {"extra ", "index ", "\n\ntenon/0123456789abcdef\n", "\u2014 tenon/0123456789abcdef "}) {
    std::string text = good;
    char& changed = text[text.find(line) + line.size()];
    changed = changed == '1' ? '2' : '1';
    bent.push_back(text);
  }
  std::string shorter = good;
  const std::size_t hash = shorter.find("=\n", shorter.find("index ")) + 2;
  shorter.erase(hash, shorter.find('\n', hash) - hash + 1);
  bent.push_back(shorter);
  for (const std::string& text : bent) {
    const auto file = file_of("bent", text);
    EXPECT_EQ(audit({"check", file, "--key", key}).exit_code, 2) << text;
    EXPECT_NE(run_checker(key, file).exit_code, 0) << text;
  }
  const std::string other = audit::NoteSigner::generate("tenon/0123456789abcdef").verifier().text();
  EXPECT_EQ(audit({"check", file_of("good", good), "--key", other}).exit_code, 2);
  EXPECT_NE(run_checker(other, file_of("good", good)).exit_code, 0);
}

TEST(AuditProve, ByAnEarlierCheckpointAndForNoEntryThatItDoesNotHold) {
  const std::uint64_t size = log().log.sizes()[1];
  const Ended inside =
      audit_database({"prove", std::to_string(log().log.keys()[size - 1].id), "--size", std::to_string(size)});
  EXPECT_EQ(inside.exit_code, 0);
  EXPECT_THAT(inside.output, HasSubstr("\n" + std::to_string(size) + "\n"));
  const Ended beyond =
      audit_database({"prove", std::to_string(log().log.keys()[size].id), "--size", std::to_string(size)});
  EXPECT_EQ(beyond.exit_code, 2);
  EXPECT_THAT(beyond.errors, HasSubstr("is not sealed yet"));
  EXPECT_THAT(audit_database({"prove", "7"}).errors, HasSubstr("there is no entry 7"));
}

TEST(AuditProve, ATileThatIsMissingIsATreeThatWasNotSigned) {
  const std::string last = std::to_string(log().log.keys()[690].id);
  query(shared_cluster().superuser("postgres"), "DROP DATABASE IF EXISTS tile_missing");
  query(shared_cluster().superuser("postgres"), "CREATE DATABASE tile_missing TEMPLATE audited");
  Session session(shared_cluster().superuser("tile_missing"));
  session.script("SET session_replication_role = replica; DELETE FROM tenon.audit_tiles WHERE level = 1");
  const std::vector<std::string> database = {"--database-url", shared_cluster().edge("tile_missing"), "--key",
                                             log().key};
  for (std::vector<std::string> arguments : {std::vector<std::string>{"prove", last}, {"consistency", "300"}}) {
    arguments.insert(arguments.end(), database.begin(), database.end());
    const Ended ended = audit(arguments);
    EXPECT_EQ(ended.exit_code, 2) << ended.errors;
    EXPECT_THAT(ended.errors, HasSubstr("verify the log"));
  }
}

TEST(AuditCommand, SaysWhenItsOutputIsNotWritten) {
  const std::string id = std::to_string(log().log.keys()[5].id);
  ChildProgram full({"/bin/sh", "-c", "exec \"$0\" \"$@\" > /dev/full", TENON_BINARY, "audit", "prove", id,
                     "--database-url", shared_cluster().edge("audited"), "--key", log().key},
                    log().folder.path() / "errors");
  EXPECT_EQ(full.await_end(std::chrono::seconds(30)), 1);
  EXPECT_THAT(full.errors(), HasSubstr("the output could not be written"));
}

TEST(AuditConsistency, IsProvedBetweenAnyTwoSizes) {
  const auto& sizes = log().log.sizes();
  const Ended proved = audit_database({"consistency", std::to_string(sizes[0]), std::to_string(sizes[2])});
  EXPECT_EQ(proved.exit_code, 0) << proved.errors;
  EXPECT_THAT(proved.output, StartsWith("old " + std::to_string(sizes[0]) + "\n"));
  EXPECT_THAT(proved.output, HasSubstr("\n\ntenon/0123456789abcdef\n" + std::to_string(sizes[2]) + "\n"));
  EXPECT_EQ(audit_database({"consistency", "17"}).exit_code, 0);
  EXPECT_EQ(audit_database({"consistency", "0"}).exit_code, 0);
  EXPECT_EQ(audit_database({"consistency", "701"}).exit_code, 2);
  EXPECT_EQ(audit_database({"consistency", "1", "3"}).exit_code, 2) << "no checkpoint is of size 3";
}

TEST(AuditCheckpoint, IsPrintedAsItWasSigned) {
  const Ended newest = audit_database({"checkpoint"});
  EXPECT_EQ(newest.exit_code, 0);
  const auto checkpoint = audit::open_checkpoint(log().log.signer().verifier(), newest.output);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->size, entries);
  EXPECT_EQ(audit({"key", "--database-url", shared_cluster().edge("audited")}).output,
            log().log.signer().verifier().text() + "\n");
}

TEST(AuditExport, WritesEveryEntryOnceInTheOrderOfLeaves) {
  const Ended ended = audit_database({"export"});
  EXPECT_EQ(ended.exit_code, 0) << ended.errors;
  std::istringstream lines(ended.output);
  std::string line;
  std::uint64_t leaf = 0;
  for (; std::getline(lines, line); ++leaf) {
    const auto entry = audit::parse_export_line(line);
    ASSERT_TRUE(entry) << line;
    EXPECT_EQ(entry->leaf, leaf);
    EXPECT_EQ(audit::key_of(*audit::parse_leaf(entry->bytes)), log().log.keys()[leaf]);
  }
  EXPECT_EQ(leaf, entries);
}

TEST(AuditExport, GoesOnWhereItWasInterrupted) {
  const std::string whole = audit_database({"export"}).output;
  const std::size_t cut = whole.find("\"leaf\":\"400\"") + 90;  // in the middle of a line
  const auto file = file_of("export", whole.substr(0, cut));
  EXPECT_EQ(audit_database({"export", "--output", file}).exit_code, 0);
  EXPECT_EQ(content_of(file), whole);
  EXPECT_EQ(audit_database({"export", "--output", file}).exit_code, 0);
  EXPECT_EQ(content_of(file), whole) << "nothing came meanwhile";
  EXPECT_EQ(audit_database({"export", "--after", "698"}).output, whole.substr(whole.find("{\"leaf\":\"699\"")));
}

TEST(AuditExport, LeavesAFileAloneThatIsNoExport) {
  for (const std::string content : {"{\"a\":1}", "{\"a\":1}\n", "something\nelse", "\n"}) {
    const auto file = file_of("foreign", content);
    const Ended ended = audit_database({"export", "--output", file});
    EXPECT_EQ(ended.exit_code, 1) << content;
    EXPECT_THAT(ended.errors, HasSubstr("is not an export"));
    EXPECT_EQ(content_of(file), content);
  }
  const std::string whole = audit_database({"export"}).output;
  for (const std::size_t torn : {0U, 5U, 30U}) {  // in its first line
    const auto file = file_of("torn-export", whole.substr(0, torn));
    EXPECT_EQ(audit_database({"export", "--output", file}).exit_code, 0);
    EXPECT_EQ(content_of(file), whole);
  }
}

TEST(AuditExport, FiltersAndRefusesWhatIsNoFilter) {
  const Ended some = audit_database({"export", "--actor", "clerk-3", "--action", "CREATE_ITEM"});
  EXPECT_EQ(some.exit_code, 0);
  std::istringstream lines(some.output);
  std::string line;
  std::size_t count = 0;
  for (; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, HasSubstr("\"actor\":\"clerk-3\""));
    EXPECT_THAT(line, HasSubstr("\"action\":\"CREATE_ITEM\""));
  }
  EXPECT_EQ(std::to_string(count), query_value(log().conninfo,
                                               "SELECT count(*) FROM audit_logs WHERE actor = 'clerk-3' "
                                               "AND action = 'CREATE_ITEM'"));
  EXPECT_THAT(audit_database({"export", "--from", "2030-01-01T00:00:00Z"}).output, IsEmpty());
  EXPECT_EQ(audit_database({"export", "--from", "tomorrow"}).exit_code, 1);
  EXPECT_EQ(audit_database({"export", "--entity", "chair"}).exit_code, 1);
}

// A month is detached after it was sealed: its leaves are vouched for by the tree alone, or by its export.
TEST(AuditVerify, ADetachedMonthIsVerifiedByTheTreeOrByItsExport) {
  const std::string whole = audit_database({"export"}).output;
  query(shared_cluster().superuser("postgres"), "DROP DATABASE IF EXISTS detached");
  query(shared_cluster().superuser("postgres"), "CREATE DATABASE detached TEMPLATE audited");
  Session session(shared_cluster().superuser("detached"));
  session.script("SET session_replication_role = replica; SET timezone = 'UTC'");
  session.script(
      "INSERT INTO tenon.audit_retired (name, from_at, to_at, first_id, last_id, entries, at) "
      "SELECT 'audit_logs_2025_12', '2025-12-01', '2026-01-01', min(id), max(id), count(*), now() "
      "FROM audit_logs WHERE at < '2026-01-01'");
  session.script("DELETE FROM audit_logs WHERE at < '2026-01-01'");
  const std::vector<std::string> arguments = {"verify", "--database-url", shared_cluster().edge("detached"), "--key",
                                              log().key};
  const Ended by_tree = audit(arguments);
  EXPECT_EQ(by_tree.exit_code, 0) << by_tree.output;
  EXPECT_THAT(by_tree.output, HasSubstr("leaves of detached months: checked by their hashes alone"));
  EXPECT_THAT(by_tree.output, HasSubstr("audit_logs_2025_12 is said to be detached, with "));

  const auto with_export = [&](const std::string& lines) {
    std::vector<std::string> more = arguments;
    more.insert(more.end(), {"--exported", file_of("month", lines)});
    return audit(more);
  };
  std::string month;
  std::string rest;
  std::istringstream lines(whole);
  for (std::string line; std::getline(lines, line);) {
    (line.substr(line.find("\"at\":") + 6) < "2026" ? month : rest) += line + "\n";
  }
  ASSERT_GT(rest.size(), 0U);
  const std::string leaves_gone = std::to_string(std::ranges::count(month, '\n')) + " leaves of detached months";
  const std::string detached = shared_cluster().edge("detached");
  const Ended exported = audit({"export", "--database-url", detached});
  EXPECT_EQ(exported.exit_code, 0) << exported.errors;
  EXPECT_EQ(exported.output, rest);
  EXPECT_THAT(exported.errors, HasSubstr(leaves_gone + " have no entries"));
  EXPECT_THAT(by_tree.output, HasSubstr(leaves_gone));
  const Ended from = audit({"export", "--database-url", detached, "--from", "2026-01-01T00:00:00Z"});
  EXPECT_EQ(from.exit_code, 0) << from.errors;
  EXPECT_EQ(from.output, rest);
  const Ended after = audit({"export", "--database-url", detached, "--after", "10"});
  EXPECT_EQ(after.exit_code, 0) << after.errors;
  EXPECT_EQ(after.output, rest);
  const Ended by_export = with_export(month);
  EXPECT_EQ(by_export.exit_code, 0) << by_export.output;
  EXPECT_THAT(by_export.output, HasSubstr("700 entries hashed"));

  // What is in the database as well, or in another file, counts once.
  const Ended by_all = with_export(whole);
  EXPECT_EQ(by_all.exit_code, 0) << by_all.output;
  EXPECT_THAT(by_all.output, HasSubstr("700 entries hashed"));
  std::vector<std::string> twice = arguments;
  twice.insert(twice.end(), {"--exported", file_of("once", month), "--exported", file_of("again", whole)});
  EXPECT_THAT(audit(twice).output, HasSubstr("700 entries hashed"));

  std::string bent = month;
  bent.replace(bent.find("clerk-"), 6, "thief-");
  EXPECT_EQ(with_export(bent).exit_code, 2);
  EXPECT_EQ(with_export(month.substr(month.find('\n') + 1)).exit_code, 2) << "a line is missing";
  EXPECT_EQ(with_export("{}\n").exit_code, 1);

  session.script("DELETE FROM audit_logs WHERE id = (SELECT max(id) FROM audit_logs WHERE id < " +
                 std::to_string(log().log.keys()[600].id) + ")");
  EXPECT_EQ(audit(arguments).exit_code, 2) << "what is not of the month may not be missing";
}

}  // namespace
}  // namespace tenon::test
