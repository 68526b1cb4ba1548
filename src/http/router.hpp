// From a method and a path to the number of a route: knows patterns, not what they are for.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace tenon::http {

// The parts of the path that stood for "{name}" in the pattern, percent-decoded, in order.
using PathParameters = std::vector<std::string>;

struct Match {
  std::size_t route;
  PathParameters parameters;
};

class Router {
 public:
  // Pattern: "/api/inventory/{id}"; a "{name}" takes one whole, non-empty segment; a literal segment wins over a
  // "{name}". Throws std::invalid_argument for a pattern that is malformed, or already there for that method.
  void add(Method method, std::string_view pattern, std::size_t route);

  // unknown_path, or method_not_allowed with `allow` filled. HEAD finds the GET route where it has none of its own.
  // A trailing slash is another path. Any number of threads may call this once all routes are added.
  [[nodiscard]] Result<Match> match(Method method, std::string_view path) const;

 private:
  struct Segment {
    std::string literal;  // empty where a parameter stands
    bool is_parameter;
    bool operator==(const Segment&) const = default;
  };
  using Segments = std::vector<Segment>;
  struct Pattern {
    Segments segments;
    std::array<std::optional<std::size_t>, method_count> routes = {};  // by method

    [[nodiscard]] std::optional<std::size_t> route_for(Method method) const noexcept;
  };
  [[nodiscard]] static Segment segment_of(std::string_view segment, std::string_view pattern);
  [[nodiscard]] static bool fits(const Segments& pattern, std::span<const std::string_view> path) noexcept;
  [[nodiscard]] static bool more_literal(const Segments& a, const Segments& b) noexcept;
  [[nodiscard]] Problem refusal(std::span<const std::string_view> path) const;

  std::vector<std::vector<Pattern>> by_length_;  // by the number of segments
};

}  // namespace tenon::http
