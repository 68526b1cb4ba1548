// Where a whole node's checkpoints go beside its data directory, while such a place is away, and when it is back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <thread>

#include "service/inventory.hpp"
#include "support/node.hpp"
#include "support/tls_server.hpp"

namespace tenon::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Until it is so, for up to a minute.
bool await(const std::function<bool()>& so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// Of a signed note: its second line. 0: it is none.
std::uint64_t size_of(const std::string& note) {
  const std::size_t line = note.find('\n');
  std::uint64_t size = 0;
  if (line != std::string::npos) std::from_chars(note.data() + line + 1, note.data() + note.size(), size);
  return size;
}

// What the places have.
struct Places {
  const Certificates certificates;
  TlsServer server{certificates};
  TemporaryFolder folder;
  fs::path there = folder.path() / "checkpoints";
  fs::path away = folder.path() / "away";

  Places() { fs::create_directory(there); }
  [[nodiscard]] std::vector<std::string> arguments() const {
    return {"--checkpoint-to", server.url() + "/log?of=ours",
            "--checkpoint-ca", certificates.authority(),
            "--checkpoint-to", there};
  }
  [[nodiscard]] std::uint64_t server_has() const {
    const auto accepted = server.accepted();
    return accepted.empty() ? 0 : size_of(accepted.back().body);
  }
  [[nodiscard]] std::uint64_t folder_has() const {
    return fs::exists(there / "checkpoint") ? size_of(content_of(there / "checkpoint")) : 0;
  }
  void lose() {
    server.answer(503);
    fs::rename(there, away);
  }
  void mend() {
    server.answer(204);
    fs::rename(away, there);
  }
};

std::uint64_t entries_of(const Node& node) { return std::stoull(node.ask("SELECT count(*) FROM audit_logs")); }

// All that is sealed, once that is all that there is.
std::uint64_t sealed(const Node& node) {
  (void)await([&node] {
    return node.ask("SELECT max(size) = (SELECT count(*) FROM audit_logs) FROM tenon.audit_checkpoints") == "t";
  });
  return std::stoull(node.ask("SELECT max(size) FROM tenon.audit_checkpoints"));
}

TEST(CheckpointPlaces, GetTheNewestInOrderAndAfterTheyWereAwayNothingIsMissing) {
  Places places;
  Node node({.arguments = places.arguments()});
  const std::string item = make_item(node, 100, "Published");
  ASSERT_EQ(node.call(sell(node, item, 1, "before")).status, 200);
  const std::uint64_t before = sealed(node);
  ASSERT_TRUE(await([&] { return places.server_has() == before && places.folder_has() == before; })) << node.log();
  EXPECT_EQ(places.server.accepted().back().method, "POST");
  EXPECT_EQ(places.server.accepted().back().target, "/log?of=ours");

  places.lose();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(node.call(sell(node, item, 1, "away-" + std::to_string(i))).status, 200);
  ASSERT_TRUE(await([&] { return places.server.refused() > 0; })) << node.log();
  const std::uint64_t meanwhile = sealed(node);
  EXPECT_EQ(meanwhile, entries_of(node)) << "sealing goes on";
  EXPECT_EQ(places.server_has(), before);
  ASSERT_TRUE(await([&] { return node.log().find("it answered 503") != std::string::npos; })) << node.log();

  places.mend();
  ASSERT_EQ(node.call(sell(node, item, 1, "after")).status, 200);
  const std::uint64_t after = sealed(node);
  ASSERT_TRUE(await([&] { return places.server_has() == after && places.folder_has() == after; })) << node.log();

  std::uint64_t last = 0;
  for (const TlsServer::Seen& seen : places.server.accepted()) {
    const std::uint64_t size = size_of(seen.body);
    EXPECT_GE(size, last) << "a checkpoint after a newer one";
    last = size;
  }
  EXPECT_EQ(node.stop(), 0);
  // The file in the data directory has each that was sealed, whatever became of the other places.
  for (const fs::path& outside : {places.there, node.data_dir() / "audit-checkpoints"}) {
    const Ended verified = run_tenon({"audit", "verify", "--data-dir", node.data_dir(), "--checkpoints", outside});
    EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
    EXPECT_THAT(verified.output, HasSubstr(std::to_string(after) + " leaves"));
  }
}

TEST(CheckpointPlaces, OfAStrangerGetNothingAndTheNodeSaysSo) {
  const Certificates others;
  const Certificates ours;
  TlsServer server(others);
  Node node({.arguments = {"--checkpoint-to", server.url(), "--checkpoint-ca", ours.authority()}});
  make_item(node, 1, "Private");
  EXPECT_GT(sealed(node), 0U);
  ASSERT_TRUE(await([&] { return node.log().find("checkpoint_not_published") != std::string::npos; })) << node.log();
  EXPECT_THAT(node.log(), HasSubstr("certificate verify failed"));
  EXPECT_TRUE(server.accepted().empty());
}

}  // namespace
}  // namespace tenon::test
