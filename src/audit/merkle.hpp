// The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: hashes, and proofs as those who doubt us check them. No I/O.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace tenon::audit {

using Hash = Digest;

// SHA-256 with the tree's domain separation. Keeps OpenSSL's state between calls, which a short message would otherwise
// spend most of its time making: one object a thread.
class Hasher {
 public:
  Hasher();  // throws std::bad_alloc or std::runtime_error when OpenSSL has no SHA-256
  [[nodiscard]] Hash plain(std::string_view bytes);
  [[nodiscard]] Hash leaf(std::string_view data);                      // SHA-256(0x00 || data)
  [[nodiscard]] Hash node(const Hash& left, const Hash& right);        // SHA-256(0x01 || left || right)
  [[nodiscard]] Hash perfect(std::span<const std::uint8_t> children);  // the root over 1, 2, 4, ... hashes in a row

 private:
  struct Free {
    void operator()(EVP_MD_CTX* state) const noexcept { EVP_MD_CTX_free(state); }
    void operator()(EVP_MD* algorithm) const noexcept { EVP_MD_free(algorithm); }
  };
  std::unique_ptr<EVP_MD, Free> algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> state_;
  std::vector<Hash> row_;
};

[[nodiscard]] const Hash& empty_root() noexcept;  // SHA-256 of nothing

// Leaves [begin, end) of a tree, such as one hash of a proof stands for.
struct LeafRange {
  std::uint64_t begin;
  std::uint64_t end;
  bool operator==(const LeafRange&) const = default;
};

// What the hashes of a proof stand for, in the order in which they are sent. `index` < `size`; 0 < `from` <= `to`.
[[nodiscard]] std::vector<LeafRange> inclusion_ranges(std::uint64_t index, std::uint64_t size);
[[nodiscard]] std::vector<LeafRange> consistency_ranges(std::uint64_t from, std::uint64_t to);

// The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); nothing when it has not the shape of one.
[[nodiscard]] std::optional<Hash> root_of_inclusion(Hasher& hasher, std::uint64_t index, std::uint64_t size,
                                                    const Hash& leaf, std::span<const Hash> proof);
[[nodiscard]] bool verify_inclusion(Hasher& hasher, std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                    std::span<const Hash> proof, const Hash& root);

// Is the tree of size `from` a prefix of that of size `to` (RFC 9162, 2.1.4.2)? Every tree has the empty one as a
// prefix, and itself, both by an empty proof.
[[nodiscard]] bool verify_consistency(Hasher& hasher, std::uint64_t from, std::uint64_t to, const Hash& from_root,
                                      const Hash& to_root, std::span<const Hash> proof);

}  // namespace tenon::audit
