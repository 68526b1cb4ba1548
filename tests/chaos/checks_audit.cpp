#include <fmt/format.h>

#include "chaos/checks.hpp"
#include "postgres/session.hpp"
#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::seconds;

constexpr seconds sealing_patience{30};  // it takes about a second
constexpr seconds verify_patience{900};

}  // namespace

void check_audit_tree(const Evidence& evidence, Findings& findings) {
  findings.begin("sealed_in_time", "entries");
  postgres::Session session(evidence.superuser);
  std::string entries;
  std::string sealed;
  const auto all_sealed = [&] {
    const postgres::Rows rows = session.execute(
        "SELECT (SELECT count(*) FROM audit_logs), coalesce((SELECT max(size) FROM tenon.audit_checkpoints), 0)");
    entries = rows.text(0, 0);
    sealed = rows.text(0, 1);
    return entries == sealed;
  };
  const bool in_time = comes_true(sealing_patience, all_sealed);
  findings.checked(std::stoull(entries));
  if (!in_time) findings.violation(fmt::format("{} of {} entries are sealed", sealed, entries));
  findings.begin("audit_tree", "sealed entries");
  findings.checked(std::stoull(sealed));
  std::vector<std::string> arguments{evidence.tenon, "audit", "verify", "--database-url", evidence.superuser, "--json"};
  for (const std::filesystem::path& file : evidence.checkpoints) {
    if (!std::filesystem::exists(file)) continue;
    arguments.insert(arguments.end(), {"--checkpoints", file.string()});
  }
  const test::TemporaryFolder folder;
  arguments.insert(arguments.end(), {"--state", folder.path() / "verified"});
  test::ChildProgram verify(arguments, folder.path() / "errors");
  const auto code = verify.await_end(verify_patience);
  if (code != 0)
    findings.violation(
        fmt::format("tenon audit verify ended with {}: {}{}", code.value_or(-1), verify.output(), verify.errors()));
}

}  // namespace tenon::chaos
