#include "safeguards/signature/input.hpp"

#include <algorithm>

#include "safeguards/signature/message.hpp"

namespace tenon::signature {
namespace {

Problem malformed(std::string detail) { return problem(ProblemCode::signature_malformed, std::move(detail)); }

// Which member of the two dictionaries is meant; nothing when that cannot be said.
std::optional<std::string> label_of(const structured::Dictionary& inputs) {
  if (inputs.size() == 1) return inputs.front().first;
  const auto ours = std::ranges::find(inputs, our_label, &structured::Dictionary::value_type::first);
  if (ours == inputs.end()) return std::nullopt;
  return ours->first;
}

template <class T>
const T* member(const structured::Dictionary& dictionary, std::string_view label) {
  const auto found = std::ranges::find(dictionary, label, &structured::Dictionary::value_type::first);
  return found == dictionary.end() ? nullptr : std::get_if<T>(&found->second);
}

// False when there is one of another type.
template <class T>
bool take(const structured::Parameters& parameters, std::string_view name, std::optional<T>& into) {
  const auto found = std::ranges::find(parameters, name, &structured::Parameters::value_type::first);
  if (found == parameters.end()) return true;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) return false;
  into = *value;
  return true;
}

Result<Presented> read_parameters(structured::InnerList covered, std::string signature) {
  std::optional<std::int64_t> created;
  std::optional<std::int64_t> expires;
  std::optional<std::string> nonce;
  std::optional<std::string> key_id;
  std::optional<std::string> algorithm;
  const structured::Parameters& all = covered.parameters;
  if (!take(all, "created", created) || !take(all, "expires", expires) || !take(all, "nonce", nonce) ||
      !take(all, "keyid", key_id) || !take(all, "alg", algorithm)) {
    return malformed("Of the parameters `created` and `expires` are integers; `nonce`, `keyid` and `alg` strings.");
  }
  if (!created || !nonce || !key_id) return malformed("A signature needs the parameters created, nonce and keyid.");
  if (nonce->size() < nonce_bytes_min || nonce->size() > nonce_bytes_max) {
    return malformed("A nonce has " + std::to_string(nonce_bytes_min) + " to " + std::to_string(nonce_bytes_max) +
                     " characters.");
  }
  const bool named = std::ranges::all_of(covered.items, [](const Component& one) { return !name_of(one).empty(); });
  if (!named || covered.items.size() > components_max) {
    return malformed("A signature covers a list of at most " + std::to_string(components_max) + " component names.");
  }
  return Presented{.covered = std::move(covered),
                   .signature = std::move(signature),
                   .key_id = *std::move(key_id),
                   .nonce = *std::move(nonce),
                   .algorithm = algorithm.value_or(""),
                   .created = *created,
                   .expires = expires};
}

}  // namespace

bool Presented::covers(std::string_view name) const noexcept {
  return std::ranges::any_of(covered.items,
                             [name](const Component& one) { return one.parameters.empty() && name_of(one) == name; });
}

Result<std::optional<Presented>> read_signature(const http::Request& request) {
  const auto input_lines = joined_lines(request.headers, "signature-input");
  const auto signature_lines = joined_lines(request.headers, "signature");
  if (!input_lines && !signature_lines) return std::optional<Presented>{};
  if (!input_lines || !signature_lines) return malformed("Signature-Input and Signature come together.");
  auto inputs = structured::parse_dictionary(*input_lines);
  auto signatures = structured::parse_dictionary(*signature_lines);
  if (!inputs || !signatures || inputs->empty()) {
    return malformed("Signature-Input and Signature are RFC 9651 dictionaries.");
  }
  if (inputs->size() > signatures_max || signatures->size() > signatures_max) {
    return malformed("There are more than " + std::to_string(signatures_max) + " signatures.");
  }
  const auto label = label_of(*inputs);
  if (!label) return malformed("There are several signatures, and none is labelled \"tenon\".");
  const auto* covered = member<structured::InnerList>(*inputs, *label);
  const auto* item = member<structured::Item>(*signatures, *label);
  const auto* bytes = item == nullptr ? nullptr : std::get_if<structured::Bytes>(&item->value);
  if (covered == nullptr || bytes == nullptr) {
    return malformed("A signature is a list of components in Signature-Input and bytes in Signature, under one label.");
  }
  auto presented = read_parameters(*covered, bytes->bytes);
  if (!presented) return std::move(presented).error();
  return std::optional<Presented>(*std::move(presented));
}

Uuid nonce_claim(std::string_view key_id, std::string_view nonce) {
  // The length keeps (ab, c) and (a, bc) apart.
  const Digest digest = sha256(std::to_string(key_id.size()) + ":" + std::string(key_id).append(nonce));
  Uuid claim;
  std::copy_n(digest.begin(), claim.bytes.size(), claim.bytes.begin());
  return claim;
}

}  // namespace tenon::signature
