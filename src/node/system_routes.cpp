#include "node/system_routes.hpp"

#include "base/json_string.hpp"

namespace tenon {
namespace {

namespace asio = boost::asio;
using http::Method;
using http::Response;
using service::Incoming;
using service::Need;
using service::Route;

asio::awaitable<Response> healthz(service::Here, const Incoming&) {
  co_return Response::json(200, R"({"status":"alive"})");
}

Response readiness_answer(const Readiness& readiness) {
  const bool stopping = readiness.stopping.load();
  const bool database = readiness.writer.connected();
  const std::string limiter(readiness.buckets.trouble());
  const bool ready = database && !stopping;
  std::string body = std::string("{\"status\":") + (stopping ? "\"stopping\"" : ready ? "\"ready\"" : "\"not ready\"");
  body += std::string(",\"database\":") + (database ? "\"connected\"" : "\"disconnected\"");
  body += ",\"schema_version\":" + std::to_string(readiness.schema_version);
  body += ",\"limiter\":" + json_string(limiter.empty() ? "working" : limiter) + "}";
  Response response = Response::json(ready ? 200 : 503, std::move(body));
  response.add("Cache-Control", "no-store");
  return response;
}

asio::awaitable<Response> answer_later(Response response) { co_return response; }

Response problem_page(const Incoming& in) {
  std::string code = in.path.at(0);
  for (char& c : code) c = c == '-' ? '_' : c;
  const auto known = problem_named(code);
  if (!known) return Response::refusal(problem(ProblemCode::not_found, "There is no problem of that name."));
  const ProblemKind& kind = kind_of(*known);
  Response page(200);
  page.add("Content-Type", "text/html; charset=utf-8");
  page.set_body("<!doctype html><title>" + std::string(kind.title) + "</title><h1>" + std::string(kind.title) +
                "</h1><p>" + std::string(kind.sentence) + "<p>Status " + std::to_string(kind.status) + ", code <code>" +
                std::string(kind.code) + "</code>. " +
                (kind.transient ? "The same request, with the same Idempotency-Key, may succeed later."
                                : "The same request will be refused again."));
  return page;
}

Response metrics_page(const service::Metrics& metrics) {
  Response page(200);
  page.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  page.set_body(metrics.render());
  return page;
}

}  // namespace

std::vector<Route> system_routes(const service::Metrics& metrics, const Readiness& readiness) {
  const service::Policy open{.query = true};  // whatever a scraper sends
  const service::Policy own{
      .scope = {}, .key = Need::none, .precondition = Need::none, .roles = service::roles::authenticated};
  std::vector<Route> routes;
  routes.push_back({Method::get, "/healthz", open, service::DirectHandler(healthz)});
  routes.push_back({Method::get, "/readyz", open, service::DirectHandler([&readiness](service::Here, const Incoming&) {
                      return answer_later(readiness_answer(readiness));
                    })});
  routes.push_back({Method::get, "/metrics", open, service::DirectHandler([&metrics](service::Here, const Incoming&) {
                      return answer_later(metrics_page(metrics));
                    })});
  routes.push_back(
      {Method::get, "/problems/{name}", open,
       service::DirectHandler([](service::Here, const Incoming& in) { return answer_later(problem_page(in)); })});
  routes.push_back({Method::get, "/api/idempotency/{scope}/{key}", own,
                    service::DirectHandler([](service::Here here, const Incoming& in) {
                      return here.service.outcome(here.context, in);
                    })});
  return routes;
}

}  // namespace tenon
