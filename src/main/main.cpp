// The program `tenon`: a node that serves our own APIs. Each app is added as a program of somebody else's would be.
#include <tenon/application.hpp>

#include "business/routes.hpp"
#include "crime/routes.hpp"
#include "inventory/demo.hpp"
#include "inventory/operations.hpp"
#include "inventory/routes.hpp"

namespace {

constexpr std::string_view greeting = R"(
To try it, paste:

  TOKEN={TOKEN}
  ID=$(curl -s -H "Authorization: Bearer $TOKEN" '{BASE}/api/inventory?limit=1' | grep -oE '[0-9a-f-]{36}' | head -n 1)
  curl -s -H "Authorization: Bearer $TOKEN" {BASE}/api/inventory/$ID
  curl -i -X PATCH -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: first-sale' -H 'Content-Type: application/json' -d '{"decrement":1}' {BASE}/api/inventory/$ID

)";

}  // namespace

int main(int argc, char** argv) {
  using namespace tenon;
  Application app(
      "tenon", TENON_VERSION,
      "Tenon makes HTTP writes safe: at most once, never on stale data, never past its limit, always audited.");
  const inventory::Operations inventory_operations;
  inventory::define_limits(app.limits());
  app.add_routes(inventory::routes(inventory_operations));

  const business::Operations business_operations;
  business::define_limits(app.limits());
  app.add_routes(business::routes(business_operations));

  const crime::Operations crime_operations;
  crime::define_limits(app.limits());
  app.add_routes(crime::routes(crime_operations));
  app.add_seed([&](boost::asio::io_context& here, writes::Writer& writer) {
    return inventory::seed_demo(here, writer, inventory_operations);
  });
  app.set_greeting(greeting);
  return app.run(argc, argv);
}
