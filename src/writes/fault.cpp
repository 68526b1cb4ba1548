#include "writes/fault.hpp"

namespace tenon::writes {

Fault classify(std::string_view sqlstate) noexcept {
  if (sqlstate == "TN001") return Fault::collision;
  if (sqlstate.starts_with("40") || sqlstate == "55P03" || sqlstate == "57014") return Fault::contention;
  if (sqlstate == "25006") return Fault::demoted;
  if (sqlstate.starts_with("53") || sqlstate.starts_with("57") || sqlstate.starts_with("58")) return Fault::unavailable;
  return Fault::command;
}

}  // namespace tenon::writes
