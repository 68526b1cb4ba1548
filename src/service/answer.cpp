#include "service/answer.hpp"

#include "encoding/http_date.hpp"

namespace tenon::service {
namespace {

http::Response body_of(const writes::Reply& reply, std::string body) {
  if (!reply.problem) return http::Response::json(reply.status, std::move(body));
  Problem refusal = problem(*reply.problem);
  // The operation's own members, `detail` first, without their braces.
  if (body.size() > 2) refusal.members = body.substr(1, body.size() - 2);
  return http::Response::refusal(refusal, reply.status);
}

}  // namespace

http::Response answer(const writes::Reply& reply, std::string body) {
  http::Response response = reply.status == 204 ? http::Response(204) : body_of(reply, std::move(body));
  if (reply.version) response.add("ETag", "W/\"v" + std::to_string(*reply.version) + '"');
  if (reply.modified) response.add("Last-Modified", format_http_date(*reply.modified));
  if (!reply.location.empty()) response.add("Location", reply.location);
  if (reply.audit_id) response.add("Audit-Id", std::to_string(*reply.audit_id));
  return response;
}

void add_idempotency_headers(http::Response& response, const writes::Reply& reply, std::string_view key_header) {
  response.add("Idempotency-Key", key_header);
  response.add("Idempotency-Status", reply.origin == writes::Reply::Origin::replayed ? "replayed" : "stored");
  if (reply.expires) response.add("Idempotency-Expires", format_http_date(*reply.expires));
}

}  // namespace tenon::service
