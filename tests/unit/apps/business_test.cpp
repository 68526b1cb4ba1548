#include "business/handlers.hpp"

#include "rules.hpp"

namespace tenon::business {
namespace {

using test::Asked;
using test::changed;
using test::letters;
using test::Members;
using test::object_of;
using test::wide_letters;

const Members good{{"name", R"("GVD")"},
                   {"ownerId", R"("u1")"},
                   {"category", R"("Dispensary")"},
                   {"address", R"({"state":"CA","city":"LA"})"}};

const std::string categories_rule =
    "must be one of Dispensary, Cultivation Facility, Distribution Center, Processing Plant";
const std::string statuses_rule = "must be one of Active, Pending, Suspended, Closed, Converted";
const std::string state_rule = "must be the two-letter code of a US state or DC";

std::string address(const std::string& members) { return R"({"state":"CA","city":"LA",)" + members + "}"; }
std::string held(const std::string& substance, const std::string& quantity, const std::string& purity,
                 const std::string& further = "") {
  return R"([{"substance":)" + substance + R"(,"quantity":)" + quantity + R"(,"purity":)" + purity + further + "}]";
}

// What may be changed later has the same rules at both times.
const std::vector<test::Rule> changeable_rules = {
    {"name", R"("GV")", "", ""},
    {"name", letters(200), "", ""},
    {"name", wide_letters(200), "", ""},
    {"name", R"("  GV  ")", "", ""},
    {"name", R"("G")", "name", "must have 2 to 200 characters, has 1"},
    {"name", R"("  G  ")", "name", "must have 2 to 200 characters, has 1"},
    {"name", letters(201), "name", "must have 2 to 200 characters, has 201"},
    {"name", "7", "name", "must be a string"},
    {"name", "null", "name", "must be a string"},
    {"name", R"("a\u0000b")", "name", "must not contain NUL"},
    {"category", R"("Processing Plant")", "", ""},
    {"category", R"("dispensary")", "category", categories_rule},
    {"category", "null", "category", categories_rule},
    {"status", R"("Active")", "", ""},
    {"status", R"("Converted")", "", ""},
    {"status", R"("Open")", "status", statuses_rule},
    {"status", "true", "status", statuses_rule},
    {"taxRate", "0", "", ""},
    {"taxRate", "100", "", ""},
    {"taxRate", "8.25", "", ""},
    {"taxRate", "100.01", "taxRate", "must be 0.00 to 100.00"},
    {"taxRate", "-0.01", "taxRate", "must be 0.00 to 100.00"},
    {"taxRate", "8.255", "taxRate", "must be a decimal with at most two places"},
    {"taxRate", "1e1", "taxRate", "must be a decimal with at most two places"},
    {"taxRate", R"("8.5")", "taxRate", "must be a number"},
    {"address", R"({"state":"DC","city":"Washington"})", "", ""},
    {"address", R"({"state":"ZZ","city":"LA"})", "address.state", state_rule},
    {"address", R"({"state":"ca","city":"LA"})", "address.state", state_rule},
    {"address", R"({"state":"CAL","city":"LA"})", "address.state", "must have 2 to 2 characters, has 3"},
    {"address", R"({"state":"PR","city":"San Juan"})", "address.state", state_rule},
    {"address", R"({"state":"CA","city":""})", "address.city", "must have 1 to 120 characters, has 0"},
    {"address", R"({"state":"CA","city":)" + letters(121) + "}", "address.city",
     "must have 1 to 120 characters, has 121"},
    {"address", R"({"state":"CA","city":)" + letters(120) + "}", "", ""},
    {"address", address(R"("addressLine":"1 Main St")"), "", ""},
    {"address", address(R"("addressLine":null)"), "", ""},
    {"address", address(R"("addressLine":" ")"), "address.addressLine", "must have 1 to 200 characters, has 0"},
    {"address", address(R"("postalCode":"123")"), "", ""},
    {"address", address(R"("postalCode":"123456789012")"), "", ""},
    {"address", address(R"("postalCode":"12")"), "address.postalCode", "must have 3 to 12 characters, has 2"},
    {"address", address(R"("postalCode":"1234567890123")"), "address.postalCode",
     "must have 3 to 12 characters, has 13"},
    {"address", address(R"("postalCode":90210)"), "address.postalCode", "must be a string"},
    {"address", address(R"("country":"US")"), "address.country", "is not a member of this resource"},
    {"address", R"("LA")", "address", "must be an object"},
    {"id", R"("x")", "id", "is not a member of this resource"},
    {"createdAt", R"("2025-12-02T05:21:11Z")", "createdAt", "is not a member of this resource"},
};

TEST(ABusinessThatIsMade, FollowsEveryRule) {
  test::expect_rules<Operations>(create_business, good, changeable_rules);
  test::expect_rules<Operations>(
      create_business, good,
      {
          {"name", "", "name", "is required"},
          {"ownerId", "", "ownerId", "is required"},
          {"ownerId", R"("")", "ownerId", "must have 1 to 200 characters, has 0"},
          {"ownerId", letters(201), "ownerId", "must have 1 to 200 characters, has 201"},
          {"ownerId", wide_letters(101), "ownerId", "must have at most 200 bytes"},
          {"companyId", R"("c1")", "", ""},
          {"companyId", "null", "", ""},
          {"companyId", R"("")", "companyId", "must have 1 to 200 characters, has 0"},
          {"category", "", "category", "is required"},
          {"address", "", "address", "is required"},
          {"address", R"({"city":"LA"})", "address.state", "is required"},
          {"address", R"({"state":"CA"})", "address.city", "is required"},
          {"inventory", "[]", "", ""},
          {"inventory", held(R"("Cannabis")", "0", "0"), "", ""},
          {"inventory", held(R"("Cannabis")", "10", "99.99", R"(,"batch":"b1")"), "", ""},
          {"inventory", held(R"("Cannabis")", "10", "100", R"(,"batch":null)"), "", ""},
          {"inventory", held(R"("")", "1", "1"), "inventory[0].substance", "must have 1 to 100 characters, has 0"},
          {"inventory", held(R"("Cannabis")", "-1", "1"), "inventory[0].quantity", "must be 0 to 1000000000"},
          {"inventory", held(R"("Cannabis")", "1.5", "1"), "inventory[0].quantity", "must be an integer"},
          {"inventory", held(R"("Cannabis")", "1", "100.5"), "inventory[0].purity", "must be 0.00 to 100.00"},
          {"inventory", held(R"("Cannabis")", "1", R"("pure")"), "inventory[0].purity", "must be a number"},
          {"inventory", held(R"("Cannabis")", "1", "1", R"(,"batch":"")"), "inventory[0].batch",
           "must have 1 to 100 characters, has 0"},
          {"inventory", held(R"("Cannabis")", "1", "1", R"(,"price":2)"), "inventory[0].price",
           "is not a member of this resource"},
          {"inventory", R"([{"quantity":1,"purity":1}])", "inventory[0].substance", "is required"},
          {"inventory", "[7]", "inventory[0]", "must be an object"},
          {"inventory", "{}", "inventory", "must be an array"},
          {"version", "1", "version", "is not a member of this resource"},
          {"ifUnmodifiedSince", R"("x")", "ifUnmodifiedSince", "is not a member of this resource"},
      });
}

TEST(AChangeOfABusiness, FollowsEveryRule) {
  test::expect_rules<Operations>(update_business, {}, changeable_rules);
  test::expect_rules<Operations>(update_business, {},
                                 {
                                     {"address", R"({"city":"San Diego"})", "", ""},
                                     {"address", R"({"postalCode":null})", "", ""},
                                     {"ownerId", R"("u2")", "ownerId", "is not a member of this resource"},
                                     {"companyId", R"("c2")", "companyId", "is not a member of this resource"},
                                     {"inventory", "[]", "inventory", "is not a member of this resource"},
                                 });
}

// Tokens are not data: a change that has nothing beside them changes nothing.
TEST(AChangeOfABusiness, ThatChangesNothingIsRefused) {
  for (const char* body :
       {"{}", R"({"version":3})", R"({"ifUnmodifiedSince":"2025-12-02T05:21:11Z"})", R"({"version":3,"address":{}})"}) {
    const Asked asked = test::ask<Operations>(update_business, body);
    EXPECT_EQ(asked.code, "validation_failed") << body;
    ASSERT_EQ(asked.violations.size(), 1U);
    EXPECT_EQ(asked.violations[0].rule, "must change something: name, category, status, taxRate or address");
  }
}

TEST(ABusinessThatIsMade, IsToldEveryRuleItBreaksAtOnce) {
  const Asked asked = test::ask<Operations>(
      create_business, R"({"name":"G","category":"Shop","taxRate":101,"inventory":[{"substance":"","quantity":-1},3],)"
                       R"("address":{"state":"XX","city":""},"colour":"green"})");
  std::vector<std::string> paths;
  for (const Violation& violation : asked.violations) paths.push_back(violation.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"ownerId", "name", "category", "taxRate", "address.state", "address.city",
                                             "inventory[0].substance", "inventory[0].quantity", "inventory[0].purity",
                                             "inventory[1]", "colour"}));
}

TEST(ABusinessThatIsMade, MustBeAnObject) {
  for (const char* body : {"[]", "null", R"("x")", "3"}) {
    const Asked asked = test::ask<Operations>(create_business, body);
    EXPECT_EQ(asked.code, "validation_failed") << body;
    EXPECT_EQ(asked.violations[0].rule, "must be a JSON object");
  }
}

TEST(ABusinessThatIsMade, BelongsToTheCallerUnlessAnAdminSaysOtherwise) {
  const std::string body = object_of(changed(good, "ownerId", R"("u2")"));
  EXPECT_EQ(test::ask<Operations>(create_business, body).code, "not_owner");
  EXPECT_EQ(test::ask<Operations>(create_business, body, "",
                                  {.user = "u1", .roles = safeguards::Role::authenticated | safeguards::Role::staff})
                .code,
            "not_owner");
  EXPECT_EQ(test::ask<Operations>(create_business, body, "", {.user = "u1", .roles = safeguards::Role::admin}).code,
            "");
}

// A user's name is compared byte by byte with the one in the token.
TEST(ABusinessThatIsMade, BelongsToTheOwnerAsNamed) {
  for (const std::string user : {"alice ", " alice", "\u00a0"}) {
    const std::string body = object_of(changed(good, "ownerId", '"' + user + '"'));
    const Asked own =
        test::ask<Operations>(create_business, body, "", {.user = user, .roles = safeguards::Role::authenticated});
    EXPECT_EQ(own.code, "") << body;
    EXPECT_NE(own.arguments.find(R"("ownerId":")" + user + '"'), std::string::npos) << own.arguments;
    EXPECT_EQ(
        test::ask<Operations>(create_business, body, "", {.user = "alice", .roles = safeguards::Role::authenticated})
            .code,
        "not_owner")
        << body;
  }
  const std::string longest(200, 'a');
  EXPECT_EQ(test::ask<Operations>(create_business, object_of(changed(good, "ownerId", '"' + longest + '"')), "",
                                  {.user = longest, .roles = safeguards::Role::authenticated})
                .code,
            "");
}

TEST(ABusiness, OfSomebodyElseIsAnsweredToAdminsAlone) {
  const safeguards::Caller owner{.user = "u1", .roles = safeguards::Role::authenticated};
  const safeguards::Caller admin{.user = "u1", .roles = safeguards::Role::authenticated | safeguards::Role::admin};
  const std::string own = object_of(good);
  const std::string foreign = object_of(changed(good, "ownerId", R"("u2")"));
  const std::string change = R"({"taxRate":1})";
  const struct {
    Asked asked;
    const char* role;
  } cases[] = {
      {test::ask<Operations>(create_business, own, "", owner), ""},
      {test::ask<Operations>(create_business, own, "", admin), ""},
      {test::ask<Operations>(create_business, foreign, "", admin), "admin"},
      {test::ask<Operations>(update_business, change, "", owner), ""},
      {test::ask<Operations>(update_business, change, "", admin), "admin"},
      {test::ask<Operations>(delete_business, "", "", owner), ""},
      {test::ask<Operations>(delete_business, "", "", admin), "admin"},
  };
  for (const auto& [asked, role] : cases) {
    EXPECT_EQ(asked.code, "");
    EXPECT_EQ(asked.role, role) << asked.arguments;
  }
}

TEST(TextOfABusiness, IsTrimmed) {
  const Asked asked =
      test::ask<Operations>(create_business, object_of(changed(good, "name", R"("  Green Valley \t")")));
  EXPECT_NE(asked.arguments.find(R"("name":"Green Valley")"), std::string::npos) << asked.arguments;
}

TEST(AListOfBusinesses, TakesItsOwnParametersOnly) {
  const struct {
    const char* query;
    const char* code;
  } cases[] = {
      {"", ""},
      {"ownerId=u1&companyId=c1&category=Dispensary&status=Active&state=CA&city=LA&limit=200&skip=7", ""},
      {"limit=0", "malformed_parameter"},
      {"limit=201", "malformed_parameter"},
      {"limit=x", "malformed_parameter"},
      {"limit=", "malformed_parameter"},
      {"limit=1&limit=2", "malformed_parameter"},
      {"skip=-1", "malformed_parameter"},
      {"skip=1000001", "malformed_parameter"},
      {"category=Shop", "malformed_parameter"},
      {"status=active", "malformed_parameter"},
      {"state=California", "malformed_parameter"},
      {"city=", "malformed_parameter"},
      {"owner=u1", "malformed_parameter"},
      {"cursor=x", "malformed_parameter"},
  };
  for (const auto& [query, code] : cases) {
    EXPECT_EQ(test::ask<Operations>(list_businesses, "", query).code, code) << query;
  }
}

}  // namespace
}  // namespace tenon::business
