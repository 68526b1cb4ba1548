#include "base/problem.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/result.hpp"
#include "encoding/json.hpp"

namespace tenon {
namespace {

using namespace std::string_literals;

std::vector<ProblemCode> every_code() {
  std::vector<ProblemCode> codes;
  for (std::size_t i = 0; i < problem_code_count; ++i) codes.push_back(static_cast<ProblemCode>(i));
  return codes;
}

std::string text_of(const json::Object& object, std::string_view name) {
  const json::Value* member = json::find(object, name);
  return member != nullptr && member->string() != nullptr ? *member->string() : "(no string)";
}

// A row of the table in the wrong place would give one refusal another one's status: each name beside its enumerator.
TEST(ProblemTable, GivesEachRefusalItsOwnNameAndStatus) {
  struct Row {
    ProblemCode code;
    std::string_view name;
    int status;
  };
  using enum ProblemCode;
  const Row rows[] = {
      {malformed_request, "malformed_request", 400},
      {header_too_large, "header_too_large", 431},
      {body_too_large, "body_too_large", 413},
      {not_implemented, "not_implemented", 501},
      {request_timeout, "request_timeout", 408},
      {stopping, "stopping", 503},
      {overloaded, "overloaded", 503},
      {unknown_path, "unknown_path", 404},
      {method_not_allowed, "method_not_allowed", 405},
      {rate_limited, "rate_limited", 429},
      {unauthenticated, "unauthenticated", 401},
      {token_invalid, "token_invalid", 401},
      {token_not_yet_valid, "token_not_yet_valid", 401},
      {token_expired, "token_expired", 401},
      {token_revoked, "token_revoked", 401},
      {forbidden, "forbidden", 403},
      {signature_missing, "signature_missing", 401},
      {signature_malformed, "signature_malformed", 400},
      {signature_incomplete, "signature_incomplete", 400},
      {content_digest_mismatch, "content_digest_mismatch", 400},
      {signature_expired, "signature_expired", 401},
      {signature_invalid, "signature_invalid", 401},
      {signature_replayed, "signature_replayed", 401},
      {unsupported_media_type, "unsupported_media_type", 415},
      {malformed_json, "malformed_json", 400},
      {duplicate_member, "duplicate_member", 400},
      {idempotency_key_missing, "idempotency_key_missing", 400},
      {idempotency_key_malformed, "idempotency_key_malformed", 400},
      {precondition_malformed, "precondition_malformed", 400},
      {precondition_required, "precondition_required", 428},
      {malformed_parameter, "malformed_parameter", 400},
      {validation_failed, "validation_failed", 422},
      {too_many_live_keys, "too_many_live_keys", 429},
      {idempotency_key_reused, "idempotency_key_reused", 409},
      {request_in_progress, "request_in_progress", 409},
      {not_found, "not_found", 404},
      {not_sealed, "not_sealed", 409},
      {not_owner, "not_owner", 403},
      {conflict, "conflict", 409},
      {not_active, "not_active", 409},
      {insufficient_stock, "insufficient_stock", 409},
      {stock_limit, "stock_limit", 409},
      {not_convertible, "not_convertible", 422},
      {already_exists, "already_exists", 409},
      {too_many_revocations, "too_many_revocations", 409},
      {database_unavailable, "database_unavailable", 500},
      {internal_error, "internal_error", 500},
  };
  EXPECT_EQ(std::size(rows), problem_code_count) << "a new refusal wants its row here, in its place";
  std::size_t place = 0;
  for (const auto& [code, name, status] : rows) {
    EXPECT_EQ(static_cast<std::size_t>(code), place++) << name << ": rows stand in the order of precedence";
    EXPECT_EQ(kind_of(code).code, name);
    EXPECT_EQ(kind_of(code).status, status) << name;
  }
}

TEST(ProblemTable, HasUniqueSnakeCaseNamesThatFindTheirWayBack) {
  std::set<std::string_view> names;
  for (const ProblemCode code : every_code()) {
    const std::string_view name = kind_of(code).code;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
    EXPECT_EQ(problem_named(name), code) << name;
  }
  EXPECT_EQ(problem_named("no_such_problem"), std::nullopt);
  EXPECT_EQ(problem_named(""), std::nullopt);
  EXPECT_EQ(problem_named("Conflict"), std::nullopt);
}

TEST(ProblemTable, SaysSomethingToPeopleForEveryRefusal) {
  for (const ProblemCode code : every_code()) {
    EXPECT_FALSE(kind_of(code).title.empty()) << kind_of(code).code;
    EXPECT_FALSE(kind_of(code).sentence.empty()) << kind_of(code).code;
    EXPECT_TRUE(kind_of(code).status >= 400 && kind_of(code).status <= 599) << kind_of(code).code;
  }
}

TEST(ProblemTable, TellsAfterHowLongToRetryOnlyWhereARetryCanHelp) {
  for (const ProblemCode code : every_code()) {
    const ProblemKind& kind = kind_of(code);
    SCOPED_TRACE(kind.code);
    if (kind.retry_after_seconds > 0) {
      EXPECT_TRUE(kind.transient);
    }
    // Statuses that promise that a later try may succeed must say when; 408 is retried on a new connection at once.
    const bool wants_time = kind.status == 429 || kind.status == 500 || kind.status == 503;
    if (wants_time) {
      EXPECT_TRUE(kind.transient);
      EXPECT_GT(kind.retry_after_seconds, 0U);
    }
    if (kind.transient && kind.status != 408) {
      EXPECT_GT(kind.retry_after_seconds, 0U);
    }
    EXPECT_LE(kind.retry_after_seconds, 60U);
  }
}

TEST(ProblemTable, NeverCallsTransientWhatTheSameRequestCannotChange) {
  for (const ProblemCode code : every_code()) {
    const ProblemKind& kind = kind_of(code);
    const bool about_the_request = kind.status == 400 || kind.status == 401 || kind.status == 403 ||
                                   kind.status == 404 || kind.status == 405 || kind.status == 413 ||
                                   kind.status == 415 || kind.status == 422 || kind.status == 428 ||
                                   kind.status == 431 || kind.status == 501;
    if (about_the_request) {
      EXPECT_FALSE(kind.transient) << kind.code;
    }
  }
}

TEST(ProblemTable, ShowsTheConflictInTheWordsOfTheContract) {
  EXPECT_EQ(kind_of(ProblemCode::conflict).sentence, "Conflict: resource modified or not found");
}

TEST(ProblemType, IsAPathWithDashes) {
  EXPECT_EQ(type_of(ProblemCode::idempotency_key_reused), "/problems/idempotency-key-reused");
  EXPECT_EQ(type_of(ProblemCode::conflict), "/problems/conflict");
}

TEST(RenderedProblem, IsTheDocumentOfRfc9457) {
  EXPECT_EQ(render(problem(ProblemCode::not_found)),
            R"({"type":"/problems/not-found","title":"Not found","status":404,"code":"not_found",)"
            R"("error":"There is no such resource."})");
  EXPECT_EQ(render(problem(ProblemCode::malformed_json, "not valid JSON at byte 3")),
            R"({"type":"/problems/malformed-json","title":"Malformed JSON","status":400,)"
            R"("detail":"not valid JSON at byte 3","code":"malformed_json","error":"The body is not valid JSON."})");
}

TEST(RenderedProblem, IsValidJsonForEveryRefusalWithEverythingSet) {
  for (const ProblemCode code : every_code()) {
    Problem full = problem(code, "quote \" backslash \\ line \r\n NUL \0 tab \t é"s);
    full.violations = {{"lines[2].quantity", "must be at least 1"}, {"na\"me", "must not hold \n"}};
    full.members = R"("available":3,"requested":5)";
    const auto parsed = json::parse(render(full));
    ASSERT_TRUE(parsed) << render(full) << ": " << parsed.error().detail;
    const json::Object& object = *parsed->object();
    EXPECT_EQ(text_of(object, "type"), type_of(code));
    EXPECT_EQ(text_of(object, "title"), kind_of(code).title);
    EXPECT_EQ(text_of(object, "code"), kind_of(code).code);
    EXPECT_EQ(text_of(object, "error"), kind_of(code).sentence);
    EXPECT_EQ(text_of(object, "detail"), full.detail);
    EXPECT_EQ(json::integer(*json::find(object, "status")->number()), kind_of(code).status);
    EXPECT_EQ(json::integer(*json::find(object, "available")->number()), 3);
    EXPECT_EQ(json::integer(*json::find(object, "requested")->number()), 5);
    const json::Array& violations = *json::find(object, "violations")->array();
    ASSERT_EQ(violations.size(), 2U);
    EXPECT_EQ(text_of(*violations[0].object(), "path"), "lines[2].quantity");
    EXPECT_EQ(text_of(*violations[0].object(), "rule"), "must be at least 1");
    EXPECT_EQ(text_of(*violations[1].object(), "path"), "na\"me");
  }
}

TEST(RenderedProblem, TakesAnotherStatusWhereTheSettingsSaySo) {
  const Problem stale = problem(ProblemCode::conflict);
  EXPECT_EQ(stale.status(), 409);
  EXPECT_NE(render(stale).find(R"("status":409)"), std::string::npos);
  EXPECT_NE(render(stale, 412).find(R"("status":412)"), std::string::npos);
  EXPECT_EQ(render(stale, 412).find("409"), std::string::npos);
}

TEST(Result, HoldsAValueOrTheProblemInItsPlace) {
  const Result<int> value = 7;
  const Result<int> refusal = problem(ProblemCode::not_found, "item 7");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, ProblemCode::not_found);
  EXPECT_EQ(refusal.error().detail, "item 7");
}

}  // namespace
}  // namespace tenon
