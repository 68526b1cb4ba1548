#include "base/scheduling.hpp"

#include <sched.h>

namespace tenon {

void yield_to_others_when_woken() noexcept {
  const sched_param no_priority{};
  (void)sched_setscheduler(0, SCHED_BATCH, &no_priority);
}

}  // namespace tenon
