// Work with a transaction in hand: how often it is called, and for whom it is signed.
#include "writes/transactions.hpp"

#include <gtest/gtest.h>

#include <array>

#include "postgres/awaiting.hpp"
#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::writes {
namespace {

namespace asio = boost::asio;
using test::query;
using test::query_value;
using test::shared_cluster;
using test::soon;

class ATransactionInHand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    (void)shared_cluster().make_database("in_hand");
    shared_cluster().migrate("in_hand");
    query(superuser(), "CREATE TABLE done (n bigint)");
    query(superuser(), "GRANT INSERT ON done TO tenon_edge");
  }
  ATransactionInHand() { query(superuser(), "TRUNCATE done"); }
  static std::string superuser() { return shared_cluster().superuser("in_hand"); }

  static Envelope envelope_of(const std::string& user) {
    return {.claim = random_uuid(), .scope = "test", .user = user, .key = "k", .role = "user", .request_id = "r"};
  }
  Reply run(const Envelope& envelope, const Execute& execute) {
    Result<Reply> reply = test::run(io_, transactions_.run(io_, envelope, execute, soon()));
    return reply ? *reply : Reply{.status = reply.error().status(), .problem = reply.error().code};
  }

  asio::io_context io_{1};
  std::array<asio::io_context*, 1> contexts_{&io_};
  Logger log_{"/dev/null", LogLevel::off};
  Transactions transactions_{contexts_, shared_cluster().edge("in_hand"), 4, log_};
};

asio::awaitable<Reply> note(std::int64_t n, bool give_up, postgres::Connection& transaction) {
  postgres::Parameters parameters;
  parameters.add(n);
  const Monotonic until = soon();
  (void)co_await transaction.execute("INSERT INTO done VALUES ($1)", parameters, until);
  if (give_up) {
    const std::string deadlock = "DO $$ BEGIN RAISE EXCEPTION 'a deadlock' USING ERRCODE = '40P01'; END $$";
    (void)co_await transaction.script(deadlock, until);
  }
  co_return Reply{.status = 200, .body = "{}"};
}

TEST_F(ATransactionInHand, IsHandedOutAgainAfterADeadlockAndCommitsOnce) {
  std::int64_t calls = 0;
  const Execute execute = [&](postgres::Connection& transaction) {
    ++calls;
    return note(calls, calls < 3, transaction);
  };
  EXPECT_EQ(run(envelope_of("ann"), execute).status, 200);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(query_value(superuser(), "SELECT array_agg(n) FROM done"), "{3}");
}

TEST_F(ATransactionInHand, IsSignedByTheCallerWhoeverItIsFor) {
  query(superuser(), "SELECT tenon.ensure_signature_window('60 s')");
  const Uuid key = random_uuid();
  // Past the triggers that want an entry of the audit log for it.
  postgres::Session(superuser())
      .script(
          "SET session_replication_role = replica; INSERT INTO signing_keys (id, user_id, algorithm, material, label) "
          "VALUES ('" +
          key.text() + "', 'ann', 'ed25519', 'x', '')");
  const Execute execute = [](postgres::Connection& transaction) { return note(1, false, transaction); };
  Envelope envelope = envelope_of("team:ann");
  envelope.signature =
      SignedBy{.user = "ann", .nonce = random_uuid(), .attempt = random_uuid(), .key = key, .created = wall_now()};
  EXPECT_EQ(run(envelope, execute).status, 200);
  Envelope copy = envelope;
  copy.signature->attempt = random_uuid();
  EXPECT_EQ(run(copy, execute).problem, ProblemCode::signature_replayed);
  EXPECT_EQ(query_value(superuser(), "SELECT actor FROM audit_logs WHERE action = 'SIGNATURE_REPLAYED'"), "ann");
  EXPECT_EQ(query_value(superuser(), "SELECT count(*) FROM done"), "1");
}

}  // namespace
}  // namespace tenon::writes
