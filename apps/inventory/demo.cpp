#include "inventory/demo.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "safeguards/idempotency/key.hpp"

namespace tenon::inventory {
namespace {

struct Piece {
  std::string_view name;
  std::int64_t price;  // of the plainest one
};

constexpr std::array<Piece, 10> pieces{{{"Chair", 89},
                                        {"Armchair", 349},
                                        {"Table", 420},
                                        {"Bench", 180},
                                        {"Bookcase", 260},
                                        {"Desk", 390},
                                        {"Bed", 640},
                                        {"Stool", 59},
                                        {"Sideboard", 520},
                                        {"Wardrobe", 780}}};
constexpr std::array<std::string_view, 5> woods{"Oak", "Walnut", "Ash", "Beech", "Cherry"};
constexpr std::array<std::string_view, 4> lines{"Mortise", "Dovetail", "Bridle", "Finger"};
constexpr std::array<std::string_view, 5> origins{"Sweden", "Italy", "Denmark", "Japan", "Vermont"};
static_assert(pieces.size() * woods.size() * lines.size() == demo_pieces);

}  // namespace

std::vector<writes::Call> demo_catalogue(const Operations& operations) {
  std::vector<writes::Call> calls;
  for (std::size_t n = 0; n < demo_pieces; ++n) {
    const Piece& piece = pieces[n % pieces.size()];
    const std::size_t wood = n / pieces.size() % woods.size();
    const std::size_t line = n / pieces.size() / woods.size();
    const std::string name = std::string(woods[wood]) + " " + std::string(piece.name) + " " + std::string(lines[line]);
    const std::int64_t price = piece.price + static_cast<std::int64_t>(wood * 20 + line * 45);
    const std::int64_t quantity = 20 + static_cast<std::int64_t>(n * 37 % 180);
    calls.push_back(
        {.operation = &operations.create_item,
         .arguments = {R"({"name":")" + name + R"(","origin":")" + std::string(origins[(n + line) % origins.size()]) +
                       R"(","price":)" + std::to_string(price) + R"(.00,"image_url":"/images/)" +
                       std::to_string(n + 1) + R"(.jpg","quantity_available":)" + std::to_string(quantity) + "}"},
         .affinity = 0});
  }
  return calls;
}

boost::asio::awaitable<void> seed_demo(boost::asio::io_context& here, writes::Writer& writer,
                                       const Operations& operations) {
  writes::Call list{.operation = &operations.list_items,
                    .arguments = {std::monostate{}, std::monostate{}, std::monostate{}, std::int64_t{1}},
                    .affinity = 0};
  const auto first = co_await writer.read(here, std::move(list), monotonic_now() + limits::request_deadline);
  if (!first) throw std::runtime_error("cannot read the inventory: " + render(first.error()));
  if (first->body.find("\"items\":[]") == std::string::npos) co_return;
  std::size_t number = 0;
  for (writes::Call& call : demo_catalogue(operations)) {
    writes::Envelope envelope{.claim = {},
                              .scope = "demo",
                              .user = "demo",
                              .key = "piece-" + std::to_string(++number),
                              .lifetime_seconds = 60,
                              .role = "admin",
                              .request_id = "demo"};
    envelope.claim = safeguards::claim_of(envelope.scope, envelope.user, envelope.key);
    const auto made =
        co_await writer.write(here, std::move(call), std::move(envelope), monotonic_now() + limits::request_deadline);
    if (!made) throw std::runtime_error("cannot seed the demo: " + render(made.error()));
  }
}

}  // namespace tenon::inventory
