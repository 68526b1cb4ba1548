// What every program but the tests' own is linked with: nothing can be switched.
#include "base/test_switch.hpp"

namespace tenon::test_switch {

const bool armed = false;

bool is_on(Mutant) noexcept { return false; }
void strike(Step) {}

}  // namespace tenon::test_switch
