// Memory that is refused and sockets that break, in a node under load. It may answer 5xx, close connections, or die and
// be started again. It may not run a command twice, say that something is done which is not, or leave a client waiting.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "service/inventory.hpp"
#include "support/faulty_node.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;

constexpr int calls_at_once = 8;
constexpr int sales_wanted = 64;
constexpr int rounds_max = 60;
constexpr seconds patience{40};  // three times what a node takes at most, on a machine that is busy

// Whoever asks again later must find what was stored: keys outlive the test, however slow the machine.
Node& healthy_node() {
  static Node node({.arguments = {"--key-lifetime", "1h"}});
  return node;
}

struct Outcome {
  ApiCall call;
  int status = 0;  // of the last answer; 0: the connection was lost
  std::string body = {};
};

// One try of each, all at once. Fails the test when one is neither answered nor cut.
void try_all(const Node& node, std::span<Outcome> outcomes) {
  std::vector<std::optional<RawClient>> clients;
  for (const Outcome& outcome : outcomes) {
    clients.emplace_back();
    try {
      clients.back().emplace(node.port(), patience);
      clients.back()->send(bytes_of(outcome.call));
    } catch (const RawClientError&) {
      clients.back().reset();  // it has died
    }
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i].status = 0;
    if (!clients[i]) continue;
    try {
      const RawResponse answer = clients[i]->read();
      outcomes[i].status = answer.status;
      outcomes[i].body = answer.body;
    } catch (const RawClientError& error) {
      ASSERT_FALSE(std::string_view(error.what()).contains("in time")) << "a client is left waiting";
    }
  }
}

// What a node writes into its log when a call of the network failed.
bool tells_of_a_fault(const Node& node) {
  const std::string log = node.log();
  return log.contains("accept_failed") || log.contains("batch_unanswered") || log.contains("lane_disconnected");
}

struct Fault {
  const char* name;
  const char* point;
  int one_in;
  int error;
};

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, LoseNoAcknowledgedSaleRunNoneTwiceAndKeepNobodyWaiting) {
  const Fault& fault = GetParam();
  const Node& healthy = healthy_node();
  const std::string item = make_item(healthy, 100'000);
  FaultyNode faulty(healthy, {"--threads", "2", "--key-lifetime", "1h"});
  bool armed = faulty.fail(fault.point, fault.one_in, fault.error);
  std::vector<Outcome> all;
  int struck = 0, deaths = 0;
  bool seen = false;
  for (int round = 0; round < rounds_max && (all.size() < sales_wanted || !seen); ++round) {
    std::vector<Outcome> outcomes(calls_at_once);
    for (Outcome& outcome : outcomes) outcome.call = sell(healthy, item, 1);
    for (int tries = 0; tries < 2; ++tries) {
      ASSERT_NO_FATAL_FAILURE(try_all(faulty.node(), outcomes));
      for (const Outcome& outcome : outcomes) struck += outcome.status == 200 ? 0 : 1;
      if (faulty.revive()) {
        ++deaths;
        armed = false;
      }
      if (!armed) armed = faulty.fail(fault.point, fault.one_in, fault.error);
    }
    seen = seen || struck > 0 || tells_of_a_fault(faulty.node());
    all.insert(all.end(), outcomes.begin(), outcomes.end());
  }
  EXPECT_TRUE(seen) << "void: the fault was not seen to strike";

  int acknowledged = 0;
  for (const Outcome& outcome : all) {
    const RawResponse settled = healthy.call(outcome.call, patience);
    EXPECT_EQ(settled.status, 200) << settled.body;
    if (outcome.status != 200) continue;
    ++acknowledged;
    EXPECT_EQ(settled.header("Idempotency-Status"), "replayed") << "it was told that this is done";
    EXPECT_EQ(settled.body, outcome.body);
  }
  const int sales = static_cast<int>(all.size());
  EXPECT_EQ(stock_of(healthy, item), (Stock{.available = 100'000 - sales, .sold = sales, .entries = sales}));
  fmt::print("{}: {} sales, {} answers that were none or no success, {} acknowledged, {} times the node died\n",
             fault.name, sales, struck, acknowledged, deaths);
}

INSTANTIATE_TEST_SUITE_P(Injected, Faults,
                         testing::Values(Fault{"memory", "libc/mm/*", 2000, ENOMEM},
                                         Fault{"receiving", "posix/io/net/recv*", 15, ECONNRESET},

                                         Fault{"accepting_without_descriptors", "posix/io/net/accept", 4, EMFILE},
                                         Fault{"accepting_what_was_given_up", "posix/io/net/accept", 4, ECONNABORTED},
                                         Fault{"the_network", "posix/io/net/*", 80, ECONNRESET}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FaultsFromTheFirstInstructionOn, LetANodeStartOrEndButNotHang) {
  const Fault faults[] = {{"memory", "libc/mm/*", 3'000, ENOMEM},
                          {"opening files", "posix/io/oc/open", 3, EMFILE},
                          {"connecting", "posix/io/net/connect", 2, ECONNREFUSED}};
  for (const Fault& fault : faults) {
    EXPECT_NE(FaultyNode::start_failing(healthy_node(), fault.point, fault.one_in, fault.error),
              FaultyNode::Start::hangs)
        << fault.name;
  }
}

TEST(FaultsFromTheFirstInstructionOn, EndANodeThatCannotDoWithoutWhatFails) {
  const Fault faults[] = {{"memory", "libc/mm/*", 100, ENOMEM},
                          {"opening files", "posix/io/oc/open", 1, EMFILE},
                          {"connecting", "posix/io/net/connect", 1, ECONNREFUSED}};
  for (const Fault& fault : faults) {
    EXPECT_EQ(FaultyNode::start_failing(healthy_node(), fault.point, fault.one_in, fault.error),
              FaultyNode::Start::ended)
        << fault.name;
  }
}

}  // namespace
}  // namespace tenon::test
