#include "safeguards/signature/sign.hpp"

#include <array>

#include "base/bytes.hpp"
#include "safeguards/signature/input.hpp"
#include "safeguards/signature/message.hpp"
#include "safeguards/signature/verify.hpp"

namespace tenon::signature {

std::optional<SignatureHeaders> sign(const http::Request& request, const SigningKey& key, std::string_view key_id,
                                     std::string_view nonce, Instant created) {
  if (nonce.size() < nonce_bytes_min || nonce.size() > nonce_bytes_max) return std::nullopt;
  structured::InnerList covered;
  for (const std::string_view name : required_cover(request)) covered.items.push_back(component(name));
  covered.parameters = {
      {"created", std::int64_t{std::chrono::floor<std::chrono::seconds>(created).time_since_epoch().count()}},
      {"nonce", std::string(nonce)},
      {"keyid", std::string(key_id)},
      {"alg", std::string(name_of(key.algorithm()))}};
  const auto base = signature_base(message_of(request), covered);
  if (!base) return std::nullopt;
  structured::Dictionary input;
  input.emplace_back(our_label, covered);
  structured::Dictionary signature;
  signature.emplace_back(our_label, structured::Item{.value = structured::Bytes{key.sign(*base)}, .parameters = {}});
  auto input_text = structured::serialize(input);
  auto signature_text = structured::serialize(signature);
  if (!input_text || !signature_text) return std::nullopt;
  return SignatureHeaders{*std::move(input_text), *std::move(signature_text)};
}

std::string random_nonce() {
  std::array<std::uint8_t, 16> bytes{};
  fill_random(bytes);
  return base64url(as_text(bytes));
}

}  // namespace tenon::signature
