// The sale in its two forms - set-based, and command by command - against one sequential model of what it must do.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "postgres/sql_database.hpp"
#include "postgres/sql_reference.hpp"

namespace tenon::test {
namespace {

enum class Path { set_based, command_by_command };

std::vector<Answer> sell_by(Path path, Session& session, const std::vector<PlannedSale>& batch) {
  if (path == Path::set_based) {
    std::vector<Sale> sales;
    for (const PlannedSale& planned : batch) sales.push_back(planned.sale());
    return sell(session, sales);
  }
  std::vector<Call> calls;
  for (const PlannedSale& planned : batch) {
    calls.push_back(
        {planned.envelope, R"({"id":")" + planned.item + R"(","decrement":)" + std::to_string(planned.quantity) +
                               (planned.tokens ? R"(,"precondition":)" + planned.tokens->as_json() : "") + "}"});
  }
  return execute(session, "decrement_item", calls);
}

std::uint64_t seed_of_this_run() {
  if (const char* given = std::getenv("TENON_TEST_SEED")) return std::stoull(given);
  return std::random_device{}();
}

// Batches of every mixture, and what happens between them: restocking, time that passes, partitions that turn.
class RandomShop {
 public:
  RandomShop(std::uint64_t seed, Reference& reference) : random_(seed), reference_(reference) {}

  std::uint64_t upto(std::uint64_t last) { return std::uniform_int_distribution<std::uint64_t>(0, last)(random_); }
  bool one_in(std::uint64_t n) { return upto(n - 1) == 0; }

  std::vector<PlannedSale> batch() {
    std::vector<PlannedSale> batch;
    const bool mixed = one_in(4);
    const std::uint64_t size = 1 + upto(11);
    const std::uint64_t odd_one = one_in(3) ? upto(size - 1) : size;  // one special command among plain ones
    while (batch.size() < size) {
      PlannedSale sale{.envelope = envelope(++last_key_), .item = uuid_of(1 + static_cast<int>(upto(3)))};
      sale.quantity = static_cast<std::int64_t>(1 + upto(mixed ? 8 : 1));
      if (mixed || batch.size() == odd_one) make_special(sale);
      const auto same = [&](const PlannedSale& other) { return other.envelope.claim == sale.envelope.claim; };
      if (std::ranges::none_of(batch, same)) batch.push_back(std::move(sale));
    }
    return batch;
  }

 private:
  void make_special(PlannedSale& sale) {
    if (one_in(8)) sale.item = uuid_of(99);  // nobody made that one
    if (one_in(3)) sale.tokens = tokens(sale.item);
    if (!one_in(3)) return;
    // A key that was used before: known still, or expired since.
    const auto back = static_cast<int>(upto(static_cast<std::uint64_t>(std::min(last_key_ - 1, 200))));
    sale.envelope = envelope(last_key_ - back);
    if (!reference_.knows(sale.envelope.claim)) return;
    sale.envelope.fingerprint = reference_.fingerprint_of(sale.envelope.claim);
    if (one_in(2)) sale.envelope.fingerprint ^= 1;
  }

  Tokens tokens(const std::string& id) {
    const auto found = reference_.items.find(id);
    if (found == reference_.items.end()) return {.versions = {1}, .dates = {}};
    const Reference::Item& item = found->second;
    constexpr std::array<std::int64_t, 3> grains{1, 1'000, 1'000'000};
    Tokens tokens;
    if (one_in(2)) tokens.versions.push_back(item.version + (one_in(3) ? 1 : 0));
    if (one_in(2) || tokens.versions.empty()) {
      const std::int64_t grain = grains[upto(2)];
      std::int64_t at = one_in(4) ? item.prior.value_or(item.changed) : item.changed;
      if (one_in(2)) at = at / grain * grain;  // as a date without the finer part reads
      tokens.dates.push_back({.at = at, .grain = grain});
    }
    return tokens;
  }

  std::mt19937_64 random_;
  Reference& reference_;
  int last_key_ = 0;
};

class SqlSalesAtRandom : public SqlTest {
 protected:
  Reference::Item read_item(const std::string& id) {
    const postgres::Rows rows = superuser_.execute(
        "SELECT head, quantity_available, quantity_sold, version,"
        " (extract(epoch FROM updated_at) * 1000000)::bigint, (extract(epoch FROM prior_updated_at) * 1000000)::bigint"
        " FROM inventory AS i WHERE id = $1::uuid AND quantity_available + quantity_sold = quantity_received",
        {id});
    if (rows.size() == 0) return {};
    const auto number = [&](int column) { return std::stoll(rows.text(0, column)); };
    return {.head = rows.text(0, 0),
            .available = number(1),
            .sold = number(2),
            .version = number(3),
            .changed = number(4),
            .prior = rows.get(0, 5) ? std::optional<std::int64_t>(number(5)) : std::nullopt};
  }

  std::map<std::int64_t, Reference::Entry> read_entries() {
    std::map<std::int64_t, Reference::Entry> entries;
    const postgres::Rows rows = superuser_.execute(
        "SELECT id, entity_id, action, actor, request_id, idempotency_key, before, after FROM audit_logs"
        " WHERE entity_kind = 'item' AND role = 'admin' AND action = 'STOCK_DECREMENT'");
    for (int row = 0; row < rows.size(); ++row) {
      entries[std::stoll(rows.text(row, 0))] = {rows.text(row, 1), rows.text(row, 2), rows.text(row, 3),
                                                rows.text(row, 4), rows.text(row, 5), rows.text(row, 6),
                                                rows.text(row, 7)};
    }
    return entries;
  }

  void expect_database_as(const Reference& reference) {
    for (const auto& [id, item] : reference.items) {
      const Reference::Item found = read_item(id);
      EXPECT_EQ(found, item) << id << ": found " << found.available << "/" << found.sold << " at version "
                             << found.version << ", expected " << item.available << "/" << item.sold << " at version "
                             << item.version;
    }
    EXPECT_EQ(value(superuser_, "SELECT count(*) FROM idempotency_keys WHERE expires_at > clock_timestamp()"),
              std::to_string(reference.known()));
  }

  // What happens between batches.
  void let_things_happen(RandomShop& shop, Reference& reference) {
    if (shop.one_in(3)) {
      const std::string id = uuid_of(1 + static_cast<int>(shop.upto(3)));
      const Answer answer = execute_one(
          edge_, "increment_stock",
          {.envelope = envelope(1'000'000 + ++restocks_), .arguments = R"({"id":")" + id + R"(","increment":40})"});
      Reference::Item& item = reference.items.at(id);
      item.available += 40;
      item.version += 1;
      item.prior = std::exchange(item.changed, answer.modified.value_or(0));
      superuser_.execute("DELETE FROM idempotency_keys WHERE key LIKE 'key-1______'");
    }
    if (shop.one_in(10) && reference.known() > 0) {  // one key expires before its time
      const std::vector<std::string> claims = reference.claims();
      const std::string claim = claims[shop.upto(claims.size() - 1)];
      superuser_.execute(
          "UPDATE idempotency_keys SET expires_at = clock_timestamp() - interval '1 s' WHERE claim = $1::uuid",
          {claim});
      reference.forget(claim);
    }
    if (shop.one_in(12)) {  // less than a key's lifetime
      age("700 milliseconds");
      reference.age(700'000);
    }
    if (shop.one_in(25)) {
      age("61 seconds");
      reference.age(61'000'000);
    }
    if (shop.one_in(5)) turns_ += value(edge_, "SELECT tenon.turn_key_generation()").empty() ? 0 : 1;
  }

  void run_random_batches(Path path, int batches) {
    const std::uint64_t seed = seed_of_this_run();
    SCOPED_TRACE("TENON_TEST_SEED=" + std::to_string(seed));
    std::cout << "TENON_TEST_SEED=" << seed << '\n';
    Reference reference;
    for (int n = 1; n <= 4; ++n) {
      make_item(uuid_of(n), 40, "Chair \"" + std::to_string(n) + "\"");
      reference.items[uuid_of(n)] = read_item(uuid_of(n));
    }
    RandomShop shop(seed, reference);
    int usual = 0;
    for (int n = 0; n < batches && !HasFailure(); ++n) {
      SCOPED_TRACE("batch " + std::to_string(n));
      const std::vector<PlannedSale> batch = shop.batch();
      usual += reference.is_usual(batch) ? 1 : 0;
      const std::vector<Answer> answers = sell_by(path, edge_, batch);
      ASSERT_EQ(answers.size(), batch.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        SCOPED_TRACE("command " + std::to_string(i));
        reference.follow(batch[i], answers[i]);
      }
      expect_database_as(reference);
      let_things_happen(shop, reference);
    }
    EXPECT_EQ(read_entries(), reference.entries);
    // A run in which nothing of one kind happened shows nothing of it.
    EXPECT_GE(usual, batches / 10);
    EXPECT_GE(batches - usual, batches / 10);
    std::cout << usual << " of " << batches << " batches were of the usual kind\n";
    EXPECT_GE(turns_, 1);
    EXPECT_GE(reference.entries.size(), static_cast<std::size_t>(batches));
  }

  int restocks_ = 0;
  int turns_ = 0;
};

TEST_F(SqlSalesAtRandom, SetBasedDoWhatTheSequentialModelDoes) { run_random_batches(Path::set_based, 300); }

TEST_F(SqlSalesAtRandom, CommandByCommandDoWhatTheSequentialModelDoes) {
  run_random_batches(Path::command_by_command, 200);
}

}  // namespace
}  // namespace tenon::test
