#include "service/answer.hpp"

#include "encoding/http_date.hpp"

namespace tenon::service {
namespace {

http::Response body_of(const writes::Reply& reply) {
  if (!reply.problem) return http::Response::json(reply.status, reply.body);
  Problem refusal = problem(*reply.problem);
  // The operation's own members, `detail` first, without their braces.
  if (reply.body.size() > 2) refusal.members = reply.body.substr(1, reply.body.size() - 2);
  return http::Response::refusal(refusal, reply.status);
}

}  // namespace

http::Response answer(const writes::Reply& reply) {
  http::Response response = reply.status == 204 ? http::Response(204) : body_of(reply);
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
