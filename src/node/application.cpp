#include <tenon/application.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "audit/proof_routes.hpp"
#include "audit/routes.hpp"
#include "node/command_line.hpp"

namespace tenon {
namespace {

// An allocation that fails could fail anywhere: between a change of two things that belong together too. What holds
// then is what holds when a node is killed, and that is tested (docs/decisions).
[[noreturn]] void end_without_memory() {
  constexpr std::string_view words = "out of memory: the program ends, so that it can be started again\n";
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

Application::Application(std::string name, std::string version, std::string description) {
  program_.name = std::move(name);
  program_.version = std::move(version);
  program_.description = std::move(description);
  audit::define_limits(program_.limits);
  add_routes(audit::routes(std::make_shared<const audit::Operations>()));
  add_routes(audit::proof_routes(std::make_shared<const audit::ProofOperations>()));
}

Application& Application::add_migration(std::string name, std::string sql) {
  program_.migrations.push_back(
      {.set = program_.name, .number = ++migrations_, .name = std::move(name), .sql = std::move(sql)});
  return *this;
}

Application& Application::add_route(service::Route route) {
  program_.routes.push_back(std::move(route));
  return *this;
}

Application& Application::add_routes(std::vector<service::Route> routes) {
  for (service::Route& route : routes) add_route(std::move(route));
  return *this;
}

Application& Application::add_seed(Program::Seed seed) {
  program_.seeds.push_back(std::move(seed));
  return *this;
}

Application& Application::set_greeting(std::string_view lines) {
  program_.greeting = lines;
  return *this;
}

int Application::run(int argc, char** argv) {
  std::set_new_handler(end_without_memory);
  try {
    return run_command_line(argc, argv, program_);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", program_.name.c_str(), failure.what());
    return 1;
  }
}

}  // namespace tenon
