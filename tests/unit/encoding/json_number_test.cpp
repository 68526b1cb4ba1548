// Numbers: the text they were written in, the double nearest to it, and what integers and money are read from.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "encoding/json.hpp"

namespace tenon::json {
namespace {

TEST(JsonNumber, KeepsItsTextAndTheNearestDouble) {
  struct Row {
    std::string text;
    double value;
  };
  const Row rows[] = {
      {"0", 0},
      {"-0", 0},
      {"0.0", 0},
      {"1", 1},
      {"-17", -17},
      {"1.0", 1},
      {"1e2", 100},
      {"1E+2", 100},
      {"12.50", 12.5},
      {"0.1", 0.1},
      {"129.99", 129.99},
      {"9007199254740991", 9007199254740991.0},
      {"-9007199254740991", -9007199254740991.0},
      {"1e23", 1e23},  // where sums of powers of ten go wrong by one bit
      {"8.5e-323", 8.5e-323},
      {"5e-324", 5e-324},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"1.7976931348623157e308", std::numeric_limits<double>::max()},
      {"123456789012345678901234567890.5", 123456789012345678901234567890.5},
      {"3.14159265358979323846264338327950288", 3.14159265358979323846264338327950288},
      {"0.000000000000000000000000000000000000000000001e45", 1},
      {"1e-400", 0},  // too small to tell from zero
      {"-1e-999999999", 0},
      {"0e999999999", 0},
  };
  for (const auto& [text, value] : rows) {
    SCOPED_TRACE(text);
    for (const std::string& document : {text, "[" + text + "]", "{\"n\": " + text + " }"}) {
      const auto parsed = parse(document);
      ASSERT_TRUE(parsed) << parsed.error().detail;
      const Value& found = parsed->array() != nullptr    ? parsed->array()->front()
                           : parsed->object() != nullptr ? parsed->object()->front().value
                                                         : *parsed;
      ASSERT_NE(found.number(), nullptr);
      EXPECT_EQ(found.number()->text, text);
      EXPECT_EQ(found.number()->value, value);
    }
  }
}

TEST(JsonNumber, IsRefusedWhereDifferentNumbersWouldBecomeTheSame) {
  struct Row {
    std::string text;
    std::string detail;  // after "not valid JSON at byte "
  };
  const Row rows[] = {
      {"9007199254740992", "0: an integer beyond 2^53 - 1"},
      {"-9007199254740992", "0: an integer beyond 2^53 - 1"},
      {"[1, 9007199254740993]", "4: an integer beyond 2^53 - 1"},
      {"9223372036854775807", "0: an integer beyond 2^53 - 1"},
      {"-9223372036854775808", "0: an integer beyond 2^53 - 1"},
      {"-9223372036854775809", "0: an integer beyond 2^53 - 1"},
      {"18446744073709551615", "0: an integer beyond 2^53 - 1"},
      {"18446744073709551616", "0: an integer beyond 2^53 - 1"},
      {"100000000000000000000000000000000", "0: an integer beyond 2^53 - 1"},
      {R"({"n":-100000000000000000000})", "5: an integer beyond 2^53 - 1"},
      {std::string(400, '9'), "0: an integer beyond 2^53 - 1"},
      {"1e309", "0: a number beyond the range of doubles"},
      {"[-1e400]", "1: a number beyond the range of doubles"},
      {"1.8e308", "0: a number beyond the range of doubles"},
      {"1.7976931348623159e308", "0: a number beyond the range of doubles"},
      {std::string(400, '9') + ".5", "0: a number beyond the range of doubles"},
  };
  for (const auto& [text, detail] : rows) {
    SCOPED_TRACE(text);
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::malformed_json);
    EXPECT_EQ(refused.error().detail, "not valid JSON at byte " + detail);
  }
  EXPECT_FALSE(parse("1e99999999999999999999"));
  EXPECT_FALSE(parse("[1e2147483648]"));
}

TEST(JsonInteger, IsOneWrittenWithoutFractionOrExponent) {
  struct Row {
    std::string text;
    std::optional<std::int64_t> value;
  };
  const Row rows[] = {
      {"0", 0},
      {"-0", 0},
      {"3", 3},
      {"-7", -7},
      {"9007199254740991", 9007199254740991},
      {"-9007199254740991", -9007199254740991},
      {"3.0", std::nullopt},
      {"3e0", std::nullopt},
      {"1E2", std::nullopt},
      {"0.5", std::nullopt},
      {"-0.0", std::nullopt},
  };
  for (const auto& [text, value] : rows) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(integer(*parsed->number()), value) << text;
  }
  for (const char* text : {"", "-", "+1", " 1", "1 ", "9223372036854775808", "x"}) {
    EXPECT_EQ(integer(Number{.text = text, .value = 0}), std::nullopt) << text;
  }
}

TEST(JsonHundredths, AreExactAndRefuseWhatTheyCannotHold) {
  struct Row {
    std::string text;
    std::optional<std::int64_t> value;
  };
  const Row rows[] = {
      {"0", 0},
      {"-0", 0},
      {"0.00", 0},
      {"1", 100},
      {"129", 12900},
      {"129.5", 12950},
      {"129.50", 12950},
      {"129.05", 12905},
      {"0.01", 1},
      {"-0.01", -1},
      {"-0.5", -50},
      {"-129.99", -12999},
      {"1.15", 115},  // 1.15 * 100 is 114.99999999999999 in doubles
      {"8.41", 841},
      {"9999999999999", 999999999999900},
      {"9999999999999.99", 999999999999999},
      {"-9999999999999.99", -999999999999999},
      {"10000000000000", std::nullopt},
      {"10000000000000.00", std::nullopt},
      {"-10000000000000", std::nullopt},
      {"9007199254740991", std::nullopt},
      {"123456789012345678901234567890.5", std::nullopt},
      {"1.001", std::nullopt},
      {"1.000", std::nullopt},
      {"0.005", std::nullopt},
      {"1e2", std::nullopt},
      {"1.5e1", std::nullopt},
      {"1E0", std::nullopt},
  };
  for (const auto& [text, value] : rows) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(hundredths(*parsed->number()), value) << text;
  }
  for (const char* text : {"", "-", ".", ".5", "5.", "-.5", "+1", "1.2.3", " 1", "1 ", "--1", "0x1", "1,5"}) {
    EXPECT_EQ(hundredths(Number{.text = text, .value = 0}), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tenon::json
