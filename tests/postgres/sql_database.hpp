// A migrated database for each test of the SQL contract, and batches of commands sent as a node sends them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace tenon::test {

using postgres::Session;

// Whose command, under which key. `fingerprint`: one byte, repeated 32 times.
struct Envelope {
  std::string claim;  // a UUID's text
  std::string key;
  std::string user = "clerk";
  std::uint8_t fingerprint = 0xaa;
  int lifetime_seconds = 60;

  bool operator==(const Envelope&) const = default;
};
[[nodiscard]] Envelope envelope(int number);  // a claim and a key of that number
[[nodiscard]] std::string uuid_of(int number);

// One sale for decrement_stock_atomic.
struct Sale {
  Envelope envelope;
  std::string item;
  std::optional<std::int64_t> quantity = 1;
  std::optional<std::string> precondition = std::nullopt;  // JSON
};

// One command of a registered operation.
struct Call {
  Envelope envelope;
  std::string arguments;  // JSON
};

struct Answer {
  std::optional<int> origin = std::nullopt;
  std::optional<int> status = std::nullopt;
  std::optional<std::string> problem = std::nullopt;
  std::optional<std::string> body = std::nullopt;
  std::optional<std::int64_t> version = std::nullopt;
  std::optional<std::int64_t> modified = std::nullopt;  // microseconds since 1970
  std::optional<std::string> location = std::nullopt;
  std::optional<std::int64_t> expires = std::nullopt;  // microseconds since 1970
  std::optional<std::int64_t> audit_id = std::nullopt;

  bool operator==(const Answer&) const = default;
};
void PrintTo(const Answer& answer, std::ostream* out);

// Both throw postgres::StatementError. One answer a command, in order.
[[nodiscard]] std::vector<Answer> sell(Session& session, std::span<const Sale> sales);
[[nodiscard]] std::vector<Answer> execute(Session& session, const std::string& operation, std::span<const Call> calls);
[[nodiscard]] Answer sell_one(Session& session, const Sale& sale);
[[nodiscard]] Answer execute_one(Session& session, const std::string& operation, const Call& call);

// As PostgreSQL reads an array: {"a","b",NULL}.
[[nodiscard]] std::string array_text(std::span<const std::optional<std::string>> elements);

// The SQLSTATE of what `work` throws; "accepted" when it throws nothing.
template <typename Work>
std::string refusal_of(Work work) {
  try {
    work();
  } catch (const postgres::StatementError& error) {
    return error.sqlstate();
  }
  return "accepted";
}

// The first column of the first row; empty for null or no row.
[[nodiscard]] std::string value(Session& session, const std::string& sql);

// The rows as lines, the columns joined with '|'.
[[nodiscard]] std::string lines(Session& session, const std::string& sql);

// A fresh database for each test. Its superuser may do what no node can: bend the clock's traces, break a trigger.
class SqlTest : public testing::Test {
 protected:
  SqlTest();

  [[nodiscard]] Session connect_edge() const { return Session(edge_conninfo_); }
  [[nodiscard]] Session connect_superuser() const { return Session(superuser_conninfo_); }

  // As the superuser, past every trigger: neither versions nor the audit log are asked.
  void meddle(const std::string& sql);

  // So made: an item with this stock, created a day ago, never changed since.
  void make_item(const std::string& id, std::int64_t available, const std::string& name = "Chair");

  // All that is told by a clock was told that much earlier: keys, generations and items grow older.
  void age(const std::string& interval);

  // As the superuser: each call of `function` raises from now on (a trigger before `event` on `table`).
  void break_table(const std::string& table, const std::string& event);

  std::string superuser_conninfo_;
  std::string edge_conninfo_;
  Session superuser_;
  Session edge_;
};

}  // namespace tenon::test
