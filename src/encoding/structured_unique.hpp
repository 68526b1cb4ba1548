// Repeated keys of a dictionary or of parameters: the last value wins and takes the first one's place.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace tenon::structured {

// By sorting: looking each key up among those before it would let a header of many short keys cost its square.
template <class Value>
void keep_last_of_each_key(std::vector<std::pair<std::string, Value>>& entries) {
  if (entries.size() < 2) return;
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const int compared = entries[a].first.compare(entries[b].first);
    return compared != 0 ? compared < 0 : a < b;
  });
  bool repeated = false;
  for (std::size_t i = 1, first = order[0]; i < order.size(); ++i) {
    if (entries[order[i]].first != entries[first].first) {
      first = order[i];
      continue;
    }
    entries[first].second = std::move(entries[order[i]].second);
    entries[order[i]].first.clear();  // no key is empty: marks what goes
    repeated = true;
  }
  if (repeated) std::erase_if(entries, [](const auto& entry) { return entry.first.empty(); });
}

}  // namespace tenon::structured
