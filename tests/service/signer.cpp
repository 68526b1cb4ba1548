#include "service/signer.hpp"

#include <stdexcept>

#include "encoding/structured_field.hpp"

namespace tenon::test {

Signer::Signer(const Node& node, std::string user, const std::string& algorithm)
    : user_(std::move(user)), token_(node.token(user_, "admin")) {
  const Ended added = run_tenon({"keys", "add", "--data-dir", node.data_dir(), "--sub", user_, "--algorithm", algorithm,
                                 "--private-key", key_file()});
  if (added.exit_code != 0) throw std::runtime_error("keys add: " + added.errors);
  key_id_ = added.output.substr(0, added.output.find('\n'));
  std::string material = content_of(key_file());
  if (algorithm == "hmac-sha256") {
    const auto item = structured::parse_item(":" + material.substr(0, material.find('\n')) + ":");
    material = std::get<structured::Bytes>(item->value).bytes;
  }
  key_ = signature::SigningKey::load(*signature::algorithm_named(algorithm), material).value();
}

ApiCall Signer::sign(ApiCall call, Instant created, const std::string& nonce) const {
  signature::OutgoingRequest request;
  request.method = *http::method_named(call.method);
  request.host = "localhost";  // as bytes_of writes it
  request.target = call.path;
  request.body = call.body;
  if (!call.key.empty()) request.set("Idempotency-Key", call.key);
  for (const auto& [name, value] : call.headers) request.set(name, value);
  if (!signature::add_signature(request, *key_, key_id_, nonce, created)) throw std::runtime_error("not signed");
  call.token = token_;
  call.headers.clear();
  for (const auto& [name, value] : request.headers) {
    if (name != "Host" && name != "Idempotency-Key") call.headers.emplace_back(name, value);
  }
  return call;
}

}  // namespace tenon::test
