#include "chaos/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "chaos/rooms.hpp"

namespace tenon::chaos {
namespace {

constexpr std::int64_t plenty = 1'000'000'000;
constexpr std::int64_t market_most = 1'000'000;
constexpr std::uint32_t mortal_items = 40'000;  // a few in a second, for hours
constexpr std::uint32_t mortal_window = 12;     // the newest ones, which all clients are after

}  // namespace

Workload::Workload(std::deque<Item>& items) : items_(items) {
  const auto add = [&](std::size_t count, Item::Use use, std::int64_t received,
                       Item::Place place = Item::Place::inventory) {
    for (std::size_t i = 0; i < count; ++i) {
      Item& item = items_.emplace_back();
      item.use = use;
      item.place = place;
      item.received = received;
    }
  };
  add(2, Item::Use::hot, plenty);
  add(30, Item::Use::uniform, plenty);
  add(6, Item::Use::scarce, 5);
  add(1, Item::Use::hot, market_most, Item::Place::market);
  add(6, Item::Use::scarce, 400, Item::Place::market);
  add(rooms.size(), Item::Use::hot, 0, Item::Place::room);
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    Item& room = items_[items_.size() - rooms.size() + i];
    room.id = rooms[i];
    room.made = true;
  }
  first_mortal_ = static_cast<std::uint32_t>(items_.size());
  next_mortal_ = first_mortal_;
  add(mortal_items, Item::Use::mortal, 0);
}

std::uint32_t Workload::one(Random& random, Item::Use use, Item::Place place) const {
  std::vector<std::uint32_t> fitting;
  for (std::uint32_t i = 0; i < first_mortal_; ++i) {
    if (items_[i].use == use && items_[i].place == place) fitting.push_back(i);
  }
  return random.one_of(fitting);
}

// Of those that were made lately, whether they still are or not.
void Workload::draw_on_mortal(Random& random, Call& call) {
  const std::uint32_t next = std::min(next_mortal_.load(), static_cast<std::uint32_t>(items_.size()));
  std::vector<std::uint32_t> made;
  for (std::uint32_t i = std::max(first_mortal_, next - std::min(next, mortal_window)); i < next; ++i) {
    if (items_[i].made) made.push_back(i);
  }
  if (made.empty()) return;
  const std::uint32_t item = random.one_of(made);
  const auto luck = random.below(100);
  if (luck < 30) {
    call.kind = Kind::remove;
    call.lines = {{item, 0}};
    if (random.chance(40)) call.expected = items_[item].version.load();
  } else if (luck < 75) {
    call.kind = Kind::sell;
    call.lines = {{item, random.between(1, 2)}};
  } else if (luck < 85) {
    call.kind = Kind::restock;
    call.lines = {{item, random.between(1, 5)}};
  } else {
    call.kind = Kind::edit;
    call.lines = {{item, random.between(1, 1'000'000)}};
    call.expected = items_[item].version.load();
  }
}

Call Workload::draw(Random& random, std::uint32_t client, const std::string& user, std::uint64_t& keys) {
  using Use = Item::Use;
  Call call{.client = client, .user = user};
  const auto luck = random.below(100);
  if (luck < 10) {
    call.lines = {{one(random,
                       luck < 5   ? Use::hot
                       : luck < 8 ? Use::scarce
                                  : Use::uniform,
                       luck == 0 ? Item::Place::market : Item::Place::inventory),
                   0}};
    if (luck == 9) {  // a mortal one: gone, as often as not
      Call other = call;
      draw_on_mortal(random, other);
      call.lines = {{other.lines.front().item, 0}};
    }
    return call;
  }
  // Two neighbours use the same texts as keys, each as a user of their own: they must not notice each other.
  call.key = fmt::format("pair-{}-{}", client / 2, keys++);
  if (luck < 12) {
    call.kind = Kind::create;
    call.lines = {{another_item, random.between(0, 100)}};
  } else if (luck < 14) {
    const std::uint32_t item = next_mortal_++;
    call.kind = Kind::create;
    call.lines = {{item < items_.size() ? item : another_item, random.between(0, 10)}};
  } else if (luck < 22) {
    call.kind = Kind::sell;
    call.lines = {{one(random, Use::uniform), 1}};
    draw_on_mortal(random, call);
  } else if (luck < 40) {
    call.kind = Kind::sell;
    call.lines = {{one(random, Use::hot), random.between(1, 3)}};
  } else if (luck < 54) {
    call.kind = Kind::sell;
    call.lines = {{one(random, Use::uniform), random.between(1, 3)}};
  } else if (luck < 64) {
    call.kind = Kind::sell;
    call.lines = {{one(random, Use::scarce), random.between(1, 4)}};
  } else if (luck < 69) {
    call.kind = Kind::purchase;
    call.lines = {{one(random, luck < 66 ? Use::hot : Use::scarce, Item::Place::market), random.between(1, 3)}};
  } else if (luck < 73) {
    call.kind = Kind::visit;
    call.lines = {{one(random, Use::hot, Item::Place::room), 1}};
  } else if (luck < 77) {
    call.kind = Kind::restock;
    call.lines = {{one(random, Use::scarce), random.between(1, 5)}};
  } else if (luck < 90) {
    call.kind = Kind::edit;
    call.lines = {{one(random, random.chance(50) ? Use::uniform : Use::scarce), random.between(1, 1'000'000)}};
    call.expected = items_[call.lines.front().item].version.load();
  } else {
    call.kind = Kind::order;
    call.lines = {{one(random, Use::hot), 1},
                  {one(random, random.chance(30) ? Use::scarce : Use::uniform), random.between(1, 2)}};
  }
  return call;
}

}  // namespace tenon::chaos
