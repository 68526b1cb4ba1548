#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace tenon {
namespace {

constexpr std::size_t bytes_compared_max = 100;

// Damerau and Levenshtein's distance, with each letter moved once at most.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view text, std::span<const std::string> known) {
  std::string_view best;
  std::size_t best_edits = std::string_view::npos;
  if (text.size() > bytes_compared_max) return best;
  for (const std::string& name : known) {
    if (name.size() > bytes_compared_max) continue;
    const std::size_t edits = edits_between(text, name);
    const bool far = edits * 3 > std::max<std::size_t>(name.size(), 3) || edits >= std::max(name.size(), text.size());
    if (far || edits >= best_edits) continue;
    best = name;
    best_edits = edits;
  }
  return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string> known) {
  const std::string_view meant = nearest(text, known);
  return meant.empty() ? std::string() : " (did you mean \"" + std::string(meant) + "\"?)";
}

}  // namespace tenon
