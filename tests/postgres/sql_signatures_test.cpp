// Nonces and signing keys as the database holds them: what runs, what is refused, and what is remembered for how long.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>
#include <map>
#include <random>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

struct SignedSale {
  Envelope envelope;
  std::string item;
  int nonce = 0;    // 0: not signed
  int attempt = 0;  // 0: another one each time
  std::string key = uuid_of(900);
  std::string created = "now()";  // SQL
};

class SqlSignatures : public SqlTest {
 protected:
  SqlSignatures() {
    edge_.script("SELECT tenon.ensure_signature_window('40 s')");
    add_key(900, "clerk");
    make_item(uuid_of(1), 1'000'000);
  }

  void add_key(int number, const std::string& user) {
    meddle("INSERT INTO signing_keys (id, user_id, algorithm, material, label) VALUES ('" + uuid_of(number) + "', '" +
           user + "', 'ed25519', 'x', '')");
  }

  // "origin status [problem]" of each, joined by "|".
  std::string sell(Session& session, const std::vector<SignedSale>& sales) {
    std::vector<std::vector<std::string>> columns(9);
    for (const SignedSale& sale : sales) {
      const auto uuid = [](const std::string& text) { return "'" + text + "'::uuid"; };
      const std::string cells[] = {uuid(sale.envelope.claim),
                                   "'" + sale.envelope.user + "'",
                                   "'" + sale.envelope.key + "'",
                                   fmt::format("decode(repeat('{:02x}', 32), 'hex')", sale.envelope.fingerprint),
                                   uuid(sale.item),
                                   sale.nonce == 0 ? "NULL" : uuid(uuid_of(5000 + sale.nonce)),
                                   sale.nonce == 0     ? "NULL"
                                   : sale.attempt != 0 ? uuid(uuid_of(7000 + sale.attempt))
                                                       : "gen_random_uuid()",
                                   sale.nonce == 0 ? "NULL" : uuid(sale.key),
                                   sale.nonce == 0 ? "NULL" : sale.created};
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(cells[i]);
    }
    const auto array = [&](std::size_t i, const char* type) {
      return fmt::format("ARRAY[{}]::{}[]", fmt::join(columns[i], ","), type);
    };
    const std::string n = std::to_string(sales.size());
    const auto same = [&](const char* value) { return fmt::format("array_fill({}, ARRAY[{}])", value, n); };
    return value(session, "SELECT string_agg(concat_ws(' ', o, s, p), '|' ORDER BY k) FROM decrement_stock_signed(" +
                              array(0, "uuid") + "," + same("'sale'::text") + "," + array(1, "text") + "," +
                              array(2, "text") + "," + array(3, "bytea") + "," + same("60") + "," +
                              same("'staff'::text") + "," + same("'request'::text") + "," + array(4, "uuid") + "," +
                              same("1") + "," + same("NULL::jsonb") + "," + array(5, "uuid") + "," + array(6, "uuid") +
                              "," + array(7, "uuid") + "," + array(8, "timestamptz") +
                              ") AS r, unnest(r.origins, r.statuses, r.problems) WITH ORDINALITY AS u (o, s, p, k)");
  }
  std::string sell(const SignedSale& sale) { return sell(edge_, {sale}); }

  [[nodiscard]] std::string sold() { return value(superuser_, "SELECT sum(quantity_sold) FROM inventory"); }
};

constexpr const char* ran = "0 200";
constexpr const char* stored = "1 200";
constexpr const char* replayed = "0 401 signature_replayed";
constexpr const char* expired = "0 401 signature_expired";
constexpr const char* invalid = "0 401 signature_invalid";

TEST_F(SqlSignatures, AreUsedOnceAndACopyIsRefusedBeforeItsStoredAnswerIsLookedFor) {
  const SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1};
  EXPECT_EQ(sell(sale), ran);
  EXPECT_EQ(sell(sale), replayed);
  SignedSale fresh = sale;
  fresh.nonce = 2;
  EXPECT_EQ(sell(fresh), stored) << "an honest retry";
  fresh.nonce = 3;
  fresh.envelope.fingerprint = 0xbb;
  EXPECT_EQ(sell(fresh), "2") << "another payload";
  EXPECT_EQ(sold(), "1");
  EXPECT_EQ(
      lines(superuser_,
            "SELECT action, entity_kind, actor, role, idempotency_key, entity_id = (SELECT id FROM signature_replays),"
            " after::json ->> 'signing_key' FROM audit_logs WHERE action <> 'STOCK_DECREMENT'"),
      "SIGNATURE_REPLAYED|signature_replay|clerk|staff|" + sale.envelope.key + "|t|" + sale.key + "\n");
}

TEST_F(SqlSignatures, OfOneCommandSayNothingAboutItsNeighbours) {
  const SignedSale first{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1};
  ASSERT_EQ(sell(first), ran);
  SignedSale late{.envelope = envelope(3), .item = uuid_of(1), .nonce = 3, .created = "now() - interval '41 s'"};
  const std::vector<SignedSale> batch{{.envelope = envelope(2), .item = uuid_of(1)},
                                      first,
                                      late,
                                      {.envelope = envelope(4), .item = uuid_of(1), .nonce = 4},
                                      {.envelope = envelope(5), .item = uuid_of(1), .nonce = 4},
                                      {.envelope = envelope(6), .item = uuid_of(99), .nonce = 6}};
  EXPECT_EQ(sell(edge_, batch),
            std::string(ran) + "|" + replayed + "|" + expired + "|" + ran + "|" + replayed + "|0 404 not_found");
  EXPECT_EQ(sold(), "3");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM signature_replays"), "2");
  EXPECT_EQ(sell(batch[5]), replayed) << "a refusal has used its nonce too";
  EXPECT_EQ(sell(edge_, {first, first}), std::string(replayed) + "|" + replayed) << "nothing left to run";
}

TEST_F(SqlSignatures, AreKnownAgainWhenTheNodeItselfSendsThemAgain) {
  SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .attempt = 1};
  EXPECT_EQ(sell(sale), ran);
  EXPECT_EQ(sell(sale), stored);
  sale.attempt = 2;
  EXPECT_EQ(sell(sale), replayed);
  sale.attempt = 1;
  EXPECT_EQ(sell(sale), stored) << "a copy takes nothing over";
  EXPECT_EQ(sold(), "1");
}

// The connection dies after a COMMIT that came just in time, and the node sends the command again just too late.
TEST_F(SqlSignatures, AreKnownAgainThoughTheirWindowHasClosedMeanwhile) {
  SignedSale sale{
      .envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .attempt = 1, .created = "now() - interval '25 s'"};
  ASSERT_EQ(sell(sale), ran);
  age("25 s");
  sale.created = "now() - interval '50 s'";
  const std::string ends = value(superuser_, "SELECT expires_at FROM signature_nonces");
  EXPECT_EQ(sell(sale), stored);
  EXPECT_EQ(value(superuser_, "SELECT expires_at >= '" + ends + "' FROM signature_nonces"), "t");
  sale.attempt = 2;
  EXPECT_EQ(sell(sale), expired) << "a copy";
  sale.attempt = 1;
  EXPECT_EQ(sell(sale), stored);
  EXPECT_EQ(sold(), "1");
}

TEST_F(SqlSignatures, AreKnownAgainThoughTheirKeyWasRevokedMeanwhile) {
  SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .attempt = 1};
  ASSERT_EQ(sell(sale), ran);
  meddle("UPDATE signing_keys SET revoked_at = now()");
  EXPECT_EQ(sell(sale), stored);
  SignedSale copy = sale;
  copy.attempt = 2;
  EXPECT_EQ(sell(copy), invalid);
  EXPECT_EQ(sell(edge_, {copy, sale}), std::string(invalid) + "|" + stored);
  EXPECT_EQ(sold(), "1");
}

TEST_F(SqlSignatures, AreKnownAgainInABatchInWhichACopyStandsBeforeThem) {
  const SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .attempt = 1};
  ASSERT_EQ(sell(sale), ran);
  SignedSale copy = sale;
  copy.attempt = 2;
  EXPECT_EQ(sell(edge_, {copy, sale}), std::string(replayed) + "|" + stored);
}

TEST_F(SqlSignatures, OfAKeyThatDoesNotCountAreRefusedAndUseNoNonceUp) {
  add_key(901, "somebody-else");
  add_key(902, "clerk");
  add_key(903, "clerk");
  meddle("UPDATE signing_keys SET revoked_at = now() WHERE id = '" + uuid_of(902) +
         "'; UPDATE signing_keys SET created_at = now() - interval '1 h', expires_at = now() - interval '1 s'"
         " WHERE id = '" +
         uuid_of(903) + "'");
  for (const int key : {901, 902, 903, 999}) {
    EXPECT_EQ(sell({.envelope = envelope(key), .item = uuid_of(1), .nonce = key, .key = uuid_of(key)}), invalid) << key;
  }
  EXPECT_EQ(sold(), "0");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM signature_nonces"), "0");
}

TEST_F(SqlSignatures, EndWithTheWindowByTheDatabasesClockWhateverTheNodeSays) {
  const auto at = [](int number, const std::string& ago) {
    return SignedSale{
        .envelope = envelope(number), .item = uuid_of(1), .nonce = number, .created = "now() - interval '" + ago + "'"};
  };
  EXPECT_EQ(sell(at(1, "38 s")), ran);
  EXPECT_EQ(sell(at(2, "41 s")), expired);
  EXPECT_EQ(sell(at(3, "1 day")), expired);
  SignedSale nowhere = at(4, "0");
  nowhere.created = "NULL";
  EXPECT_EQ(sell(nowhere), expired);
}

TEST_F(SqlSignatures, AreRememberedUntilTheirWindowHasClosedAndForgottenAMinuteLater) {
  SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1};
  ASSERT_EQ(sell(sale), ran);
  EXPECT_EQ(value(superuser_, "SELECT expires_at - now() BETWEEN '35 s' AND '40 s' FROM signature_nonces"), "t");
  age("41 s");
  EXPECT_EQ(value(edge_, "SELECT tenon.forget_nonces()"), "0");
  age("60 s");
  EXPECT_EQ(value(edge_, "SELECT tenon.forget_nonces()"), "1");
  EXPECT_EQ(value(edge_, "SELECT tenon.forget_nonces()"), "0");
}

TEST_F(SqlSignatures, MayUseANonceAgainOnceItsWindowHasClosedThoughItsRowIsThere) {
  ASSERT_EQ(sell({.envelope = envelope(1), .item = uuid_of(1), .nonce = 1}), ran);
  age("41 s");
  EXPECT_EQ(sell({.envelope = envelope(2), .item = uuid_of(1), .nonce = 1}), ran);
  EXPECT_EQ(sell({.envelope = envelope(2), .item = uuid_of(1), .nonce = 1}), replayed);
}

// What was promised to be remembered for 40 seconds must not come again because the window is longer by now.
TEST_F(SqlSignatures, OfBeforeALongerWindowKeepTheShorterOne) {
  SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .created = "now() - interval '38 s'"};
  ASSERT_EQ(sell(sale), ran);
  age("120 s");
  edge_.script("SELECT tenon.forget_nonces(); SELECT tenon.ensure_signature_window('300 s')");
  sale.created = "now() - interval '158 s'";
  EXPECT_EQ(sell(sale), expired);
  age("130 s");
  sale.envelope = envelope(2);
  sale.created = "now() - interval '5 s'";
  EXPECT_EQ(sell(sale), ran);
  age("200 s");
  sale.created = "now() - interval '205 s'";
  EXPECT_EQ(sell(sale), replayed);
  edge_.script("SELECT tenon.ensure_signature_window('50 s')");
  EXPECT_EQ(sell(sale), replayed) << "never lowered";
  EXPECT_EQ(refusal_of([&] { edge_.script("SELECT tenon.ensure_signature_window('2 days')"); }), "22023");
}

// Whether a signature was made before the raise is told from what its client wrote, whose clock may be ahead.
TEST_F(SqlSignatures, MadeByAClockThatIsAheadBeforeALongerWindowKeepTheShorterOneToo) {
  for (const int ahead : {4, 59}) {
    SignedSale sale{.envelope = envelope(ahead),
                    .item = uuid_of(1),
                    .nonce = ahead,
                    .created = fmt::format("now() + interval '{} s'", ahead)};
    ASSERT_EQ(sell(sale), ran);
    age("2 s");
    edge_.script(ahead == 4 ? "SELECT tenon.ensure_signature_window('300 s')"
                            : "SELECT tenon.ensure_signature_window('1 h')");
    age("200 s");
    sale.created = fmt::format("now() - interval '{} s'", 202 - ahead);
    EXPECT_EQ(sell(sale), expired) << ahead;
  }
  EXPECT_EQ(sold(), "2");
}

// A transaction that began meanwhile goes by the window of before; half a minute, here, for the other one's COMMIT.
TEST_F(SqlSignatures, TakenWhileALongerWindowIsNotSeenYetKeepTheShorterOne) {
  Session raising = connect_edge();
  raising.script("BEGIN; SELECT tenon.ensure_signature_window('300 s')");
  SignedSale sale{.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .created = "now() + interval '59 s'"};
  ASSERT_EQ(sell(sale), ran);
  raising.script("COMMIT");
  meddle("UPDATE tenon.signature_rules SET raised_at = raised_at - interval '30 s'");
  age("170 s");
  sale.created = "now() - interval '111 s'";
  EXPECT_EQ(sell(sale), expired);
}

TEST_F(SqlSignatures, MadeMoreThanAMinuteAheadOfTheDatabasesClockAreRefused) {
  EXPECT_EQ(sell({.envelope = envelope(1), .item = uuid_of(1), .nonce = 1, .created = "now() + interval '58 s'"}), ran);
  EXPECT_EQ(sell({.envelope = envelope(2), .item = uuid_of(1), .nonce = 2, .created = "now() + interval '1 h'"}),
            expired);
  EXPECT_EQ(sell({.envelope = envelope(3), .item = uuid_of(1), .nonce = 3, .created = "now() + interval '75 s'"}),
            expired);
  EXPECT_EQ(sold(), "1");
}

// Two nodes, one copy each, at the same time: the second waits for the first to end, and how it ends decides.
TEST_F(SqlSignatures, SentToTwoNodesAtOnceRunOnOneOfThem) {
  for (const bool commits : {true, false}) {
    const SignedSale sale{.envelope = envelope(commits ? 1 : 2), .item = uuid_of(1), .nonce = commits ? 1 : 2};
    Session other = connect_edge();
    edge_.script("BEGIN");
    ASSERT_EQ(sell(edge_, {sale}), ran);
    auto second = std::async(std::launch::async, [&] { return sell(other, {sale}); });
    while (value(superuser_, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "0") {
      ASSERT_EQ(second.wait_for(std::chrono::milliseconds(5)), std::future_status::timeout) << "it did not wait";
    }
    edge_.script(commits ? "COMMIT" : "ROLLBACK");
    EXPECT_EQ(second.get(), commits ? replayed : ran);
  }
  EXPECT_EQ(sold(), "2");
}

TEST_F(SqlSignatures, OfARegisteredOperationAreHeldToTheSame) {
  const auto restock = [&](int number, int nonce) {
    return value(edge_, fmt::format("SELECT concat_ws(' ', r.origins[1], r.statuses[1], r.problems[1]) FROM "
                                    "tenon.execute_signed('increment_stock',"
                                    " ARRAY['{}'::uuid], ARRAY['s'], ARRAY['clerk'], ARRAY['k{}'], ARRAY[sha256('x')], "
                                    "ARRAY[60], ARRAY['admin'],"
                                    " ARRAY['r'], ARRAY['{{\"id\":\"{}\",\"increment\":1}}'::jsonb], "
                                    "ARRAY['{}'::uuid], ARRAY[gen_random_uuid()],"
                                    " ARRAY['{}'::uuid], ARRAY[now()]) AS r",
                                    uuid_of(number), number, uuid_of(1), uuid_of(5000 + nonce), uuid_of(900)));
  };
  EXPECT_EQ(restock(1, 1), ran);
  EXPECT_EQ(restock(1, 1), replayed);
  EXPECT_EQ(restock(1, 2), stored);
  EXPECT_EQ(value(superuser_, "SELECT quantity_available FROM inventory"), "1000001");
}

// The walks of tests/unit/signature/replay_model_test.cpp, some of them, through the SQL itself. One tick is ten
// seconds.
TEST_F(SqlSignatures, TakeTheWaysOfTheModel) {
  constexpr int ends = 4;      // W + s, in ticks
  constexpr int lifetime = 6;  // of a key: 60 s
  std::random_device entropy;
  const unsigned seed = entropy();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  std::map<std::string, int> outcomes;
  int number = 0;
  for (int walk = 0; walk < 60; ++walk) {
    struct Made {
      int created;
      std::uint8_t payload;
      int nonce;
      bool known;
    };
    std::vector<Made> made;
    const Envelope key = envelope(1000 + walk);
    int now = 0;
    int key_until = -1;
    std::uint8_t key_payload = 0;
    for (int step = 0; step < 14; ++step) {
      const unsigned choice = random() % 8;
      if (choice == 0) {
        const int ticks = random() % 3 == 0 ? 4 : 1;
        age(std::to_string(10 * ticks) + " s");
        now += ticks;
        continue;
      }
      if (choice == 1) {
        edge_.script("SELECT tenon.forget_nonces()");
        continue;
      }
      if (choice <= 3 || made.empty()) {
        made.push_back({now, static_cast<std::uint8_t>(random() % 3 == 0 ? 0xbb : 0xaa), 10'000 + ++number, false});
        if (choice == 3) continue;  // held back
      }
      Made& sent = made[random() % made.size()];
      std::string expected;
      if (sent.created + ends <= now) {
        expected = expired;
      } else if (sent.known) {
        expected = replayed;
      } else {
        sent.known = true;
        const bool live = key_until > now;
        expected = !live ? ran : key_payload == sent.payload ? stored : "2";
        if (!live) {
          key_until = now + lifetime;
          key_payload = sent.payload;
        }
      }
      SignedSale sale{.envelope = key, .item = uuid_of(1), .nonce = sent.nonce};
      sale.envelope.fingerprint = sent.payload;
      // Half a tick: the test itself takes its time.
      sale.created = fmt::format("now() - interval '{} s'", 10 * (now - sent.created) + 5);
      ASSERT_EQ(sell(sale), expected) << "walk " << walk << ", step " << step;
      ++outcomes[expected];
    }
  }
  for (const char* outcome : {ran, stored, "2", replayed, expired}) EXPECT_GT(outcomes[outcome], 0) << outcome;
}

}  // namespace
}  // namespace tenon::test
