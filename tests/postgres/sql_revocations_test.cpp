// Revocations of tokens as the database holds them: how many may be in force, and which word on a token counts.
#include <gmock/gmock.h>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::Optional;

class SqlRevocations : public SqlTest {
 protected:
  Answer revoke(const std::string& name, const std::string& expires_at = {}) {
    const std::string end = expires_at.empty() ? "" : R"(,"expires_at":")" + moment(expires_at) + '"';
    return run("revoke_tokens", R"({"token_id":")" + name + '"' + end + "}");
  }
  Answer lift(const std::string& name) {
    return run(
        "lift_revocation",
        R"({"id":")" + value(superuser_, "SELECT id FROM token_revocations WHERE token_id = '" + name + "'") + "\"}");
  }
  // SQL's "now() + $1".
  std::string moment(const std::string& from_now) {
    return value(superuser_, "SELECT tenon.iso(now() + interval '" + from_now + "')");
  }
  // The bound, which is a million.
  void allow_no_more_than(int count) {
    const std::string body = "pg_get_functiondef('tenon.revoke_tokens'::regproc)";
    ASSERT_EQ(value(superuser_, "SELECT strpos(" + body + ", '1000000') > 0"), "t");
    superuser_.script("DO $$ BEGIN EXECUTE replace(" + body + ", '1000000', '" + std::to_string(count) + "'); END $$");
  }
  std::string held() {
    return lines(superuser_, "SELECT token_id, expires_at > now(), lifted, change FROM token_revocations ORDER BY id");
  }
  std::string entries() { return value(superuser_, "SELECT count(*) FROM audit_logs"); }

 private:
  Answer run(const std::string& operation, const std::string& arguments) {
    return execute_one(edge_, operation, {.envelope = envelope(++last_key_), .arguments = arguments});
  }
  int last_key_ = 0;
};

TEST_F(SqlRevocations, AreBoundedByHowManyAreInForce) {
  allow_no_more_than(3);
  for (const char* name : {"t1", "t2", "t3"}) EXPECT_EQ(revoke(name).status, 201);
  EXPECT_EQ(revoke("t4").problem, "too_many_revocations");
  EXPECT_EQ(revoke("t3").status, 200) << "is among them";
  EXPECT_EQ(lift("t3").status, 204);
  EXPECT_EQ(revoke("t4").status, 201);
  EXPECT_EQ(revoke("t3").problem, "too_many_revocations") << "lifted, and now one more";
}

TEST_F(SqlRevocations, ThatExpiredLeaveRoomForOthers) {
  allow_no_more_than(3);
  for (const char* name : {"t1", "t2", "t3"}) EXPECT_EQ(revoke(name, "-2 days").status, 201);
  for (const char* name : {"t4", "t5"}) EXPECT_EQ(revoke(name).status, 201);
  EXPECT_EQ(revoke("t6", "-1 hour").status, 201) << "a token may live on by its leeway";
  EXPECT_EQ(revoke("t7").problem, "too_many_revocations");
  EXPECT_EQ(revoke("t1").problem, "too_many_revocations") << "would be in force again";
}

TEST_F(SqlRevocations, OfATokenOnlyMoveTheirEndForward) {
  EXPECT_EQ(revoke("t1", "-1 hour").status, 201);
  EXPECT_EQ(revoke("t1", "-2 hours").status, 200);
  EXPECT_EQ(held(), "t1|f|f|1\n");
  EXPECT_EQ(entries(), "1") << "an earlier end changes nothing";
  const Answer later = revoke("t1", "1 hour");
  EXPECT_EQ(later.status, 200);
  EXPECT_THAT(later.body, Optional(HasSubstr(moment("1 hour").substr(0, 10))));
  EXPECT_EQ(held(), "t1|t|f|2\n") << "with a number of its own, by which each node hears of it";
  EXPECT_EQ(entries(), "2");
  EXPECT_EQ(revoke("t1").status, 200);
  EXPECT_EQ(held(), "t1||f|3\n") << "none is the latest";
  EXPECT_EQ(revoke("t1", "2 hours").status, 200);
  EXPECT_EQ(held(), "t1||f|3\n");
  EXPECT_EQ(entries(), "3");
  EXPECT_EQ(lift("t1").status, 204);
  EXPECT_EQ(revoke("t1", "1 hour").status, 200);
  EXPECT_EQ(held(), "t1|t|f|5\n") << "after it was lifted, the first word counts again";
}

}  // namespace
}  // namespace tenon::test
