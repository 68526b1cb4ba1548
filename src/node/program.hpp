// What a program adds to a node: its schema, its limits, its routes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "postgres/migrations.hpp"
#include "service/limits_table.hpp"
#include "service/route.hpp"
#include "writes/writer.hpp"

namespace tenon {

struct Program {
  // Fills an empty database for --demo, through the same road as everybody's writes. Must do nothing when there are
  // data.
  using Seed = std::function<boost::asio::awaitable<void>(boost::asio::io_context& here, writes::Writer& writer)>;

  std::string name;
  std::string version;
  std::string description;
  std::vector<postgres::Migration> migrations = postgres::embedded_migrations();  // ours first, then the program's own
  service::LimitsTable limits;
  std::vector<service::Route> routes;
  std::vector<Seed> seeds;
  std::string greeting;  // lines for --demo; "{TOKEN}" and "{BASE}" are filled in
};

}  // namespace tenon
