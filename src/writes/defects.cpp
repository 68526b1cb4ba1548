#include "writes/defects.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace tenon::writes::defects {

using enum test_switch::Mutant;

void forget_key(Command& command) {
  if (!test_switch::on(retry_under_new_key)) return;
  command.envelope.claim = random_uuid();
  command.envelope.key = "node:" + command.envelope.claim.text();
}

void drop_reply(const std::vector<std::shared_ptr<Command>>& batch, std::vector<Reply>& replies) {
  if (!test_switch::on(lane_drops_reply)) return;
  const auto sent_again = [](const std::shared_ptr<Command>& command) { return command->uncertain; };
  if (std::ranges::any_of(batch, sent_again)) std::ranges::rotate(replies, replies.begin() + 1);
}

std::string read_conninfo(std::string conninfo) {
  constexpr std::string_view primary = "target_session_attrs=read-write";
  const std::size_t at = conninfo.find(primary);
  if (!test_switch::on(replica_reads) || at == std::string::npos) return conninfo;
  return conninfo.replace(at, primary.size(), "target_session_attrs=standby");
}

std::int32_t clock_ahead_seconds() {
  timespec real{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);  // a clock that was made to jump for this process stands in libc
  const auto seen = std::chrono::duration_cast<std::chrono::seconds>(wall_now().time_since_epoch());
  return static_cast<std::int32_t>(seen.count() - real.tv_sec);
}

}  // namespace tenon::writes::defects
