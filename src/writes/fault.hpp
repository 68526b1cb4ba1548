// What an error of the database says about whose fault it is, by its SQLSTATE.
#pragma once

#include <cstdint>
#include <string_view>

namespace tenon::writes {

// In all but `command` nothing of the commands themselves is at fault; in all of them nothing of them took effect.
enum class Fault : std::uint8_t {
  collision,    // a key was stored on another node meanwhile
  contention,   // serialization failure, deadlock, lock timeout, statement timeout
  demoted,      // read-only: a primary that was demoted under us
  unavailable,  // resources (disk full, too many connections), operator intervention, system error
  command
};
[[nodiscard]] Fault classify(std::string_view sqlstate) noexcept;

}  // namespace tenon::writes
