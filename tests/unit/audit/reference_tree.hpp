// Merkle trees as RFC 6962 section 2.1 writes them down, by recursion: what the code under test is compared with.
#pragma once

#include <bit>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.hpp"

namespace tenon::audit::reference {

using Leaves = std::span<const std::string>;

inline std::size_t split_of(std::size_t size) { return std::bit_floor(size - 1); }

inline Hash root(Leaves leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return sha256(std::string(1, '\0') + leaves[0]);
  const std::size_t k = split_of(leaves.size());
  const Hash left = root(leaves.first(k));
  const Hash right = root(leaves.subspan(k));
  return sha256("\x01" + std::string(as_text(left)) + std::string(as_text(right)));
}

inline std::vector<Hash> path(std::size_t index, Leaves leaves) {
  if (leaves.size() <= 1) return {};
  const std::size_t k = split_of(leaves.size());
  std::vector<Hash> hashes = index < k ? path(index, leaves.first(k)) : path(index - k, leaves.subspan(k));
  hashes.push_back(index < k ? root(leaves.subspan(k)) : root(leaves.first(k)));
  return hashes;
}

inline std::vector<Hash> subproof(std::size_t from, Leaves leaves, bool known) {
  if (from == leaves.size()) return known ? std::vector<Hash>{} : std::vector<Hash>{root(leaves)};
  const std::size_t k = split_of(leaves.size());
  std::vector<Hash> hashes =
      from <= k ? subproof(from, leaves.first(k), known) : subproof(from - k, leaves.subspan(k), false);
  hashes.push_back(from <= k ? root(leaves.subspan(k)) : root(leaves.first(k)));
  return hashes;
}

inline std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

inline Hash hash_of_hex(std::string_view text) {
  const std::string bytes = unhex(text);
  Hash hash{};
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

// The eight leaves of Certificate Transparency's reference tree, and its root at each size from 1 to 8.
inline const std::vector<std::string>& ct_leaves() {
  static const std::vector<std::string> leaves = {unhex(""),
                                                  unhex("00"),
                                                  unhex("10"),
                                                  unhex("2021"),
                                                  unhex("3031"),
                                                  unhex("40414243"),
                                                  unhex("5051525354555657"),
                                                  unhex("606162636465666768696a6b6c6d6e6f")};
  return leaves;
}
inline constexpr std::string_view ct_roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

// Some leaves of different sizes.
inline std::vector<std::string> leaves(std::size_t count) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(std::string(i % 7, 'x') + std::to_string(i));
  return made;
}

}  // namespace tenon::audit::reference
