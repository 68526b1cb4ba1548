// What a batch of sales must do, said a second time: one command after the other, in memory, with no SQL in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "postgres/sql_database.hpp"

namespace tenon::test {

struct DateToken {
  std::int64_t at;     // microseconds since 1970
  std::int64_t grain;  // microseconds
};

struct Tokens {
  std::vector<std::int64_t> versions = {};
  std::vector<DateToken> dates = {};
  [[nodiscard]] std::string as_json() const;
};

struct PlannedSale {
  Envelope envelope;
  std::string item;
  std::int64_t quantity = 1;
  std::optional<Tokens> tokens = std::nullopt;
  [[nodiscard]] Sale sale() const;
};

class Reference {
 public:
  struct Item {
    std::string head;  // the part of its JSON that no sale changes
    std::int64_t available = 0;
    std::int64_t sold = 0;
    std::int64_t version = 1;
    std::int64_t changed = 0;           // microseconds
    std::optional<std::int64_t> prior;  // the change before that

    bool operator==(const Item&) const = default;
  };
  struct Entry {  // of the audit log
    std::string item;
    std::string action;
    std::string actor;
    std::string request_id;
    std::string key;
    std::string before;
    std::string after;

    bool operator==(const Entry&) const = default;
  };

  std::map<std::string, Item> items;
  std::map<std::int64_t, Entry> entries;  // by id

  // Whether every command of the batch is fresh, without a token, and fits: what the set-based statement is for.
  [[nodiscard]] bool is_usual(const std::vector<PlannedSale>& batch) const;

  // Compares the answer with what must be, and does what the command did. Moments come from the answer: that they grow
  // is checked, what they are is the database's.
  void follow(const PlannedSale& sale, const Answer& answer);

  [[nodiscard]] bool knows(const std::string& claim) const { return stored_.contains(claim); }
  [[nodiscard]] std::vector<std::string> claims() const;
  [[nodiscard]] std::uint8_t fingerprint_of(const std::string& claim) const { return stored_.at(claim).fingerprint; }
  void forget(const std::string& claim) { stored_.erase(claim); }
  void age(std::int64_t microseconds);  // all moments were that much earlier; what has expired by that is forgotten
  [[nodiscard]] std::size_t known() const noexcept { return stored_.size(); }

 private:
  struct Stored {
    std::uint8_t fingerprint;
    Answer answer;
  };

  void follow_stored(const PlannedSale& sale, const Answer& answer) const;
  void follow_refusal(const Answer& answer, int status, const std::string& problem, const std::string& body,
                      const Item* shown) const;
  void follow_sale(const PlannedSale& sale, Item& item, const Answer& answer);

  std::map<std::string, Stored> stored_;
};

}  // namespace tenon::test
