// PostgreSQL's binary formats, byte for byte.
#include "postgres/value.hpp"

#include <gtest/gtest.h>

namespace tenon::postgres {
namespace {

using namespace std::chrono_literals;

std::string hex_of(std::string_view bytes) {
  return hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string value_of(const Parameters& parameters, std::size_t i = 0) {
  return hex_of({parameters.values()[i], static_cast<std::size_t>(parameters.lengths()[i])});
}

TEST(AnArray, HasAHeaderThenEachElementWithItsLength) {
  ArrayParameter array(Type::int4);
  array.add(1);
  array.add_null();
  array.add(-2);
  EXPECT_EQ(hex_of(array.encoded()),
            "00000001"
            "00000001"
            "00000017"
            "00000003"
            "00000001"
            "00000004"
            "00000001"
            "ffffffff"
            "00000004"
            "fffffffe");
}

TEST(AnArray, WithoutNullsSaysSo) {
  ArrayParameter array(Type::text);
  array.add("ab");
  EXPECT_EQ(hex_of(array.encoded()),
            "00000001"
            "00000000"
            "00000019"
            "00000001"
            "00000001"
            "00000002"
            "6162");
}

TEST(AnArray, WithoutElementsHasNoDimension) {
  ArrayParameter array(Type::uuid);
  EXPECT_EQ(hex_of(array.encoded()),
            "00000000"
            "00000000"
            "00000b86");
}

TEST(AnArray, IsFreshAfterClear) {
  ArrayParameter array(Type::boolean);
  array.add_null();
  array.add(true);
  EXPECT_EQ(array.size(), 2U);
  array.clear();
  EXPECT_EQ(array.size(), 0U);
  array.add(false);
  EXPECT_EQ(hex_of(array.encoded()),
            "00000001"
            "00000000"
            "00000010"
            "00000001"
            "00000001"
            "00000001"
            "00");
}

TEST(AnArray, GrowsOnAfterItWasEncoded) {
  ArrayParameter array(Type::int2);
  array.add(1);
  (void)array.encoded();
  array.add(2);
  EXPECT_EQ(hex_of(array.encoded()),
            "00000001"
            "00000000"
            "00000015"
            "00000002"
            "00000001"
            "00000002"
            "0001"
            "00000002"
            "0002");
}

TEST(AnArrayOfJson, CarriesTheVersionInEachElement) {
  ArrayParameter array(Type::jsonb);
  array.add("{}");
  EXPECT_EQ(hex_of(array.encoded()),
            "00000001"
            "00000000"
            "00000eda"
            "00000001"
            "00000001"
            "00000003"
            "017b7d");
}

TEST(AParameter, IsEncodedByItsType) {
  Parameters parameters;
  parameters.add("text");
  parameters.add(-1);
  parameters.add_int4(2);
  parameters.add(*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff"));
  parameters.add(Instant{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}} + 1us);
  parameters.add(true);
  parameters.add_bytes(std::string_view("\0\1", 2));
  parameters.add_json("[]");
  const struct {
    Oid type;
    const char* bytes;
  } expected[] = {
      {25, "74657874"},
      {20, "ffffffffffffffff"},
      {23, "00000002"},
      {2950, "00112233445566778899aabbccddeeff"},
      {1184, "0000000000000001"},
      {16, "01"},
      {17, "0001"},
      {3802, "015b5d"},
  };
  ASSERT_EQ(parameters.count(), 8);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(parameters.types()[i], expected[i].type) << i;
    EXPECT_EQ(value_of(parameters, i), expected[i].bytes) << i;
    EXPECT_EQ(parameters.formats()[i], 1) << i;
  }
}

TEST(AParameter, ThatIsALiteralIsTextAndNotABoolean) {
  Parameters parameters;
  parameters.add("x");
  EXPECT_EQ(parameters.types()[0], 25U);
}

TEST(AParameter, ThatIsEmptyIsNotNull) {
  Parameters parameters;
  parameters.add("");
  parameters.add_null(Type::text);
  EXPECT_NE(parameters.values()[0], nullptr);
  EXPECT_EQ(parameters.values()[1], nullptr);
}

TEST(AnArrayAsAParameter, IsNotCopied) {
  ArrayParameter array(Type::text);
  array.add("x");
  Parameters parameters;
  parameters.add(array);
  EXPECT_EQ(parameters.values()[0], array.encoded().data());
  EXPECT_EQ(parameters.types()[0], 1009U);
}

std::string bytes_of(std::string_view hex_text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex_text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex_text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(ReadingAnArray, RefusesWhatIsNone) {
  const struct {
    const char* what;
    const char* bytes;
  } cases[] = {
      {"nothing", ""},
      {"half a header", "0000000100000000"},
      {"another element type", "000000000000000000000014"},
      {"two dimensions", "00000002000000000000001900000001000000010000000100000001"},
      {"a negative dimension",
       "ffffffff000000000000001900000001"
       "00000001"},
      {"a header cut off", "000000010000000000000019"},
      {"a count beyond the bytes",
       "00000001000000000000001970000000"
       "00000001"
       "0000000161"},
  };
  for (const auto& one : cases)
    EXPECT_THROW(ArrayReader(bytes_of(one.bytes), Type::text), std::runtime_error) << one.what;
}

TEST(ReadingAnArray, StopsAtAnElementThatLies) {
  for (const char* length : {"00000002", "7fffffff", "fffffffe"}) {
    const std::string bytes = bytes_of(std::string("00000001000000000000001900000001"
                                                   "00000001") +
                                       length + "61");
    ArrayReader reader(bytes, Type::text);
    EXPECT_THROW((void)reader.next(), std::runtime_error) << length;
  }
  const std::string bytes = bytes_of("000000000000000000000019");
  ArrayReader empty(bytes, Type::text);
  EXPECT_EQ(empty.size(), 0U);
  EXPECT_THROW((void)empty.next(), std::runtime_error);
}

TEST(ReadingAValue, GoesBySize) {
  EXPECT_EQ(read_int(bytes_of("fffe")), -2);
  EXPECT_EQ(read_int(bytes_of("fffffffe")), -2);
  EXPECT_EQ(read_int(bytes_of("fffffffffffffffe")), -2);
  EXPECT_THROW((void)read_int(bytes_of("00")), std::runtime_error);
  EXPECT_THROW((void)read_int(""), std::runtime_error);
  EXPECT_TRUE(read_bool(bytes_of("01")));
  EXPECT_FALSE(read_bool(bytes_of("00")));
  EXPECT_THROW((void)read_bool(""), std::runtime_error);
  EXPECT_THROW((void)read_uuid("short"), std::runtime_error);
  EXPECT_THROW((void)read_instant("short"), std::runtime_error);
  EXPECT_EQ(read_json(bytes_of("017b7d")), "{}");
  EXPECT_THROW((void)read_json("{}"), std::runtime_error);
  EXPECT_THROW((void)read_json(""), std::runtime_error);
}

TEST(ReadingAnInstant, SaturatesAtItsEnds) {
  EXPECT_EQ(read_instant(bytes_of("7fffffffffffffff")), Instant::max());
  EXPECT_EQ(read_instant(bytes_of("8000000000000000")), Instant::min());
  EXPECT_EQ(read_instant(bytes_of("ffffffffffffffff")),
            Instant{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}} - 1us);
}

}  // namespace
}  // namespace tenon::postgres
