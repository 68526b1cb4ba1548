// Keeps a keyring filled from a key set: a file, or a URL. Never in a request's way: a thread of its own refreshes it.
#pragma once

#include <atomic>
#include <expected>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "node/token_settings.hpp"
#include "safeguards/token_key.hpp"

namespace tenon {

class KeySetSource {
 public:
  // Fills the ring before it returns. A URL that cannot be had is made up for by the set that was fetched last, which
  // is kept in `data_dir`; without one, and for a file that will not do: std::runtime_error.
  KeySetSource(const TokenSettings& settings, std::vector<safeguards::TokenAlgorithm> algorithms,
               const std::filesystem::path& data_dir, safeguards::TokenKeyring& ring, Logger& log);
  ~KeySetSource();  // ends the thread; a fetch under way is given up

  // From then on: a URL is fetched every refresh period, sooner when a token named a key that is not there (once in ten
  // seconds at most) or the last attempt failed; a file is looked at every second. What cannot be had or used leaves
  // the keys as they are.
  void start();

  [[nodiscard]] double age_seconds() const noexcept;  // since the keys were last known to be the source's

 private:
  using Text = std::expected<std::string, std::string>;
  [[nodiscard]] Text load(const std::stop_token& stop) const;
  [[nodiscard]] std::expected<void, std::string> take(const std::string& text);
  void refresh(const std::stop_token& stop);
  void run(const std::stop_token& stop);
  void keep_copy(const std::string& text) const;

  const std::string source_;
  const std::filesystem::path authorities_;
  const std::chrono::seconds period_;
  const std::vector<safeguards::TokenAlgorithm> algorithms_;
  const std::filesystem::path copy_;
  safeguards::TokenKeyring& ring_;
  Logger& log_;
  std::string text_;  // what the ring holds
  bool troubled_ = false;
  std::atomic<std::int64_t> known_at_ = 0;  // monotonic nanoseconds
  std::jthread thread_;
};

}  // namespace tenon
