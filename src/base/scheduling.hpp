// How the kernel is to schedule a thread that serves many at once.
#pragma once

namespace tenon {

// When the calling thread is woken, it lets whoever runs on its core go on, for a time slice at most (SCHED_BATCH,
// sched(7)): clients on the same machine get to send more requests before they are served together, and PostgreSQL is
// not stopped in the middle of a batch. An idle core is taken at once, as ever. Threads and processes that the thread
// starts from then on inherit it. Where the kernel refuses, nothing changes but the speed.
void yield_to_others_when_woken() noexcept;

}  // namespace tenon
