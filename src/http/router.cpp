#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <stdexcept>

#include "http/ascii.hpp"

namespace tenon::http {
namespace {

constexpr std::size_t segments_max = 16;  // of a pattern; a longer path matches nothing
constexpr std::string_view parameter = "{";

using Segments = std::span<const std::string_view>;

class Split {
 public:
  // Nothing when the path does not begin with a slash or has more segments than any pattern may have.
  static std::optional<Split> of(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    Split split;
    while (true) {
      if (split.count_ == segments_max) return std::nullopt;
      path.remove_prefix(1);
      const std::string_view segment = path.substr(0, path.find('/'));
      split.segments_[split.count_++] = segment;
      if (segment.size() == path.size()) return split;
      path.remove_prefix(segment.size());
    }
  }
  [[nodiscard]] Segments segments() const { return {segments_.data(), count_}; }

 private:
  std::array<std::string_view, segments_max> segments_;
  std::size_t count_ = 0;
};

std::optional<std::string> percent_decode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = ascii::hex_value(text[i + 1]);
    const int low = ascii::hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

// Both have as many segments.
bool fits(const std::vector<std::string>& pattern, Segments path) {
  for (std::size_t i = pattern.size(); i-- > 0;) {  // from the end: paths begin alike
    if (pattern[i] == parameter ? path[i].empty() : pattern[i] != path[i]) return false;
  }
  return true;
}

// Of two patterns that fit one path, the one with the first literal where the other has a parameter.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  return in_a != a.end() && *in_a != parameter;
}

std::string pattern_segment(std::string_view segment, std::string_view pattern) {
  const auto malformed = [&] { return std::invalid_argument("malformed route pattern " + std::string(pattern)); };
  if (segment.starts_with('{')) {
    if (segment.size() < 3 || !segment.ends_with('}')) throw malformed();
    segment = segment.substr(1, segment.size() - 2);
    if (segment.find_first_of("{}") != std::string_view::npos) throw malformed();
    return std::string(parameter);
  }
  if (segment.find_first_of("{}?#% ") != std::string_view::npos) throw malformed();
  return std::string(segment);
}

}  // namespace

void Router::add(Method method, std::string_view pattern, std::size_t route) {
  const auto split = Split::of(pattern);
  if (!split) throw std::invalid_argument("malformed route pattern " + std::string(pattern));
  Entry entry{.method = method, .segments = {}, .route = route};
  for (const std::string_view segment : split->segments()) entry.segments.push_back(pattern_segment(segment, pattern));
  by_length_.resize(std::max(by_length_.size(), entry.segments.size() + 1));
  std::vector<Entry>& alike = by_length_[entry.segments.size()];
  for (const Entry& other : alike)
    if (other.method == method && other.segments == entry.segments)
      throw std::invalid_argument("two routes for " + std::string(name_of(method)) + " " + std::string(pattern));
  alike.push_back(std::move(entry));
}

Result<Match> Router::match(Method method, std::string_view path) const {
  const auto split = Split::of(path);
  if (!split || split->segments().size() >= by_length_.size()) return problem(ProblemCode::unknown_path);
  const Entry* best = nullptr;
  std::array<bool, 8> allowed{};
  const auto better = [&](const Entry& entry) {
    if (!best) return true;
    // A HEAD route of its own wins over GET for the very same pattern, not over a more literal one.
    if (best->segments == entry.segments) return entry.method == method;
    return more_literal(entry.segments, best->segments);
  };
  for (const Entry& entry : by_length_[split->segments().size()]) {
    if (!fits(entry.segments, split->segments())) continue;
    allowed[static_cast<std::size_t>(entry.method)] = true;
    const bool serves = entry.method == method || (method == Method::head && entry.method == Method::get);
    if (serves && better(entry)) best = &entry;
  }

  if (!best) {
    if (allowed[static_cast<std::size_t>(Method::get)]) allowed[static_cast<std::size_t>(Method::head)] = true;
    std::string allow;
    for (std::size_t i = 0; i < allowed.size(); ++i)
      if (allowed[i]) allow.append(allow.empty() ? "" : ", ").append(name_of(static_cast<Method>(i)));
    if (allow.empty()) return problem(ProblemCode::unknown_path);
    Problem refusal = problem(ProblemCode::method_not_allowed);
    refusal.allow = std::move(allow);
    return refusal;
  }

  Match match{.route = best->route, .parameters = {}};
  for (std::size_t i = 0; i < best->segments.size(); ++i) {
    if (best->segments[i] != parameter) continue;
    auto decoded = percent_decode(split->segments()[i]);
    if (!decoded) return problem(ProblemCode::unknown_path, "the path has a malformed percent-encoding");
    match.parameters.push_back(std::move(*decoded));
  }
  return match;
}

}  // namespace tenon::http
