// A table of rules: one member of a good body changed, and what is said about it.
#pragma once

#include "asked.hpp"

namespace tenon::test {

struct Rule {
  std::string member;
  std::string value;  // empty: left out
  std::string path;   // empty: no violation
  std::string rule;
};

template <class Operations, class Handler>
void expect_rules(Handler handler, const Members& good, const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    const std::string body = object_of(changed(good, rule.member, rule.value));
    SCOPED_TRACE(body);
    const Asked asked = ask<Operations>(handler, body);
    if (rule.path.empty()) {
      EXPECT_EQ(asked.code, "");
      continue;
    }
    EXPECT_EQ(asked.code, "validation_failed");
    ASSERT_EQ(asked.violations.size(), 1U);
    EXPECT_EQ(asked.violations[0].path, rule.path);
    EXPECT_EQ(asked.violations[0].rule, rule.rule);
  }
}

// Text of `n` letters, quoted; or with two bytes a letter.
[[nodiscard]] inline std::string letters(std::size_t n) { return '"' + std::string(n, 'x') + '"'; }
[[nodiscard]] inline std::string wide_letters(std::size_t n) {
  std::string text = "\"";
  for (std::size_t i = 0; i < n; ++i) text += "\u00e9";
  return text + '"';
}

}  // namespace tenon::test
