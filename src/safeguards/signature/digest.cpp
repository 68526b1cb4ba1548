#include "safeguards/signature/digest.hpp"

#include <openssl/sha.h>

#include <array>

#include "base/bytes.hpp"
#include "encoding/structured_field.hpp"
#include "safeguards/signature/message.hpp"

namespace tenon::signature {
namespace {

std::string digest_of(std::string_view body, DigestAlgorithm algorithm) {
  if (algorithm == DigestAlgorithm::sha_256) return std::string(as_text(sha256(body)));
  std::array<std::uint8_t, SHA512_DIGEST_LENGTH> digest{};
  SHA512(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  return std::string(as_text(digest));
}

constexpr std::string_view name_of(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::sha_256 ? "sha-256" : "sha-512";
}

Problem mismatch(std::string detail) { return problem(ProblemCode::content_digest_mismatch, std::move(detail)); }

}  // namespace

std::string content_digest(std::string_view body, DigestAlgorithm algorithm) {
  structured::Dictionary dictionary;
  dictionary.emplace_back(name_of(algorithm),
                          structured::Item{.value = structured::Bytes{digest_of(body, algorithm)}, .parameters = {}});
  return structured::serialize(dictionary).value();
}

std::optional<Problem> check_content_digest(const http::Request& request) {
  const auto value = joined_lines(request.headers, "content-digest");
  if (!value) return mismatch("There is no Content-Digest.");
  const auto dictionary = structured::parse_dictionary(*value);
  if (!dictionary) return mismatch("The Content-Digest is not an RFC 9530 dictionary.");
  bool checked = false;
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::sha_256, DigestAlgorithm::sha_512}) {
    for (const auto& [name, member] : *dictionary) {
      if (name != name_of(algorithm)) continue;
      const auto* item = std::get_if<structured::Item>(&member);
      const auto* bytes = item == nullptr ? nullptr : std::get_if<structured::Bytes>(&item->value);
      if (bytes == nullptr || !equal_in_constant_time(bytes->bytes, digest_of(request.body, algorithm))) {
        return mismatch("The " + name + " digest is not that of the body.");
      }
      checked = true;
    }
  }
  if (!checked) return mismatch("The Content-Digest has neither sha-256 nor sha-512.");
  return std::nullopt;
}

}  // namespace tenon::signature
