// Many editors of one business at the same moment: what each was told is what happened, and nobody's change is lost.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "service/business.hpp"

namespace tenon::test {
namespace {

// The counter: taxRate in hundredths, "0.07" is 7.
int counter_of(const Node& node, const std::string& id) {
  return std::stoi(node.ask("SELECT (tax_rate * 100)::integer FROM businesses WHERE id = $1", {id}));
}

std::string raised(const std::string& tax_rate) {
  const int hundredths = static_cast<int>(std::stod(tax_rate) * 100 + 0.5) + 1;
  const std::string cents = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (cents.size() == 1 ? ".0" : ".") + cents;
}

// A change of what was read, with a token of what was read.
enum class Token { member, header, tag, weak_tag, http_date };
ApiCall change_of(const ApiCall& read, const RawResponse& seen, Token token) {
  ApiCall change = read;
  change.method = "PATCH";
  std::string members = R"("taxRate":)" + raised(at(seen.body, "taxRate"));
  const std::string version = at(seen.body, "version");
  const std::string tag = seen.header("ETag").value_or("");
  switch (token) {
    case Token::member:
      members += R"(,"version":)" + version;
      break;
    case Token::header:
      change.headers.emplace_back("If-Match-Version", version);
      break;
    case Token::tag:
      change.headers.emplace_back("If-Match", tag.substr(2));
      break;
    case Token::weak_tag:
      change.headers.emplace_back("If-Match", tag);
      break;
    case Token::http_date:
      change.headers.emplace_back("If-Unmodified-Since", seen.header("Last-Modified").value_or(""));
      break;
  }
  change.body = "{" + members + "}";
  return change;
}

struct Counted {
  std::atomic<int> successes = 0;
  std::atomic<int> refusals = 0;
  std::atomic<int> others = 0;
  void count(int status) { ++(status == 200 ? successes : status == 409 ? refusals : others); }
};

constexpr int editors = 50;
constexpr int attempts_max = 2000;

// Each of them reads and changes until a change succeeds.
void edit_until_success(const Node& a, const Node& b, const std::string& id, Counted& counted) {
  const ApiCall read = as(a, "owner", "GET", "/api/business/" + id);
  std::barrier start(editors);
  std::vector<std::thread> threads;
  for (int i = 0; i < editors; ++i) {
    threads.emplace_back([&, i] {
      Talker talker(i % 2 == 0 ? a : b);
      start.arrive_and_wait();
      for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const RawResponse answer = talker.call(change_of(read, talker.call(read), static_cast<Token>(i % 4)));
        counted.count(answer.status);
        if (answer.status != 409) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LostUpdate, DoesNotHappenToFiftyEditorsOnTwoNodes) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string id = id_of(make_business(node, "owner"));
  Counted counted;
  edit_until_success(node, second, id, counted);
  EXPECT_EQ(counted.successes, editors);
  EXPECT_EQ(counted.others, 0);
  EXPECT_GT(counted.refusals, 0) << "nobody was ever in anybody's way: nothing is shown";
  EXPECT_EQ(counter_of(node, id), counted.successes);
  EXPECT_EQ(audited(node, id), "CREATE_BUSINESS 1, UPDATE_BUSINESS 50");
  EXPECT_EQ(node.ask("SELECT version FROM businesses WHERE id = $1", {id}), "51");
}

// The same editors where tokens are not looked at: the test would see what it looks for.
TEST(LostUpdate, IsSeenWhenTokensAreNotChecked) {
  const Node careless;
  query(careless.superuser(),
        "CREATE OR REPLACE FUNCTION tenon.precondition_holds(precondition jsonb, version bigint, modified timestamptz, "
        "prior timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'");
  const std::string id = id_of(make_business(careless, "owner"));
  Counted counted;
  edit_until_success(careless, careless, id, counted);
  EXPECT_EQ(counted.successes, editors);
  EXPECT_LT(counter_of(careless, id), counted.successes);
}

// An HTTP-date tells seconds only. In each round the editors have Last-Modified and nothing else; between rounds the
// superuser moves the row's moments into the past, instead of waiting for the clock.
TEST(LostUpdate, DoesNotHappenToEditorsWhoHaveOnlyHttpDates) {
  constexpr int rounds = 25;
  const Node& node = shared_node();
  const std::string id = id_of(make_business(node, "owner"));
  const ApiCall read = as(node, "owner", "GET", "/api/business/" + id);
  Counted counted;
  for (int round = 0; round < rounds; ++round) {
    meddle(node, "UPDATE businesses SET updated_at = '2025-12-02 05:21:11.25Z'::timestamptz + " +
                     std::to_string(round) +
                     " * interval '3 s', prior_updated_at = '2025-12-02 05:21:09Z' WHERE id = '" + id + "'");
    const int before = counted.successes;
    std::barrier start(editors);
    std::vector<std::thread> threads;
    for (int i = 0; i < editors; ++i) {
      threads.emplace_back([&] {
        Talker talker(node);
        start.arrive_and_wait();
        for (int attempt = 0; attempt < 3; ++attempt) {
          counted.count(talker.call(change_of(read, talker.call(read), Token::http_date)).status);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(counted.successes, before) << "in each round the first one comes through";
    EXPECT_EQ(counter_of(node, id), counted.successes);
  }
  EXPECT_EQ(counted.others, 0);
  EXPECT_GT(counted.refusals, rounds);
  EXPECT_EQ(counted.successes + counted.refusals, rounds * editors * 3);
}

}  // namespace
}  // namespace tenon::test
