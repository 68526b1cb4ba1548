#include "audit/base64.hpp"

#include <algorithm>

namespace tenon::audit {

// The other alphabet of the same RFC differs in two characters and the padding.
std::string base64(std::string_view bytes) {
  std::string text = base64url(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string unpadded(text);
  for (int padding = 0; padding < 2 && unpadded.ends_with('='); ++padding) unpadded.pop_back();
  if (unpadded.find_first_of("-_=") != std::string::npos) return std::nullopt;
  std::ranges::replace(unpadded, '+', '-');
  std::ranges::replace(unpadded, '/', '_');
  auto bytes = base64url_decode(unpadded);
  if (!bytes || base64(*bytes) != text) return std::nullopt;
  return bytes;
}

std::optional<Hash> base64_hash(std::string_view text) {
  const auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != sizeof(Hash)) return std::nullopt;
  Hash hash;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

}  // namespace tenon::audit
