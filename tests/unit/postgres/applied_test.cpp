// What a program may do to a database, by what the two know of migrations.
#include "postgres/applied.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tenon::postgres {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<Migration> ours{{"a", 1, "one", "SELECT 1"}, {"a", 2, "two", "SELECT 2"}};
const std::string sum_1 = checksum_of(ours[0]);
const std::string sum_2 = checksum_of(ours[1]);

TEST(TheChecksumOfAMigration, IsTheSha256OfItsText) {
  EXPECT_EQ(sum_1, "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5");
}

TEST(ADatabase, ContradictsAProgramThatDoesNotKnowAllOfIt) {
  const struct {
    Applied applied;
    const char* reason;
  } cases[] = {
      {{}, ""},
      {{{{"a", 1}, sum_1}}, ""},
      {{{{"a", 1}, sum_1}, {{"a", 2}, sum_2}}, ""},
      {{{{"a", 1}, sum_2}}, "a 1 (one) was applied to this database with another text"},
      {{{{"a", 1}, sum_1}, {{"a", 2}, sum_2}, {{"a", 3}, "x"}},
       "has migration a 3 and this program knows only up to 2"},
      {{{{"another program's", 9}, "x"}}, ""},
  };
  for (const auto& one : cases) {
    const std::string reason = contradiction(one.applied, ours);
    if (*one.reason == '\0') {
      EXPECT_THAT(reason, IsEmpty());
    } else {
      EXPECT_THAT(reason, HasSubstr(one.reason));
    }
  }
}

TEST(MigrationsOfASet, CountFromOneWithoutGaps) {
  const struct {
    std::vector<Migration> migrations;
    bool well_numbered;
  } cases[] = {
      {{}, true},
      {ours, true},
      {{{"a", 1, "", ""}, {"b", 1, "", ""}, {"a", 2, "", ""}}, true},
      {{{"a", 2, "", ""}}, false},
      {{{"a", 0, "", ""}}, false},
      {{{"a", 1, "", ""}, {"a", 1, "", ""}}, false},
      {{{"a", 1, "", ""}, {"a", 3, "", ""}}, false},
      {{{"a", 2, "", ""}, {"a", 1, "", ""}}, false},
  };
  for (const auto& one : cases) {
    if (one.well_numbered) {
      EXPECT_NO_THROW(require_well_numbered(one.migrations));
    } else {
      EXPECT_THROW(require_well_numbered(one.migrations), std::logic_error);
    }
  }
}

TEST(EmbeddedMigrations, AreWellNumberedAndNotEmpty) {
  const std::vector<Migration> embedded = embedded_migrations();
  EXPECT_NO_THROW(require_well_numbered(embedded));
  for (const Migration& migration : embedded) {
    EXPECT_EQ(migration.set, "tenon");
    EXPECT_FALSE(migration.sql.empty()) << migration.name;
  }
}

}  // namespace
}  // namespace tenon::postgres
