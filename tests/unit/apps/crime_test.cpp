#include "crime/handlers.hpp"

#include "rules.hpp"

namespace tenon::crime {
namespace {

using test::Asked;
using test::letters;
using test::Members;

const std::string state_rule = "must be the two-letter code of a US state or DC";
const std::string unknown = "is not a member of this resource";

// Wherever there is a percentage, a place, a company.
std::vector<test::Rule> percent_rules(const std::string& member) {
  return {{member, "0", "", ""},
          {member, "100", "", ""},
          {member, "12.34", "", ""},
          {member, "-0.01", member, "must be 0.00 to 100.00"},
          {member, "100.01", member, "must be 0.00 to 100.00"},
          {member, "1.234", member, "must be a decimal with at most two places"},
          {member, R"("50")", member, "must be a number"},
          {member, "null", member, "must be a number"}};
}

const std::vector<test::Rule> location_rules = {
    {"location", R"({"state":"DC","city":"Washington"})", "", ""},
    {"location", "", "location", "is required"},
    {"location", R"("LA")", "location", "must be an object"},
    {"location", R"({"state":"ZZ","city":"LA"})", "location.state", state_rule},
    {"location", R"({"city":"LA"})", "location.state", "is required"},
    {"location", R"({"state":"CA"})", "location.city", "is required"},
    {"location", R"({"state":"CA","city":" "})", "location.city", "must have 1 to 120 characters, has 0"},
    {"location", R"({"state":"CA","city":"LA","street":"x"})", "location.street", unknown},
};

const Members facility{{"type", R"("Lab")"}, {"location", R"({"state":"CA","city":"LA"})"}, {"capacity", "10"}};

TEST(AFacilityThatIsMade, FollowsEveryRule) {
  test::expect_rules<Operations>(create_facility, facility, location_rules);
  test::expect_rules<Operations>(create_facility, facility, percent_rules("quality"));
  test::expect_rules<Operations>(create_facility, facility, percent_rules("suspicionLevel"));
  test::expect_rules<Operations>(
      create_facility, facility,
      {
          {"type", R"("Warehouse")", "", ""},
          {"type", "", "type", "is required"},
          {"type", R"("Shed")", "type", "must be one of Lab, Farm, Warehouse"},
          {"capacity", "1", "", ""},
          {"capacity", "", "capacity", "is required"},
          {"capacity", "0", "capacity", "must be 1 to 1000000000000"},
          {"capacity", "1.5", "capacity", "must be an integer"},
          {"companyId", R"("c1")", "", ""},
          {"companyId", letters(201), "companyId", "must have 1 to 200 characters, has 201"},
          {"status", R"("Raided")", "", ""},
          {"status", R"("Converted")", "status", "must be one of Active, Raided, Abandoned, Seized"},
          {"inventory", R"([{"substance":"Cannabis","quantity":1,"purity":50,"batch":"b"}])", "", ""},
          {"inventory", R"([{"substance":"Cannabis","quantity":-1,"purity":50}])", "inventory[0].quantity",
           "must be 0 to 1000000000"},
          {"ownerId", R"("u1")", "ownerId", unknown},
          {"version", "1", "version", unknown},
      });
}

const Members market_item{{"category", R"("Weapons")"},
                          {"itemName", R"("Knife")"},
                          {"description", R"("Sharp on both sides")"},
                          {"quantity", "3"},
                          {"pricePerUnit", "9.99"},
                          {"location", R"({"state":"CA","city":"LA"})"}};

TEST(AMarketItemThatIsMade, FollowsEveryRule) {
  test::expect_rules<Operations>(create_market_item, market_item, location_rules);
  test::expect_rules<Operations>(create_market_item, market_item, percent_rules("riskScore"));
  test::expect_rules<Operations>(
      create_market_item, market_item,
      {
          {"category", R"("Restricted Items")", "", ""},
          {"category", "", "category", "is required"},
          {"category", R"("Toys")", "category",
           "must be one of Stolen Goods, Counterfeits, Weapons, Restricted Items, Services"},
          {"itemName", letters(200), "", ""},
          {"itemName", "", "itemName", "is required"},
          {"itemName", R"("")", "itemName", "must have 1 to 200 characters, has 0"},
          {"itemName", letters(201), "itemName", "must have 1 to 200 characters, has 201"},
          {"description", letters(10), "", ""},
          {"description", letters(2000), "", ""},
          {"description", letters(9), "description", "must have 10 to 2000 characters, has 9"},
          {"description", letters(2001), "description", "must have 10 to 2000 characters, has 2001"},
          {"quantity", "1", "", ""},
          {"quantity", "1000000", "", ""},
          {"quantity", "0", "quantity", "must be 1 to 1000000"},
          {"quantity", "1000001", "quantity", "must be 1 to 1000000"},
          {"quantity", "1.0", "quantity", "must be an integer"},
          {"quantity", "", "quantity", "is required"},
          {"pricePerUnit", "0.01", "", ""},
          {"pricePerUnit", "1000000", "", ""},
          {"pricePerUnit", "0", "pricePerUnit", "must be 0.01 to 1000000.00"},
          {"pricePerUnit", "1000000.01", "pricePerUnit", "must be 0.01 to 1000000.00"},
          {"pricePerUnit", "0.001", "pricePerUnit", "must be a decimal with at most two places"},
          {"pricePerUnit", "", "pricePerUnit", "is required"},
          {"status", R"("Removed")", "", ""},
          {"status", R"("Sold")", "status", "must be one of Active, Seized, Removed"},
          {"sellerId", R"("u1")", "sellerId", unknown},
      });
}

TEST(APurchase, FollowsEveryRule) {
  const Members good{{"quantity", "1"}, {"deliveryMethod", R"("Pickup")"}};
  test::expect_rules<Operations>(
      purchase_market_item, good,
      {
          {"quantity", "1000000", "", ""},
          {"quantity", "0", "quantity", "must be 1 to 1000000"},
          {"quantity", "-1", "quantity", "must be 1 to 1000000"},
          {"quantity", R"("1")", "quantity", "must be an integer"},
          {"quantity", "", "quantity", "is required"},
          {"deliveryMethod", R"("Shipping")", "", ""},
          {"deliveryMethod", R"("Drone")", "deliveryMethod", "must be one of Pickup, Courier, Shipping"},
          {"deliveryMethod", "", "deliveryMethod", "is required"},
          {"meetupLocation", R"("The docks")", "", ""},
          {"meetupLocation", "null", "", ""},
          {"meetupLocation", R"("")", "meetupLocation", "must have 1 to 200 characters, has 0"},
          {"price", "1", "price", unknown},
      });
}

TEST(AChannelThatIsMade, FollowsEveryRule) {
  const Members good{{"method", R"("Shell")"},
                     {"throughputCap", "1000"},
                     {"feePercent", "2.5"},
                     {"latencyDays", "3"},
                     {"detectionRisk", "10"}};
  test::expect_rules<Operations>(create_channel, good, percent_rules("feePercent"));
  test::expect_rules<Operations>(create_channel, good, percent_rules("detectionRisk"));
  test::expect_rules<Operations>(
      create_channel, good,
      {
          {"method", R"("TradeBased")", "", ""},
          {"method", R"("Bank")", "method", "must be one of Shell, CashBiz, Crypto, TradeBased, Counterfeit"},
          {"method", "", "method", "is required"},
          {"throughputCap", "1", "", ""},
          {"throughputCap", "0", "throughputCap", "must be 1 to 1000000000000"},
          {"throughputCap", "", "throughputCap", "is required"},
          {"feePercent", "", "feePercent", "is required"},
          {"latencyDays", "0", "", ""},
          {"latencyDays", "-1", "latencyDays", "must be 0 to 36500"},
          {"latencyDays", "0.5", "latencyDays", "must be an integer"},
          {"latencyDays", "", "latencyDays", "is required"},
          {"detectionRisk", "", "detectionRisk", "is required"},
          {"companyId", R"("c1")", "", ""},
          {"ownerId", R"("u1")", "ownerId", unknown},
      });
}

const Members conversion{{"facilityId", '"' + std::string(test::some_id) + '"'},
                         {"substance", R"("Cannabis")"},
                         {"newBusinessType", R"("Dispensary")"}};

TEST(AConversion, FollowsEveryRule) {
  const auto license = [](const std::string& member) { return "{" + member + "}"; };
  test::expect_rules<Operations>(
      convert_facility, conversion,
      {
          {"facilityId", "", "facilityId", "is required"},
          {"facilityId", R"("7")", "facilityId", "must be a UUID"},
          {"substance", "", "substance", "is required"},
          {"substance", R"("")", "substance", "must have 1 to 100 characters, has 0"},
          {"newBusinessType", "", "newBusinessType", "is required"},
          {"newBusinessType", R"("Shop")", "newBusinessType",
           "must be one of Dispensary, Cultivation Facility, Distribution Center, Processing Plant"},
          {"licenseApplicationData", "{}", "", ""},
          {"licenseApplicationData",
           R"({"businessName":"GVD","owners":["u1","u2"],"capitalInvestment":0.5,"employeeCount":0})", "", ""},
          {"licenseApplicationData", "[]", "licenseApplicationData", "must be an object"},
          {"licenseApplicationData", license(R"("businessName":"G")"), "licenseApplicationData.businessName",
           "must have 2 to 200 characters, has 1"},
          {"licenseApplicationData", license(R"("owners":"u1")"), "licenseApplicationData.owners", "must be an array"},
          {"licenseApplicationData", license(R"("owners":["u1",7])"), "licenseApplicationData.owners[1]",
           "must be a string"},
          {"licenseApplicationData", license(R"("owners":[""])"), "licenseApplicationData.owners[0]",
           "must have 1 to 200 characters, has 0"},
          {"licenseApplicationData", license(R"("capitalInvestment":-1)"), "licenseApplicationData.capitalInvestment",
           "must be 0.00 to 999999999999.99"},
          {"licenseApplicationData", license(R"("employeeCount":1.5)"), "licenseApplicationData.employeeCount",
           "must be an integer"},
          {"licenseApplicationData", license(R"("colour":1)"), "licenseApplicationData.colour", unknown},
          {"facilityUpdatedAt", R"("2025-12-02T05:21:11.250Z")", "", ""},
          {"version", "3", "version", unknown},
      });
}

TEST(AConversion, SaysThatItsTokenCannotBeReadBeforeItLooksAtTheRest) {
  const Asked asked = test::ask<Operations>(convert_facility, R"({"facilityUpdatedAt":"soon","colour":1})");
  EXPECT_EQ(asked.code, "precondition_malformed");
}

TEST(ALaw, FollowsEveryRule) {
  const Members good{{"substance", R"("Cannabis")"},
                     {"jurisdictionId", R"("NV")"},
                     {"status", R"("Medical")"},
                     {"taxRate", "10"},
                     {"effectiveDate", R"("2020-01-01")"}};
  test::expect_rules<Operations>(put_legislation, good, percent_rules("taxRate"));
  test::expect_rules<Operations>(
      put_legislation, good,
      {
          {"substance", "", "substance", "is required"},
          {"jurisdictionId", R"("XX")", "jurisdictionId", state_rule},
          {"status", R"("Legal")", "status", "must be one of Illegal, Decriminalized, Medical, Recreational"},
          {"effectiveDate", "", "effectiveDate", "is required"},
          {"effectiveDate", R"("2020-02-30")", "effectiveDate", "must be a day like 2025-12-02"},
          {"effectiveDate", R"("2020-01-01T00:00:00Z")", "effectiveDate", "must be a day like 2025-12-02"},
          {"effectiveDate", R"("0000-01-01")", "effectiveDate", "must be a day like 2025-12-02"},
          {"sunsetDate", "null", "", ""},
          {"sunsetDate", R"("2020-01-01")", "", ""},
          {"sunsetDate", R"("2019-12-31")", "sunsetDate", "must not be before effectiveDate"},
          {"jurisdiction", R"("State")", "", ""},
          {"jurisdiction", R"("Country")", "jurisdiction", "must be one of State"},
      });
}

TEST(EveryMemberOfEveryBody, IsNamedWhenItIsUnknown) {
  const Asked asked = test::ask<Operations>(create_channel, "{}");
  EXPECT_EQ(asked.violations.size(), 5U) << "all that are required, at once";
}

TEST(ListsOfTheMarketAndTheLaw, TakeTheirOwnParametersOnly) {
  const auto market = [](const char* query) { return test::ask<Operations>(list_market_items, "", query).code; };
  EXPECT_EQ(market("category=Stolen%20Goods&status=Active&sellerId=u1&state=NY&limit=1"), "");
  EXPECT_EQ(market("cursor=01890000-0000-7000-8000-000000000001"), "");
  EXPECT_EQ(market("cursor=7"), "malformed_parameter");
  EXPECT_EQ(market("status=Gone"), "malformed_parameter");
  EXPECT_EQ(market("seller=u1"), "malformed_parameter");
  const auto law = [](const char* query) { return test::ask<Operations>(list_legislation, "", query).code; };
  EXPECT_EQ(law("substance=Cannabis&state=CA&status=Medical&cursor=CA:Cannabis"), "");
  EXPECT_EQ(law("cursor=Cannabis"), "malformed_parameter");
  EXPECT_EQ(law("cursor=ZZ:Cannabis"), "malformed_parameter");
  const auto own = [](const char* query) { return test::ask<Operations>(list_facilities, "", query).code; };
  EXPECT_EQ(own("limit=200"), "");
  EXPECT_EQ(own("ownerId=u2"), "malformed_parameter") << "only one's own are listed";
}

}  // namespace
}  // namespace tenon::crime
