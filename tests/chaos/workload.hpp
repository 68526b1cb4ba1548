// What the clients do, drawn from chance: which call comes next, of which item.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "chaos/history.hpp"
#include "chaos/random.hpp"

namespace tenon::chaos {

// Of the inventory, on the black market, or a room that is visited. `id` is written once, before `made`, and read by
// all once it is made.
struct Item {
  enum class Use : std::uint8_t {
    hot,
    uniform,
    scarce,  // runs out
    mortal,  // made by a client while others wait for it, sold, edited, and soon deleted
  } use = Use::uniform;
  enum class Place : std::uint8_t { inventory, market, room } place = Place::inventory;
  std::string id = {};
  std::int64_t received = 0;
  std::atomic<bool> made = false;
  std::atomic<std::int64_t> version{1};  // the newest that any client heard of
};

// Thread-safe.
class Workload {
 public:
  // Fills `items`, which outlives it and stays as long as it is then: those to begin with, and room for those to come.
  explicit Workload(std::deque<Item>& items);
  // `keys`: the client's count of keys, which neighbours share as texts.
  [[nodiscard]] Call draw(Random& random, std::uint32_t client, const std::string& user, std::uint64_t& keys);

 private:
  [[nodiscard]] std::uint32_t one(Random& random, Item::Use use, Item::Place place = Item::Place::inventory) const;
  void draw_on_mortal(Random& random, Call& call);

  std::deque<Item>& items_;
  std::uint32_t first_mortal_ = 0;
  std::atomic<std::uint32_t> next_mortal_;
};

}  // namespace tenon::chaos
