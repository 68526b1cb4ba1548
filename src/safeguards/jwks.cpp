#include "safeguards/jwks.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "encoding/json.hpp"

namespace tenon::safeguards {
namespace {

using Usable = std::expected<TokenKey, std::string>;

const std::string* text_of(const json::Object& jwk, std::string_view name) {
  const json::Value* member = json::find(jwk, name);
  return member == nullptr ? nullptr : member->string();
}

// Private members of RFC 7518 sections 6.2.2, 6.3.2 and 6.4.
bool is_secret(const json::Object& jwk) {
  static constexpr std::array<std::string_view, 8> secret{"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
  return std::ranges::any_of(secret, [&](std::string_view name) { return json::find(jwk, name) != nullptr; });
}

bool verifies(const json::Object& jwk) {
  if (const json::Value* use = json::find(jwk, "use"); use != nullptr && (!use->string() || *use->string() != "sig")) {
    return false;
  }
  const json::Value* operations = json::find(jwk, "key_ops");
  if (operations == nullptr) return true;
  return operations->array() != nullptr && std::ranges::any_of(*operations->array(), [](const json::Value& one) {
           return one.string() != nullptr && *one.string() == "verify";
         });
}

PublicKey::Made public_key_of(const json::Object& jwk) {
  const auto number = [&](std::string_view name) {
    const std::string* text = text_of(jwk, name);
    return text == nullptr ? std::nullopt : base64url_decode(*text);
  };
  const std::string* type = text_of(jwk, "kty");
  const std::string* curve = text_of(jwk, "crv");
  if (type == nullptr) return std::unexpected("it has no `kty`");
  if (*type == "RSA") {
    const auto n = number("n");
    const auto e = number("e");
    if (!n || !e) return std::unexpected("its `n` or `e` is not base64url");
    return PublicKey::from_rsa(*n, *e);
  }
  if (*type == "EC") {
    if (curve == nullptr || *curve != "P-256") return std::unexpected("its curve is not P-256");
    const auto x = number("x");
    const auto y = number("y");
    if (!x || !y) return std::unexpected("its `x` or `y` is not base64url");
    return PublicKey::from_p256(*x, *y);
  }
  if (*type == "OKP") {
    if (curve == nullptr || *curve != "Ed25519") return std::unexpected("its curve is not Ed25519");
    const auto x = number("x");
    if (!x) return std::unexpected("its `x` is not base64url");
    return PublicKey::from_ed25519(*x);
  }
  return std::unexpected("its `kty` is none of RSA, EC and OKP");
}

bool fits(TokenAlgorithm algorithm, PublicKey::Kind kind) {
  switch (algorithm) {
    case TokenAlgorithm::rs256:
    case TokenAlgorithm::ps256:
      return kind == PublicKey::Kind::rsa;
    case TokenAlgorithm::es256:
      return kind == PublicKey::Kind::p256;
    case TokenAlgorithm::eddsa:
      return kind == PublicKey::Kind::ed25519;
    case TokenAlgorithm::hs256:
      break;
  }
  return false;
}

// The algorithm that the key is for: what it says, or what is left where it says nothing.
std::expected<TokenAlgorithm, std::string> algorithm_of(const json::Object& jwk, PublicKey::Kind kind,
                                                        std::span<const TokenAlgorithm> algorithms) {
  std::vector<TokenAlgorithm> fitting;
  std::ranges::copy_if(algorithms, std::back_inserter(fitting), [&](TokenAlgorithm one) { return fits(one, kind); });
  if (const json::Value* named = json::find(jwk, "alg")) {
    const auto algorithm = named->string() == nullptr ? std::nullopt : algorithm_named(*named->string());
    if (!algorithm || std::ranges::find(fitting, *algorithm) == fitting.end()) {
      return std::unexpected("its `alg` is none that --token-alg allows for it");
    }
    return *algorithm;
  }
  if (fitting.empty()) return std::unexpected("no algorithm of --token-alg is for keys of its kind");
  if (fitting.size() > 1) return std::unexpected("it has no `alg`, and --token-alg leaves more than one");
  return fitting.front();
}

Usable usable(const json::Object& jwk, std::span<const TokenAlgorithm> algorithms) {
  if (!verifies(jwk)) return std::unexpected("it is not for signatures");
  std::optional<std::string> id;
  if (const json::Value* kid = json::find(jwk, "kid")) {
    if (kid->string() == nullptr || kid->string()->empty() || kid->string()->size() > limits::key_id_bytes_max) {
      return std::unexpected("its `kid` is not a string of 1 to 200 bytes");
    }
    id = *kid->string();
  }
  auto key = public_key_of(jwk);
  if (!key) return std::unexpected(std::move(key.error()));
  const auto algorithm = algorithm_of(jwk, key->kind(), algorithms);
  if (!algorithm) return std::unexpected(algorithm.error());
  return TokenKey{
      .algorithm = *algorithm, .id = std::move(id), .verifier = {std::move(*key), scheme_of(*algorithm).value()}};
}

std::string called(const json::Object& jwk, std::size_t number) {
  const std::string* id = text_of(jwk, "kid");
  std::string name = "key " + std::to_string(number + 1);
  return id == nullptr ? name : name + " (\"" + id->substr(0, 64) + "\")";
}

}  // namespace

std::expected<KeySet, std::string> parse_key_set(std::string_view text, std::span<const TokenAlgorithm> algorithms) {
  if (text.size() > limits::key_set_bytes_max) return std::unexpected("the key set is larger than 256 KiB");
  const auto document = json::parse(text);
  if (!document) return std::unexpected("the key set is no JSON: " + document.error().detail);
  const json::Value* list = document->object() == nullptr ? nullptr : json::find(*document->object(), "keys");
  if (list == nullptr || list->array() == nullptr) return std::unexpected("the key set has no list `keys`");
  if (list->array()->size() > limits::key_set_keys_max) return std::unexpected("the key set has more than 100 keys");

  KeySet set;
  auto keys = std::make_shared<TokenKeys>();
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < list->array()->size(); ++i) {
    const json::Object* jwk = (*list->array())[i].object();
    if (jwk == nullptr) return std::unexpected("an element of `keys` is no object");
    if (is_secret(*jwk)) {
      return std::unexpected(called(*jwk, i) + " of the key set is a private or symmetric one: it is secret no more");
    }
    Usable key = usable(*jwk, algorithms);
    if (!key) {
      set.passed_over.push_back(called(*jwk, i) + ": " + key.error());
      continue;
    }
    if (key->id) {
      if (std::ranges::find(ids, *key->id) != ids.end()) {
        return std::unexpected("two keys of the key set are called \"" + key->id->substr(0, 64) + "\"");
      }
      ids.push_back(*key->id);
    }
    keys->add(std::move(*key));
  }
  if (keys->size() == 0) {
    std::string why = "the key set has no key that can be used";
    if (!set.passed_over.empty()) why += ": " + set.passed_over.front();
    return std::unexpected(why);
  }
  set.keys = std::move(keys);
  return set;
}

}  // namespace tenon::safeguards
