// Inputs made of inputs, the same ones each time: what a run without coverage feedback can do for its money.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tenon::fuzz {

class Mutator {
 public:
  // Both outlive it; `corpus` is not empty.
  Mutator(std::uint64_t seed, std::span<const std::string> corpus, std::span<const std::string> words)
      : state_(seed | 1), corpus_(corpus), words_(words) {}

  [[nodiscard]] std::string next();

 private:
  [[nodiscard]] std::size_t below(std::size_t bound);
  void change(std::string& bytes);
  [[nodiscard]] std::string piece_of(std::string_view bytes);
  [[nodiscard]] std::string something();

  std::uint64_t state_;
  std::span<const std::string> corpus_;
  std::span<const std::string> words_;
};

}  // namespace tenon::fuzz
