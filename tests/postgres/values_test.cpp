// Every type goes to a real server and comes back as it was.
#include <gtest/gtest.h>

#include <limits>

#include "postgres/awaiting.hpp"
#include "support/cluster.hpp"

namespace tenon::postgres {
namespace {

using namespace std::chrono_literals;
using test::open;
using test::run;
using test::shared_cluster;
using test::soon;

class Values : public testing::Test {
 protected:
  Rows echo(const std::string& sql, const Parameters& parameters) {
    return run(io_, connection_->execute(sql, parameters, soon()));
  }
  std::string echoed_text(const std::string& sql, const Parameters& parameters) {
    return echo(sql, parameters).text(0, 0);
  }

  boost::asio::io_context io_{1};
  std::unique_ptr<Connection> connection_ = open(io_, shared_cluster().superuser());
};

const Instant some_instant{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29} + 12h + 345678us};

TEST_F(Values, EachScalarComesBackAsItWasSent) {
  const Uuid uuid = random_uuid();
  Parameters parameters;
  parameters.add("text with ünïcode");
  parameters.add(std::numeric_limits<std::int64_t>::min());
  parameters.add_int4(-7);
  parameters.add(uuid);
  parameters.add(some_instant);
  parameters.add(true);
  parameters.add_bytes(std::string_view("\0\xFF bytes", 8));
  parameters.add_json(R"({"a": [1, null]})");
  parameters.add_null(Type::uuid);
  parameters.add("");
  const Rows rows =
      echo("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5 = '2024-02-29 12:00:00.345678Z'", parameters);
  EXPECT_EQ(rows.text(0, 0), "text with ünïcode");
  EXPECT_EQ(read_int(*rows.get(0, 1)), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read_int(*rows.get(0, 2)), -7);
  EXPECT_EQ(read_uuid(*rows.get(0, 3)), uuid);
  EXPECT_EQ(read_instant(*rows.get(0, 4)), some_instant);
  EXPECT_TRUE(read_bool(*rows.get(0, 5)));
  EXPECT_EQ(rows.text(0, 6), std::string_view("\0\xFF bytes", 8));
  EXPECT_EQ(read_json(*rows.get(0, 7)), R"({"a": [1, null]})");
  EXPECT_EQ(rows.get(0, 8), std::nullopt);
  EXPECT_EQ(rows.get(0, 9), "");
  EXPECT_TRUE(read_bool(*rows.get(0, 10))) << "the server reads the instant as we mean it";
}

TEST_F(Values, TheEndsOfTimeAreInfinity) {
  Parameters parameters;
  parameters.add(Instant::max());
  parameters.add(Instant::min());
  const Rows rows = echo("SELECT $1 = 'infinity', $2 = '-infinity', $1, $2", parameters);
  EXPECT_TRUE(read_bool(*rows.get(0, 0)));
  EXPECT_TRUE(read_bool(*rows.get(0, 1)));
  EXPECT_EQ(read_instant(*rows.get(0, 2)), Instant::max());
  EXPECT_EQ(read_instant(*rows.get(0, 3)), Instant::min());
}

// What the server makes of an array, in its own words.
struct ArrayCase {
  const char* name;
  Type element;
  void (*fill)(ArrayParameter&);
  const char* as_text;
};

void PrintTo(const ArrayCase& one, std::ostream* out) { *out << one.name; }

const ArrayCase array_cases[] = {
    {"bool", Type::boolean, [](ArrayParameter& a) { a.add(true), a.add_null(), a.add(false); }, "{t,NULL,f}"},
    {"int2", Type::int2, [](ArrayParameter& a) { a.add(-32768), a.add_null(), a.add(32767); }, "{-32768,NULL,32767}"},
    {"int4", Type::int4, [](ArrayParameter& a) { a.add(-1), a.add_null(), a.add(2147483647); }, "{-1,NULL,2147483647}"},
    {"int8", Type::int8, [](ArrayParameter& a) { a.add(1), a.add_null(), a.add(9223372036854775807); },
     "{1,NULL,9223372036854775807}"},
    {"text", Type::text, [](ArrayParameter& a) { a.add("a,\"b"), a.add_null(), a.add(""), a.add("NULL"); },
     R"({"a,\"b",NULL,"","NULL"})"},
    {"bytea", Type::bytea, [](ArrayParameter& a) { a.add(std::string_view("\0\1", 2)), a.add_null(); },
     R"({"\\x0001",NULL})"},
    {"uuid", Type::uuid,
     [](ArrayParameter& a) { a.add(*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff")), a.add_null(); },
     "{00112233-4455-6677-8899-aabbccddeeff,NULL}"},
    {"timestamptz", Type::timestamptz, [](ArrayParameter& a) { a.add(some_instant), a.add_null(); },
     R"({"2024-02-29 12:00:00.345678+00",NULL})"},
    {"jsonb", Type::jsonb, [](ArrayParameter& a) { a.add(R"({"k": 1})"), a.add_null(), a.add("null"); },
     R"({"{\"k\": 1}",NULL,"null"})"},
    {"empty", Type::text, [](ArrayParameter&) {}, "{}"},
    {"empty again", Type::int8, [](ArrayParameter& a) { a.add(1), a.encoded(), a.clear(); }, "{}"},
};

class Arrays : public Values, public testing::WithParamInterface<ArrayCase> {};

TEST_P(Arrays, AreReadByTheServerAsTheyWereMeant) {
  ArrayParameter array(GetParam().element);
  GetParam().fill(array);
  Parameters parameters;
  parameters.add(array);
  EXPECT_EQ(echoed_text("SELECT $1::text", parameters), GetParam().as_text);
}

TEST_P(Arrays, ComeBackAsTheSameBytes) {
  ArrayParameter array(GetParam().element);
  GetParam().fill(array);
  Parameters parameters;
  parameters.add(array);
  const Rows rows = echo("SELECT $1", parameters);
  EXPECT_EQ(*rows.get(0, 0), array.encoded());
  EXPECT_EQ(ArrayReader(*rows.get(0, 0), GetParam().element).size(), array.size());
}

INSTANTIATE_TEST_SUITE_P(Types, Arrays, testing::ValuesIn(array_cases));

TEST_F(Values, AnArrayMadeByTheServerIsReadElementByElement) {
  const Rows rows = echo("SELECT ARRAY['a', NULL, '', 'ü']::text[]", {});
  ArrayReader reader(*rows.get(0, 0), Type::text);
  ASSERT_EQ(reader.size(), 4U);
  EXPECT_EQ(reader.next(), "a");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.next(), "");
  EXPECT_EQ(reader.next(), "ü");
}

}  // namespace
}  // namespace tenon::postgres
