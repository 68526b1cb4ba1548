#include "crime/routes.hpp"

#include "crime/handlers.hpp"

namespace tenon::crime {

using http::Method;
using service::Need;
using service::Route;
namespace roles = service::roles;

void define_limits(service::LimitsTable& limits) {
  limits.define("crime-conversion", "15/min");
  limits.define("crime-facility-create", "30/min");
  limits.define("crime-black-market-create", "25/min");
  limits.define("crime-black-market-purchase", "20/min");
  limits.define("crime-laundering-create", "20/min");
  limits.define("crime-legislation-update", "30/min");
}

// clang-format off
std::vector<Route> routes(const Operations& op) {
  const auto with = [&op](auto handler) { return [&op, handler](const service::Incoming& in) { return handler(op, in); }; };
  return {
    //  method       path                                     scope of the key                        key                          token                               who                            limit, per user
    {Method::post, "/api/crime/conversion/convert",         {.scope = "crime:conversion",            .key = Need::optional, .precondition = Need::optional, .roles = roles::authenticated, .user_limit = "crime-conversion"},            with(convert_facility)},
    {Method::get,  "/api/crime/facilities",                 {.scope = {},                            .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}, .query = true},             with(list_facilities)},
    {Method::post, "/api/crime/facilities",                 {.scope = "crime:facility:create",       .key = Need::optional, .precondition = Need::none,     .roles = roles::authenticated, .user_limit = "crime-facility-create"},       with(create_facility)},
    {Method::get,  "/api/crime/black-market",               {.scope = {},                            .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}, .query = true},             with(list_market_items)},
    {Method::post, "/api/crime/black-market",               {.scope = "crime:black-market:create",   .key = Need::optional, .precondition = Need::none,     .roles = roles::authenticated, .user_limit = "crime-black-market-create"},   with(create_market_item)},
    {Method::get,  "/api/crime/black-market/{id}",          {.scope = {},                            .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}},                            with(read_market_item)},
    {Method::post, "/api/crime/black-market/{id}/purchase", {.scope = "crime:black-market:purchase", .key = Need::optional, .precondition = Need::none,     .roles = roles::authenticated, .user_limit = "crime-black-market-purchase"}, with(purchase_market_item)},
    {Method::get,  "/api/crime/laundering",                 {.scope = {},                            .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}, .query = true},             with(list_channels)},
    {Method::post, "/api/crime/laundering",                 {.scope = "crime:laundering:create",     .key = Need::optional, .precondition = Need::none,     .roles = roles::authenticated, .user_limit = "crime-laundering-create"},     with(create_channel)},
    {Method::get,  "/api/crime/legislation",                {.scope = {},                            .key = Need::none,     .precondition = Need::none,     .roles = roles::authenticated, .user_limit = {}, .query = true},             with(list_legislation)},
    {Method::put,  "/api/crime/legislation",                {.scope = "crime:legislation:update",    .key = Need::optional, .precondition = Need::optional, .roles = roles::admin,         .user_limit = "crime-legislation-update"},    with(put_legislation)},
  };
}
// clang-format on

}  // namespace tenon::crime
