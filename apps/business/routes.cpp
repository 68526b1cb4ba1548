#include "business/routes.hpp"

#include "business/handlers.hpp"

namespace tenon::business {

using http::Method;
using service::Need;
using service::Route;
namespace roles = service::roles;

void define_limits(service::LimitsTable& limits) {
  limits.define("business-create", "30/min");
  limits.define("business-update", "30/min");
  limits.define("business-delete", "30/min");
}

// Whose business it is, is decided under its row's lock: its owner's, or any admin's, to change and to delete.
// clang-format off
std::vector<Route> routes(const Operations& op) {
  const auto with = [&op](auto handler) { return [&op, handler](const service::Incoming& in) { return handler(op, in); }; };
  return {
    //  method         path                    scope of the key            key                          token                               who                            limit, per user
    {Method::get,     "/api/business",      {.scope = {},                .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}, .query = true}, with(list_businesses)},
    {Method::post,    "/api/business",      {.scope = "business:create", .key = Need::optional, .precondition = Need::none,     .roles = roles::authenticated, .user_limit = "business-create"}, with(create_business)},
    {Method::get,     "/api/business/{id}", {.scope = {},                .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}},                with(read_business)},
    {Method::patch,   "/api/business/{id}", {.scope = "business:update", .key = Need::optional, .precondition = Need::required, .roles = roles::authenticated, .user_limit = "business-update"}, with(update_business)},
    {Method::delete_, "/api/business/{id}", {.scope = "business:delete", .key = Need::optional, .precondition = Need::required, .roles = roles::authenticated, .user_limit = "business-delete"}, with(delete_business)},
  };
}
// clang-format on

}  // namespace tenon::business
