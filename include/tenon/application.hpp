// A program of your own on Tenon's safety core: register routes, SQL and limits, and run it as `tenon` itself is run.
// examples/guestbook.cpp is a whole one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tenon/route.hpp>

#include "node/program.hpp"

namespace tenon {

class Application {
 public:
  // `name`: of the binary, and of its set of migrations; [a-z][a-z0-9_-]*, not "tenon" but for our own.
  Application(std::string name, std::string version, std::string description);

  // Schema changes, numbered in the order added; never edit one that was released. They run as tenon_owner, after ours.
  // An operation is a function (tenon.command, jsonb) RETURNS tenon.outcome, registered by tenon.register_operation
  // (sql/migrations/0004_operations.sql); grant tenon_edge no more than what its reads need.
  Application& add_migration(std::string name, std::string sql);

  // Named limits for the routes' policies; --limit changes them.
  [[nodiscard]] service::LimitsTable& limits() noexcept { return program_.limits; }

  Application& add_route(service::Route route);
  Application& add_routes(std::vector<service::Route> routes);
  Application& add_seed(Program::Seed seed);          // for --demo
  Application& set_greeting(std::string_view lines);  // for --demo

  // The command line: serve, migrate, token, keys, sign, audit, config check. Returns the exit code; what is wrong goes
  // to standard error.
  int run(int argc, char** argv);

 private:
  Program program_;
  int migrations_ = 0;
};

}  // namespace tenon
