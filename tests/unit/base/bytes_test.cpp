#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace tenon {
namespace {

using namespace std::string_literals;

TEST(Uuid, IsReadInEitherCaseWithDashesOnly) {
  const std::string canonical = "0123abcd-4567-89ef-8000-00ff10a0b0c0";
  struct Row {
    std::string text;
    std::optional<std::string> read_as;
  };
  const Row rows[] = {
      {"0123abcd-4567-89ef-8000-00ff10a0b0c0", canonical},
      {"0123ABCD-4567-89EF-8000-00FF10A0B0C0", canonical},
      {"0123aBcD-4567-89eF-8000-00fF10a0B0c0", canonical},
      {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
      {"ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
      {"", std::nullopt},
      {"0123abcd456789ef800000ff10a0b0c0", std::nullopt},               // no dashes
      {"0123abcd-4567-89ef-8000-00ff10a0b0c", std::nullopt},            // a digit short
      {"0123abcd-4567-89ef-8000-00ff10a0b0c00", std::nullopt},          // a digit long
      {" 0123abcd-4567-89ef-8000-00ff10a0b0c", std::nullopt},           // white space
      {"{0123abcd-4567-89ef-8000-00ff10a0b0c0}", std::nullopt},         // braces
      {"urn:uuid:0123abcd-4567-89ef-8000-00ff10a0b0c0", std::nullopt},  // URN
      {"0123abcd-456-789ef-8000-00ff10a0b0c0", std::nullopt},           // a dash out of place
      {"0123abcd_4567_89ef_8000_00ff10a0b0c0", std::nullopt},           // other dashes
      {"0123abcg-4567-89ef-8000-00ff10a0b0c0", std::nullopt},           // not hexadecimal
      {"0123abc-\0-4567-89ef-8000-00ff10a0b0c"s, std::nullopt},         // NUL
      {"-123abcd-4567-89ef-8000-00ff10a0b0c0", std::nullopt},           // a sign
      {"0123abcd-4567-89ef-8000-00ff10a0b0\xc3\xa9", std::nullopt},     // not ASCII
      {"0x23abcd-4567-89ef-8000-00ff10a0b0c0", std::nullopt},           // a prefix
  };
  for (const auto& [text, read_as] : rows) {
    SCOPED_TRACE(text);
    const auto uuid = Uuid::parse(text);
    EXPECT_EQ(uuid ? std::optional(uuid->text()) : std::nullopt, read_as);
  }
}

TEST(Uuid, KeepsItsBytesInTheOrderOfItsText) {
  const auto uuid = Uuid::parse("00010203-0405-0607-0809-0a0b0c0d0e0f");
  ASSERT_TRUE(uuid);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(uuid->bytes[i], i);
  EXPECT_LT(*uuid, *Uuid::parse("00010203-0405-0607-0809-0a0b0c0d0e10"));
}

TEST(Uuid, RandomOnesAreOfVersion4AndAllDifferent) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = random_uuid();
    EXPECT_EQ(uuid.text()[14], '4');
    EXPECT_TRUE(std::string_view("89ab").contains(uuid.text()[19])) << uuid.text();
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Random, FillsEveryByte) {
  std::array<std::uint8_t, 64> ever_set{};
  for (int i = 0; i < 200; ++i) {
    std::array<std::uint8_t, 64> bytes{};
    fill_random(bytes);
    for (std::size_t b = 0; b < bytes.size(); ++b) ever_set[b] |= bytes[b];
  }
  EXPECT_TRUE(std::ranges::all_of(ever_set, [](std::uint8_t bits) { return bits == 0xff; }));
  fill_random({});  // nothing to fill is no failure
}

TEST(Sha256, GivesThePublishedDigests) {
  struct Row {
    std::string bytes;
    std::string digest;
  };
  const Row rows[] = {
      // FIPS 180-2 appendix B, and NIST's message of no bytes
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {"\0"s, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
  };
  for (const auto& [bytes, digest] : rows) EXPECT_EQ(hex(sha256(bytes)), digest) << bytes.size() << " bytes";
}

TEST(EqualInConstantTime, ComparesLengthAndEveryByte) {
  struct Row {
    std::string a, b;
    bool equal;
  };
  const Row rows[] = {
      {"", "", true},
      {"secret", "secret", true},
      {"a\0b"s, "a\0b"s, true},
      {"secret", "Secret", false},
      {"secret", "secreT", false},
      {"secret", "secre", false},
      {"secre", "secret", false},
      {"", "s", false},
      {"a\0b"s, "a\0c"s, false},
      {"a"s, "a\0"s, false},
  };
  for (const auto& [a, b, equal] : rows) EXPECT_EQ(equal_in_constant_time(a, b), equal) << a << " | " << b;
}

TEST(Base64Url, WritesTheVectorsOfRfc4648WithoutPadding) {
  struct Row {
    std::string bytes, text;
  };
  const Row rows[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
      {"\0"s, "AA"},      {"\0\0\0"s, "AAAA"},  {"\xff", "_w"},
  };
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(base64url(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
}

TEST(Base64Url, RefusesEveryOtherSpelling) {
  for (const std::string& text : {
           "Zg=="s, "Zm8="s, "="s,           // padding
           "-__+"s, "-_/-"s,                 // the other alphabet
           "Z"s, "Zm9vY"s,                   // no whole byte
           "Zh"s, "Zm9"s, "_x"s,             // unused bits set
           "Zg\n"s, " Zg"s, "Zm 9v"s,        // white space
           "Zm9\0"s, "Zm\xc3\xa9"s, "Zm.v"s  // anything else
       }) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
}

TEST(Base64Url, DecodesWhatItEncodedAndNothingElseToIt) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = base64url(bytes);
    ASSERT_EQ(base64url_decode(text), bytes);
    if (text.empty()) continue;
    std::string other = text;
    other[random() % other.size()] = "ABCxyz019-_"[random() % 11];
    if (other != text) {
      ASSERT_NE(base64url_decode(other), bytes) << text << " and " << other;
    }
  }
}

TEST(Hex, IsLowerCaseAndTwoDigitsPerByte) {
  EXPECT_EQ(hex({}), "");
  EXPECT_EQ(hex(std::array<std::uint8_t, 4>{0x00, 0x0a, 0xf0, 0xff}), "000af0ff");
}

}  // namespace
}  // namespace tenon
