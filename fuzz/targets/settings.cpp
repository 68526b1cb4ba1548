// What people write: tenon.toml, addresses, durations. Wrong ones are refused in words.
#include <CLI/CLI.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "fuzz/target.hpp"
#include "http/listen_address.hpp"
#include "node/duration.hpp"
#include "node/toml_config.hpp"
#include "redis/address.hpp"

namespace tenon::fuzz {
namespace {

// A sentence, not a crash: what a start of the program shows.
template <class Read>
void check_refusal(Read read) {
  try {
    read();
  } catch (const std::runtime_error& error) {
    check(std::string_view(error.what()) != "", "a refusal says why");
  }
}

}  // namespace

void settings(std::string_view input);
void settings(std::string_view input) {
  check_refusal([&] {
    std::vector<LimitSetting> limits;
    std::istringstream file{std::string(input)};
    const std::vector<CLI::ConfigItem> items = TomlConfig(limits, [] { return "tenon.toml"; }).from_config(file);
    for (std::size_t i = 0; i < items.size(); i += 2) {
      check(i + 1 < items.size() && items[i].name == items[i + 1].name && items[i].inputs == items[i + 1].inputs &&
                items[i].parents != items[i + 1].parents,
            "each of the two commands is told the same");
    }
    for (const LimitSetting& setting : limits)
      check(!setting.values.empty() || setting.key == "routes", "a limit's key has a value");
  });
  check_refusal([&] { check(parse_duration(std::string(input)).count() >= 0, "a duration is not negative"); });
  check_refusal([&] { static_cast<void>(http::listen_address(input)); });
  if (const auto address = redis::parse_address(input)) {
    check(!address->endpoints.empty(), "an address has a host");
    const std::string shown = address->describe();
    check(address->password.size() < 8 || shown.find(address->password) == std::string::npos ||
              input.find(address->password) != input.rfind(address->password),
          "a password is not shown");
  } else {
    check(!address.error().empty(), "a refusal says why");
  }
}

}  // namespace tenon::fuzz
