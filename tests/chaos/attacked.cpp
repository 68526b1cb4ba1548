// The program that is attacked: tenon, and one route more, as an embedder writes one: a transaction in hand.
#include <tenon/application.hpp>
#include <tenon/handle_idempotent.hpp>

#include "business/routes.hpp"
#include "chaos/rooms.hpp"
#include "crime/routes.hpp"
#include "inventory/operations.hpp"
#include "inventory/routes.hpp"

namespace tenon {
namespace {

struct Visit {
  std::string user, role, request_id, key, room;
};

boost::asio::awaitable<Reply> pay(Visit visit, postgres::Connection& transaction) {
  postgres::Parameters parameters;
  for (const std::string& each : {visit.user, visit.role, visit.request_id, visit.key, visit.room})
    parameters.add(std::string_view(each));
  const postgres::Rows rows =
      co_await transaction.execute("SELECT public.pay_visit(ROW($1, $2, $3, $4)::tenon.command, $5::uuid)", parameters,
                                   monotonic_now() + limits::statement_deadline);
  const std::int64_t version = postgres::read_int(rows.get(0, 0).value());
  co_return Reply{.status = 200, .body = R"({"version":)" + std::to_string(version) + "}"};
}

boost::asio::awaitable<http::Response> visit(Here here, const Incoming& in) {
  Visit visit{.user = in.caller.user,
              .role = "admin",
              .request_id = in.request.request_id,
              .key = std::string(in.request.header("Idempotency-Key").value_or("")),
              .room = in.path.at(0)};
  const std::string user = visit.user;
  return handle_idempotent(
      here, in, user, [visit = std::move(visit)](postgres::Connection& transaction) { return pay(visit, transaction); },
      {.scope = "rooms:visit"});
}

}  // namespace
}  // namespace tenon

int main(int argc, char** argv) {
  using namespace tenon;
  Application app(std::string(chaos::attacked_program), "1.0", "Tenon under attack.");
  const inventory::Operations inventory_operations;
  inventory::define_limits(app.limits());
  app.add_routes(inventory::routes(inventory_operations));
  const business::Operations business_operations;
  business::define_limits(app.limits());
  app.add_routes(business::routes(business_operations));
  const crime::Operations crime_operations;
  crime::define_limits(app.limits());
  app.add_routes(crime::routes(crime_operations));
  app.limits().define("rooms", "30/min");
  app.add_migration(std::string(chaos::rooms_name), std::string(chaos::rooms_schema));
  app.add_route({.method = http::Method::post,
                 .pattern = "/api/rooms/{id}/visits",
                 .policy = {.scope = "rooms:visit",
                            .key = service::Need::optional,
                            .roles = service::roles::authenticated,
                            .user_limit = "rooms"},
                 .handler = service::DirectHandler(visit)});
  return app.run(argc, argv);
}
