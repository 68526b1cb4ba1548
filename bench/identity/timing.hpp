// What the benchmarks of identity share: a fixed instant, a clock around a call, OpenSSL's HMAC ready for a key.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "base/clock.hpp"

namespace tenon::bench {

inline constexpr Instant now{std::chrono::seconds{1'764'652'871}};

inline void require(bool fine) {
  if (fine) return;
  std::fputs("a verification failed\n", stderr);
  std::exit(1);
}

// Nanoseconds of one call, over 100 ms.
inline double nanoseconds_of(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  std::size_t calls = 0;
  const auto begin = Clock::now();
  auto took = Clock::duration::zero();
  while (took < std::chrono::milliseconds(100)) {
    for (int i = 0; i < 16; ++i) call();
    calls += 16;
    took = Clock::now() - begin;
  }
  return std::chrono::duration<double, std::nano>(took).count() / static_cast<double>(calls);
}

inline const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// HMAC with SHA-256 under `key`. The caller frees it.
inline EVP_MAC_CTX* hmac_sha256(std::string_view key) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                              OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(context, bytes(key), key.size(), parameters.data()) == 1);
  return context;
}

}  // namespace tenon::bench
