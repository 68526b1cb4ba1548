// A service of one's own on Tenon's safety core: one route with one SQL operation, and one with a transaction in hand.
// Run it as tenon itself is run: guestbook serve --data-dir DIR; guestbook token --data-dir DIR --sub ann.
#include <tenon/application.hpp>
#include <tenon/handle_idempotent.hpp>

using namespace tenon;

constexpr std::string_view schema = R"sql(
CREATE TABLE public.guestbook (id uuid PRIMARY KEY, author text NOT NULL, line text NOT NULL, version bigint NOT NULL DEFAULT 1);
CREATE TABLE public.visits (author text PRIMARY KEY, count bigint NOT NULL);
REVOKE ALL ON public.guestbook, public.visits FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON public.visits TO tenon_edge;

CREATE FUNCTION public.sign_guestbook(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  id CONSTANT uuid := tenon.new_id();
  body CONSTANT text := jsonb_build_object('id', id, 'author', command.user_id, 'line', arguments ->> 'line')::text;
BEGIN
  INSERT INTO guestbook VALUES (id, command.user_id, arguments ->> 'line');
  RETURN ROW(201, NULL, body, 1, NULL, NULL, tenon.audit(command, 'SIGN_GUESTBOOK', 'line', id, NULL, body))::tenon.outcome;
END
$$;
SELECT tenon.register_operation('sign_guestbook', 'public.sign_guestbook');
SELECT tenon.audit_table('public.guestbook', 'id');  -- from now on the database insists on one entry for each change
)sql";

// The pure part: from a request to what it asks of the database.
Result<writes::Call> sign(const writes::Operation& operation, const Incoming& in) {
  std::vector<Violation> violations;
  const json::Object nothing;
  json::ObjectReader body(in.body->object() != nullptr ? *in.body->object() : nothing, violations);
  const auto line = body.text("line", {.characters_min = 1, .characters_max = 500});
  body.refuse_unknown();
  if (!violations.empty()) return json::invalid(std::move(violations));
  return writes::Call{.operation = &operation, .arguments = {R"({"line":)" + json_string(*line) + "}"}, .affinity = 0};
}

// Work that is not one operation: the transaction is ours until we return, and our reply is stored in it.
boost::asio::awaitable<Reply> count_visit(std::string user, postgres::Connection& transaction) {
  postgres::Parameters parameters;
  parameters.add(std::string_view(user));
  const postgres::Rows rows = co_await transaction.execute(
      "INSERT INTO visits VALUES ($1, 1) ON CONFLICT (author) DO UPDATE SET count = visits.count + 1 RETURNING count",
      parameters, monotonic_now() + limits::statement_deadline);
  const std::int64_t count = postgres::read_int(rows.get(0, 0).value());
  co_return Reply{.status = 200, .body = R"({"visits":)" + std::to_string(count) + "}"};
}

boost::asio::awaitable<http::Response> visit(Here here, const Incoming& in) {
  const std::string user = in.caller.user;
  return handle_idempotent(here, in, user, [user](postgres::Connection& tx) { return count_visit(user, tx); },
                           {.scope = "guestbook:visit"});
}

int main(int argc, char** argv) {
  Application app("guestbook", "1.0", "A guestbook whose every line is written once.");
  const writes::Operation operation = writes::registered_write("sign_guestbook");
  app.add_migration("guestbook", std::string(schema));
  app.limits().define("guestbook", "30/min");
  app.add_route({.method = http::Method::post,
                 .pattern = "/api/guestbook",
                 .policy = {.scope = "guestbook:sign",
                            .key = service::Need::required,
                            .roles = service::roles::authenticated,
                            .user_limit = "guestbook"},
                 .handler = [&](const Incoming& in) { return sign(operation, in); }});
  app.add_route({.method = http::Method::post,
                 .pattern = "/api/visits",
                 .policy = {.scope = "guestbook:visit",
                            .key = service::Need::optional,
                            .roles = service::roles::authenticated,
                            .user_limit = "guestbook"},
                 .handler = service::DirectHandler(visit)});
  return app.run(argc, argv);
}
