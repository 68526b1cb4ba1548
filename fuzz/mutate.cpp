#include "fuzz/mutate.hpp"

namespace tenon::fuzz {
namespace {

constexpr std::size_t input_bytes_max = 64 * 1024;

// Where parsers end, and numbers wrap.
constexpr std::string_view borders[] = {std::string_view("\0", 1),
                                        "\r",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        " ",
                                        "\x7f",
                                        "\xff",
                                        "\xc3",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\"",
                                        "\\",
                                        "0",
                                        "-1",
                                        "-0",
                                        "255",
                                        "256",
                                        "65536",
                                        "2147483648",
                                        "4294967296",
                                        "9007199254740992",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "1e400",
                                        "1e-400",
                                        "ffffffffffffffff",
                                        "%",
                                        "%00",
                                        "\\u0000",
                                        "\\ud800",
                                        "=",
                                        ",",
                                        ";",
                                        ":"};

}  // namespace

// xorshift64*: enough for choosing, and the same everywhere.
std::size_t Mutator::below(std::size_t bound) {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return bound == 0 ? 0 : static_cast<std::size_t>((state_ * 0x2545f4914f6cdd1dU) >> 20) % bound;
}

std::string Mutator::piece_of(std::string_view bytes) {
  const std::size_t from = below(bytes.size());
  return std::string(bytes.substr(from, 1 + below(bytes.size() - from)));
}

std::string Mutator::something() {
  switch (below(4)) {
    case 0:
      if (!words_.empty()) return words_[below(words_.size())];
      [[fallthrough]];
    case 1:
      return std::string(borders[below(std::size(borders))]);
    case 2:
      return piece_of(corpus_[below(corpus_.size())]);
    default:
      return std::string(1 + below(4), static_cast<char>(below(256)));
  }
}

void Mutator::change(std::string& bytes) {
  const std::size_t at = below(bytes.size() + 1);
  switch (below(8)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1U << below(8)));
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
      break;
    case 2:
      bytes.erase(at, 1 + below(8));
      break;
    case 3:
      bytes.resize(at);
      break;
    case 4:
      bytes.insert(at, piece_of(bytes));
      break;
    case 5:
      bytes.replace(at, below(16), something());
      break;
    case 6:
      bytes.append(corpus_[below(corpus_.size())]);
      break;
    default:
      bytes.insert(at, something());
      break;
  }
  if (bytes.size() > input_bytes_max) bytes.resize(input_bytes_max);
}

std::string Mutator::next() {
  std::string bytes = corpus_[below(corpus_.size())];
  for (std::size_t changes = 1 + below(6); changes != 0; --changes) change(bytes);
  return bytes;
}

}  // namespace tenon::fuzz
