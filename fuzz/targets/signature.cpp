// RFC 9421: requests as strangers write them never verify, and a signed one holds only as it was signed.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/request_of.hpp"
#include "fuzz/target.hpp"
#include "safeguards/signature/digest.hpp"
#include "safeguards/signature/message.hpp"
#include "safeguards/signature/outgoing.hpp"
#include "safeguards/signature/verify.hpp"

namespace tenon::fuzz {
namespace {

constexpr Instant now{std::chrono::seconds{1'764'652'871}};
constexpr std::string_view secret = "the secret of a key, thirty-two b";

const signature::Key& key() {
  static const signature::Key known{
      .id = "key-1",
      .user = "seller",
      .verifier = *signature::VerifyingKey::load(signature::Algorithm::hmac_sha256, secret),
      .expires = {},
      .revoked = false};
  return known;
}

// A request that owns its parts.
struct Sale {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string method = "PATCH";
  std::string target;
  std::string body;

  std::vector<http::Header> headers = {};
  http::Request view() {
    headers.clear();
    for (const auto& [name, value] : lines) headers.push_back({.name = name, .value = value});
    http::Request request;
    request.method = http::method_named(method).value_or(http::Method::get);
    request.target = target;
    const std::size_t question = target.find('?');
    request.path = std::string_view(target).substr(0, question);
    request.query = question == std::string::npos ? std::string_view{} : std::string_view(target).substr(question + 1);
    request.headers = headers;
    request.body = body;
    return request;
  }
};

const Sale& signed_sale() {
  static const Sale sale = [] {
    const auto signer = *signature::SigningKey::load(signature::Algorithm::hmac_sha256, secret);
    signature::OutgoingRequest request{.method = http::Method::patch,
                                       .secure = false,
                                       .host = "shop.example",
                                       .target = "/api/inventory/7?dry=0",
                                       .headers = {{"Idempotency-Key", "order-7"}, {"If-Match-Version", "3"}},
                                       .body = R"({"decrement":2})"};
    check(signature::add_signature(request, signer, "key-1", "nonce-000001", now), "a sale can be signed");
    return Sale{.lines = request.headers, .target = request.target, .body = request.body};
  }();
  return sale;
}

bool is_right(const http::Request& request) {
  const auto presented = signature::read_signature(request);
  if (!presented || !*presented) return false;
  check((*presented)->covered.items.size() <= signature::components_max, "components are bounded");
  static_cast<void>(signature::check_presented(request, **presented, {}, now));
  return signature::verify(request, **presented, &key(), "seller", {}, now).has_value();
}

// As the framer hands values on.
std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// What the sale's signature covers, in one text.
std::string covered_of(Sale& sale) {
  const http::Request request = sale.view();
  std::string text =
      sale.method + "\n" + std::string(request.path) + "\n" + std::string(request.query) + "\n" + sale.body;
  for (const char* name : {"idempotency-key", "if-match-version", "content-type", "content-digest"})
    text += "\n" + signature::joined_lines(request.headers, name).value_or("(none)");
  return text + "\n" + signature::normalized_authority("http", request.header("host").value_or("(none)"));
}

}  // namespace

// A line that says what becomes of the signed sale, and header lines and a body of a request of its own.
void signature(std::string_view input);
void signature(std::string_view input) {
  Input in(input);
  const std::uint8_t what = in.byte();
  const std::string_view with = in.line();
  RequestOf strange(in);
  strange.get().body = in.rest();
  static_cast<void>(signature::check_content_digest(strange.get()));
  check(!is_right(strange.get()), "what nobody signed is not right");

  Sale original = signed_sale();
  Sale changed = original;
  check(is_right(original.view()), "the sale as it was signed is right");
  switch (what % 4) {
    case 0:
      changed.body = with;
      break;
    case 1:
      changed.target = with;
      break;
    case 2:
      changed.method = with;
      if (!http::method_named(changed.method)) return;
      break;
    default: {
      const std::size_t colon = with.find(':');
      if (colon == std::string_view::npos) return;
      std::string name(with.substr(0, colon));
      std::string value(trimmed(with.substr(colon + 1)));
      const std::size_t at = (what / 4U) % (changed.lines.size() + 1);
      if (at == changed.lines.size()) {
        changed.lines.emplace_back(std::move(name), std::move(value));
      } else {
        changed.lines[at] = {std::move(name), std::move(value)};
      }
    }
  }
  if (is_right(changed.view())) check(covered_of(changed) == covered_of(original), "what is covered cannot be changed");
}

}  // namespace tenon::fuzz
