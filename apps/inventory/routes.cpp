#include "inventory/routes.hpp"

#include "inventory/handlers.hpp"

namespace tenon::inventory {

using http::Method;
using service::Need;
using service::Route;
namespace roles = service::roles;

void define_limits(service::LimitsTable& limits) {
  limits.define("inventory-write", "20/min");
  limits.define("inventory-read", "600/min");
}

// clang-format off
std::vector<Route> routes(const Operations& op) {
  const auto with = [&op](auto handler) { return [&op, handler](const service::Incoming& in) { return handler(op, in); }; };
  return {
    //  method         path                     scope of the key             key                          token                               who                            limit, per address
    {Method::get,     "/api/inventory",      {.scope = {},                 .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .address_limit = "inventory-read", .query = true}, with(list_items)},
    {Method::post,    "/api/inventory",      {.scope = "inventory:create", .key = Need::required, .precondition = Need::none,     .roles = roles::admin,         .address_limit = "inventory-write"},               with(create_item)},
    {Method::get,     "/api/inventory/{id}", {.scope = {},                 .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .address_limit = "inventory-read"},                with(read_item)},
    {Method::patch,   "/api/inventory/{id}", {.scope = "inventory:update", .key = Need::required, .precondition = Need::optional, .roles = roles::staff,         .address_limit = "inventory-write"},               with(change_item)},
    {Method::delete_, "/api/inventory/{id}", {.scope = "inventory:delete", .key = Need::optional, .precondition = Need::optional, .roles = roles::admin,         .address_limit = "inventory-write"},               with(delete_item)},
    {Method::post,    "/api/orders",         {.scope = "orders:create",    .key = Need::required, .precondition = Need::none,     .roles = roles::staff,         .address_limit = "inventory-write"},               with(create_order)},
  };
}
// clang-format on

}  // namespace tenon::inventory
