// The furniture catalogue that --demo sells from.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "inventory/operations.hpp"
#include "writes/writer.hpp"

namespace tenon::inventory {

inline constexpr std::size_t demo_pieces = 200;

// One create_item call a piece; the same names and prices every time.
[[nodiscard]] std::vector<writes::Call> demo_catalogue(const Operations& operations);

// Creates them all when the inventory is empty, through the same road as everybody's writes, so that each piece has its
// audit entry. All arguments outlive it. Throws std::runtime_error when the database refuses.
[[nodiscard]] boost::asio::awaitable<void> seed_demo(boost::asio::io_context& here, writes::Writer& writer,
                                                     const Operations& operations);

}  // namespace tenon::inventory
