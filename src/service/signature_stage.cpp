#include "service/signature_stage.hpp"

#include <boost/asio/this_coro.hpp>

#include "safeguards/signature/digest.hpp"

namespace tenon::service {

namespace asio = boost::asio;

std::optional<Problem> read_presented(const Guards& guards, Exchange& x) {
  if (!x.route.policy.takes_signature() || guards.signatures == nullptr) return std::nullopt;
  auto presented = signature::read_signature(x.request);
  if (!presented) return std::move(presented).error();
  if (!*presented) {
    if (x.route.policy.signature == Need::required) return problem(ProblemCode::signature_missing);
    return x.request.count("Content-Digest") > 0 ? signature::check_content_digest(x.request) : std::nullopt;
  }
  if (auto refusal = signature::check_presented(x.request, **presented, guards.signatures->rules, x.now)) {
    return refusal;
  }
  x.presented = *std::move(presented);
  return std::nullopt;
}

asio::awaitable<std::optional<Problem>> judge_presented(const Guards& guards, Exchange& x) {
  const SignatureGuard& guard = *guards.signatures;
  const Monotonic now = monotonic_now();
  SigningKeys::Known key;
  const auto id = Uuid::parse(x.presented->key_id);
  if (id) {
    if (auto known = guard.keys.find_now(*id, now)) {
      key = *std::move(known);
    } else {
      // Sessions run on io_contexts and nothing else (http/server.hpp).
      const auto executor = co_await asio::this_coro::executor;
      auto found = co_await guard.keys.find(static_cast<asio::io_context&>(executor.context()), *id, x.deadline);
      if (!found) co_return std::move(found).error();
      key = *std::move(found);
    }
  }
  const auto verified = signature::verify(x.request, *x.presented, key.get(), x.caller.user, guard.rules, x.now);
  if (!verified) co_return verified.error();
  x.signature = writes::SignedBy{.user = x.caller.user,
                                 .nonce = signature::nonce_claim(key->id, verified->nonce),
                                 .attempt = random_uuid(),
                                 .key = *id,
                                 .created = verified->created};
  co_return std::nullopt;
}

}  // namespace tenon::service
