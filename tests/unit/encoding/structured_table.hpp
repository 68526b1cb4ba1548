// Tables of structured fields: a text, and its canonical form or nothing where it must be refused.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <string>

#include "encoding/structured_field.hpp"

namespace tenon::structured {

inline constexpr const char* refused = nullptr;

enum class Type { item, list, dictionary };

struct Row {
  std::string text;
  const char* canonical;
};

inline std::optional<std::string> canonical(Type type, std::string_view text) {
  // What is accepted must be shown as accepted, also where the serializer would refuse it.
  const auto written = [](const auto& parsed) {
    return parsed ? std::optional(serialize(*parsed).value_or("(accepted, but cannot be written)")) : std::nullopt;
  };
  switch (type) {
    case Type::item:
      return written(parse_item(text));
    case Type::list:
      return written(parse_list(text));
    case Type::dictionary:
      return written(parse_dictionary(text));
  }
  return std::nullopt;
}

inline void expect(Type type, std::span<const Row> rows) {
  for (const auto& [text, expected] : rows) {
    SCOPED_TRACE(testing::PrintToString(text));
    EXPECT_EQ(canonical(type, text), expected == refused ? std::nullopt : std::optional<std::string>(expected));
  }
}

}  // namespace tenon::structured
