#include "business/fields.hpp"
#include "crime/handlers.hpp"
#include "crime/own_list.hpp"

namespace tenon::crime {
namespace {

using business::Presence;
using service::Arguments;
using service::Incoming;
using writes::Call;

constexpr std::array<std::string_view, 5> methods{"Shell", "CashBiz", "Crypto", "TradeBased", "Counterfeit"};
constexpr std::int64_t throughput_max = 1'000'000'000'000;
constexpr std::int64_t latency_days_max = 36'500;

}  // namespace

Result<Call> list_channels(const Operations& op, const Incoming& in) { return own_list(op.list_channels, in); }

Result<Call> create_channel(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  json::ObjectReader reader(**object, violations);
  Arguments arguments;
  business::add_nullable_text(reader, arguments, "companyId", business::person_rule);
  business::add_choice(reader, arguments, "method", methods, Presence::required);
  business::add_integer(reader, arguments, "throughputCap", 1, throughput_max, Presence::required);
  business::add_percent(reader, arguments, "feePercent", Presence::required);
  business::add_integer(reader, arguments, "latencyDays", 0, latency_days_max, Presence::required);
  business::add_percent(reader, arguments, "detectionRisk", Presence::required);
  reader.refuse_unknown();
  return service::registered_call(op.create_channel, 0, arguments, violations);
}

}  // namespace tenon::crime
