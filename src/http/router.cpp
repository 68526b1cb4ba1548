#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "http/ascii.hpp"

namespace tenon::http {
namespace {

constexpr std::size_t segments_max = 16;  // of a pattern; a longer path matches nothing

// How many segments of the path were written; 0 when it does not begin with a slash or has more than any pattern may.
std::size_t split(std::string_view path, std::array<std::string_view, segments_max>& segments) {
  if (!path.starts_with('/')) return 0;
  for (std::size_t count = 0; count < segments_max;) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    segments[count++] = segment;
    if (segment.size() == path.size()) return count;
    path.remove_prefix(segment.size());
  }
  return 0;
}

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

}  // namespace

std::optional<std::size_t> Router::Pattern::route_for(Method method) const noexcept {
  const auto& own = routes[static_cast<std::size_t>(method)];
  return own || method != Method::head ? own : routes[static_cast<std::size_t>(Method::get)];
}

// Both have as many segments.
bool Router::fits(const Segments& pattern, std::span<const std::string_view> path) noexcept {
  for (std::size_t i = pattern.size(); i-- > 0;) {  // from the end: paths begin alike
    if (pattern[i].is_parameter ? path[i].empty() : pattern[i].literal != path[i]) return false;
  }
  return true;
}

// Of two patterns that fit one path, the one with the first literal where the other has a parameter.
bool Router::more_literal(const Segments& a, const Segments& b) noexcept {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  return in_a != a.end() && !in_a->is_parameter;
}

Router::Segment Router::segment_of(std::string_view segment, std::string_view pattern) {
  const auto malformed = [&] { return std::invalid_argument("malformed route pattern " + std::string(pattern)); };
  if (segment.starts_with('{')) {
    if (segment.size() < 3 || !segment.ends_with('}')) throw malformed();
    segment = segment.substr(1, segment.size() - 2);
    if (segment.find_first_of("{}") != std::string_view::npos) throw malformed();
    return {.literal = {}, .is_parameter = true};
  }
  if (segment.find_first_of("{}?#% ") != std::string_view::npos) throw malformed();
  return {.literal = std::string(segment), .is_parameter = false};
}

void Router::add(Method method, std::string_view pattern, std::size_t route) {
  std::array<std::string_view, segments_max> parts;
  const std::size_t count = split(pattern, parts);
  if (count == 0) throw std::invalid_argument("malformed route pattern " + std::string(pattern));
  Segments segments;
  for (std::size_t i = 0; i < count; ++i) segments.push_back(segment_of(parts[i], pattern));
  by_length_.resize(std::max(by_length_.size(), count + 1));
  std::vector<Pattern>& alike = by_length_[count];
  auto same = std::ranges::find(alike, segments, &Pattern::segments);
  if (same == alike.end()) same = alike.insert(same, Pattern{.segments = std::move(segments)});
  auto& place = same->routes[static_cast<std::size_t>(method)];
  if (place) throw std::invalid_argument("two routes for " + std::string(name_of(method)) + " " + std::string(pattern));
  place = route;
}

// Of a path that no pattern fits which knows the method: what other methods it knows.
Problem Router::refusal(std::span<const std::string_view> path) const {
  std::string allow;
  for (std::size_t i = 0; i < method_count; ++i) {
    const auto method = static_cast<Method>(i);
    const bool allowed = std::ranges::any_of(by_length_[path.size()], [&](const Pattern& pattern) {
      return pattern.route_for(method) && fits(pattern.segments, path);
    });
    if (allowed) allow.append(allow.empty() ? "" : ", ").append(name_of(method));
  }
  if (allow.empty()) return problem(ProblemCode::unknown_path);
  Problem refusal = problem(ProblemCode::method_not_allowed);
  refusal.allow = std::move(allow);
  return refusal;
}

Result<Match> Router::match(Method method, std::string_view path) const {
  std::array<std::string_view, segments_max> parts;
  const std::size_t count = split(path, parts);
  if (count == 0 || count >= by_length_.size()) return problem(ProblemCode::unknown_path);
  const Pattern* best = nullptr;
  for (const Pattern& pattern : by_length_[count]) {
    if (!pattern.route_for(method) || !fits(pattern.segments, {parts.data(), count})) continue;
    // A HEAD route of its own wins over GET for the very same pattern, not over a more literal one.
    if (!best || more_literal(pattern.segments, best->segments)) best = &pattern;
  }
  if (!best) return refusal({parts.data(), count});

  Match match{.route = *best->route_for(method), .parameters = {}};
  for (std::size_t i = 0; i < count; ++i) {
    if (!best->segments[i].is_parameter) continue;
    auto decoded = percent_decode(parts[i]);
    if (!decoded) return problem(ProblemCode::unknown_path, "the path has a malformed percent-encoding");
    match.parameters.push_back(std::move(*decoded));
  }
  return match;
}

}  // namespace tenon::http
