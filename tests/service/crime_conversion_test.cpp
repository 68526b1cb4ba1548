// Conversion: a facility becomes a business once, whole or not at all.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "service/business.hpp"
#include "service/held_up.hpp"

namespace tenon::test {
namespace {

constexpr const char* goods = R"([{"substance":"Cannabis","quantity":10,"purity":80.5,"batch":"b1"},)"
                              R"({"substance":"Cannabis","quantity":3,"purity":33.33}])";

// What is left of a facility, as the superuser sees it: facility, history, businesses, audit entries.
std::string books_of(const Node& node, const std::string& facility) {
  return node.ask(
      "SELECT format('%s holding %s; %s conversions, %s businesses; %s', f.status, f.inventory, "
      "(SELECT count(*) FROM facility_conversions WHERE facility_id = f.id), "
      "(SELECT count(*) FROM businesses WHERE owner_id = f.owner_id), "
      "(SELECT string_agg(action || ' ' || n, ', ' ORDER BY action) FROM (SELECT action, count(*) AS n FROM audit_logs "
      "WHERE actor = f.owner_id GROUP BY action) AS counted)) FROM facilities AS f WHERE id = $1",
      {facility});
}

constexpr const char* untouched =
    R"(Active holding [{"batch": "b1", "purity": 80.50, "quantity": 10, "substance": "Cannabis"}, )"
    R"({"purity": 33.33, "quantity": 3, "substance": "Cannabis"}]; 0 conversions, 0 businesses; CREATE_FACILITY 1)";
constexpr const char* converted =
    "Converted holding []; 1 conversions, 1 businesses; CONVERT_FACILITY 1, CREATE_BUSINESS 1, CREATE_FACILITY 1";

TEST(AConversion, MovesEverythingAndKeepsItsHistory) {
  const Node& node = shared_node();
  const std::string facility = id_of(make_facility(node, "mover", goods));
  const RawResponse answer = node.call(convert(node, "mover", facility, "Green Valley"));
  ASSERT_EQ(answer.status, 201) << answer.body;
  const std::string business = at(answer.body, "businessId");
  EXPECT_EQ(at(answer.body, "convertedFacilityId"), facility);
  EXPECT_EQ(at(answer.body, "conversionDetails.substance"), "Cannabis");
  EXPECT_EQ(at(answer.body, "conversionDetails.oldStatus"), "Active");
  EXPECT_EQ(at(answer.body, "conversionDetails.newBusinessType"), "Dispensary");
  EXPECT_EQ(at(answer.body, "conversionDetails.legalStatus"), "Recreational");
  EXPECT_EQ(at(answer.body, "conversionDetails.taxRate"), "15");
  // 10 x 80.5 % and 3 x 33.33 %, at 100 and at 60 a unit.
  EXPECT_EQ(at(answer.body, "inventoryTransferred.0.illegalValue"), "805.00");
  EXPECT_EQ(at(answer.body, "inventoryTransferred.0.legalValue"), "483.00");
  EXPECT_EQ(at(answer.body, "inventoryTransferred.1.illegalValue"), "99.99");
  EXPECT_EQ(at(answer.body, "inventoryTransferred.1.legalValue"), "59.99");
  EXPECT_EQ(at(answer.body, "inventoryTransferred.1.quantity"), "3");
  EXPECT_EQ(at(answer.body, "conversionDetails.estimatedAnnualRevenue"), "6515.88");
  EXPECT_EQ(at(answer.body, "conversionDate").size(), std::string("2025-12-02T05:21:11.123Z").size());
  EXPECT_EQ(answer.header("ETag"), "W/\"v2\"") << "the facility's new version";
  EXPECT_EQ(answer.header("Location"), "/api/business/" + business);
  EXPECT_EQ(books_of(node, facility), converted);

  const RawResponse read = node.call(as(node, "mover", "GET", "/api/business/" + business));
  EXPECT_EQ(at(read.body, "name"), "Green Valley");
  EXPECT_EQ(at(read.body, "ownerId"), "mover");
  EXPECT_EQ(at(read.body, "companyId"), "c1");
  EXPECT_EQ(at(read.body, "category"), "Dispensary");
  EXPECT_EQ(at(read.body, "status"), "Active");
  EXPECT_EQ(at(read.body, "taxRate"), "15");
  EXPECT_EQ(at(read.body, "address.state"), "CA");
  EXPECT_EQ(at(read.body, "address.city"), "LA");
  EXPECT_EQ(at(read.body, "inventory.0.batch"), "b1");
  EXPECT_EQ(at(read.body, "inventory.1.quantity"), "3");
  EXPECT_EQ(node.ask("SELECT format('%s %s %s %s %s', illegal_value, legal_value, legal_status, tax_rate, "
                     "license_application) FROM facility_conversions WHERE facility_id = $1 AND business_id = $2",
                     {facility, business}),
            R"(904.99 542.99 Recreational 15.00 {"businessName": "Green Valley"})");
  // One entry for the facility, one for the business, each with what was before and after.
  EXPECT_EQ(node.ask("SELECT before::json ->> 'status' || ' to ' || (after::json ->> 'status') FROM audit_logs "
                     "WHERE entity_id = $1 AND action = 'CONVERT_FACILITY'",
                     {facility}),
            "Active to Converted");
  EXPECT_EQ(audited(node, business), "CREATE_BUSINESS 1");
}

TEST(AConversion, NamesItsBusinessAfterTheSubstanceWhenItIsNotNamed) {
  const Node& node = shared_node();
  const std::string facility = id_of(make_facility(node, "namer", "[]", "FL"));
  const RawResponse answer = node.call(
      as(node, "namer", "POST", "/api/crime/conversion/convert",
         R"({"facilityId":")" + facility + R"(","substance":"Cannabis","newBusinessType":"Cultivation Facility"})"));
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(at(answer.body, "conversionDetails.legalStatus"), "Medical");
  EXPECT_EQ(at(answer.body, "conversionDetails.taxRate"), "6");
  EXPECT_EQ(at(answer.body, "conversionDetails.estimatedAnnualRevenue"), "0");
  EXPECT_EQ(node.ask("SELECT name FROM businesses WHERE owner_id = 'namer'"), "Cannabis Cultivation Facility");
}

TEST(AConversion, OfOneFacilityWithTwentyKeysOnTwoNodesHappensOnce) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string facility = id_of(make_facility(node, "racer", goods));
  std::vector<ApiCall> calls[2];
  for (int i = 0; i < 20; ++i) {
    calls[i % 2].push_back(
        with_key(convert(node, "racer", facility, "Business " + std::to_string(i)), "key-" + std::to_string(i)));
  }
  std::vector<RawResponse> answers[2];
  std::thread other([&] { answers[1] = send_all(second.port(), calls[1]); });
  answers[0] = send_all(node.port(), calls[0]);
  other.join();
  std::map<std::string, int> outcomes;
  std::string business;
  for (const auto& share : answers) {
    for (const RawResponse& answer : share) {
      ++outcomes[answer.status == 201 ? "converted" : code_of(answer)];
      if (answer.status == 201) business = at(answer.body, "businessId");
    }
  }
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"converted", 1}, {"not_active", 19}}));
  EXPECT_EQ(books_of(node, facility), converted);
  EXPECT_EQ(node.ask("SELECT business_id FROM facility_conversions WHERE facility_id = $1", {facility}), business);
  EXPECT_EQ(node.ask("SELECT sum((h ->> 'quantity')::int) FROM businesses, jsonb_array_elements(inventory) AS h "
                     "WHERE id = $1",
                     {business}),
            "13");
}

TEST(AConversion, IsRefusedForItsReason) {
  const Node& node = shared_node();
  const std::string own = id_of(make_facility(node, "refused", goods));
  const std::string nevada = id_of(make_facility(node, "refused-2", goods, "NV"));
  const struct {
    const char* what;
    ApiCall call;
    int status;
    const char* code;
  } cases[] = {
      {"somebody else's", convert(node, "stranger", own, "Mine now"), 403, "not_owner"},
      {"illegal there", convert(node, "refused-2", nevada, "Desert"), 422, "not_convertible"},
      {"a substance without a law",
       as(node, "refused", "POST", "/api/crime/conversion/convert",
          R"({"facilityId":")" + own + R"(","substance":"Tea","newBusinessType":"Dispensary"})"),
       422, "not_convertible"},
  };
  for (const auto& one : cases) {
    const RawResponse answer = node.call(with_key(one.call, fresh_key()));
    EXPECT_EQ(answer.status, one.status) << one.what;
    EXPECT_EQ(code_of(answer), one.code) << one.what;
    EXPECT_EQ(answer.header("Idempotency-Status"), std::nullopt) << "not kept: nothing ran";
  }
  EXPECT_EQ(books_of(node, own), untouched);
  ApiCall by_admin = convert(node, "boss", own, "Mine now");
  by_admin.token = node.token("boss", "admin");
  EXPECT_EQ(node.call(by_admin).status, 403) << "what comes of it belongs to the owner";

  for (const char* status : {"Raided", "Abandoned", "Seized"}) {
    meddle(node, std::string("UPDATE facilities SET status = '") + status + "' WHERE id = '" + own + "'");
    const RawResponse answer = node.call(convert(node, "refused", own, "Too late"));
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(code_of(answer), "not_active");
    EXPECT_EQ(at(answer.body, "facilityStatus"), status);
  }
}

// A name that the owner has already: nothing happens, and the facility can still be converted under another.
TEST(AConversion, ToABusinessWhoseNameIsTakenChangesNothing) {
  const Node& node = shared_node();
  const std::string facility = id_of(make_facility(node, "twice", goods));
  make_business(node, "twice", "Green Valley");
  const RawResponse taken = node.call(convert(node, "twice", facility, "Green Valley"));
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(code_of(taken), "already_exists");
  EXPECT_EQ(node.ask("SELECT status || version FROM facilities WHERE id = $1", {facility}), "Active1");
  EXPECT_EQ(node.call(convert(node, "twice", facility, "Blue Valley")).status, 201);
}

// Laws come into force, lapse and are changed by an admin; the same key may try again after a 422.
TEST(AConversion, GoesByTheLawOfTheDay) {
  const Node& node = shared_node();
  const auto put = [&](const std::string& status, const std::string& further) {
    const RawResponse answer = node.call(as_admin(
        node, "PUT", "/api/crime/legislation",
        R"({"substance":"Kava","jurisdictionId":"HI","status":")" + status + R"(","taxRate":4.5,)" + further + "}"));
    EXPECT_TRUE(answer.status == 200 || answer.status == 201) << answer.body;
    EXPECT_TRUE(answer.header("ETag").has_value());
  };
  const struct {
    const char* status;
    const char* further;
    int expected;
  } laws[] = {
      {"Illegal", R"("effectiveDate":"2000-01-01")", 422},
      {"Decriminalized", R"("effectiveDate":"2000-01-01")", 422},
      {"Medical", R"("effectiveDate":"2999-01-01")", 422},
      {"Medical", R"("effectiveDate":"2000-01-01","sunsetDate":"2001-01-01")", 422},
      {"Medical", R"("effectiveDate":"2000-01-01","sunsetDate":"2999-01-01")", 201},
  };
  const std::string facility = id_of(make_facility(node, "lawful", "[]", "HI"));
  const ApiCall call =
      with_key(as(node, "lawful", "POST", "/api/crime/conversion/convert",
                  R"({"facilityId":")" + facility + R"(","substance":"Kava","newBusinessType":"Processing Plant"})"),
               "by-the-law");
  for (const auto& law : laws) {
    put(law.status, law.further);
    EXPECT_EQ(node.call(call).status, law.expected) << law.status << law.further;
  }
  EXPECT_EQ(node.call(as(node, "lawful", "PUT", "/api/crime/legislation", "{}")).status, 403);
  const std::string listed = node.call(as(node, "lawful", "GET", "/api/crime/legislation?substance=Kava")).body;
  EXPECT_EQ(at(listed, "items.0.taxRate"), "4.5");
  EXPECT_EQ(at(listed, "items.0.sunsetDate"), "2999-01-01");
  EXPECT_EQ(at(listed, "items.0.version"), "5");
}

TEST(TheLaw, IsMadeThenReplacedWithAnEntryEachTime) {
  const Node& node = shared_node();
  const auto put = [&](const std::string& status) {
    return node.call(as_admin(node, "PUT", "/api/crime/legislation",
                              R"({"substance":"Betel","jurisdictionId":"GA","status":")" + status +
                                  R"(","taxRate":7,"effectiveDate":"2000-01-01"})"));
  };
  EXPECT_EQ(put("Illegal").status, 201);
  const RawResponse replaced = put("Medical");
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(replaced.header("ETag"), "W/\"v2\"");
  EXPECT_EQ(at(replaced.body, "status"), "Medical");
  EXPECT_EQ(audited(node, node.ask("SELECT id FROM legislation WHERE substance = 'Betel'")),
            "CREATE_LEGISLATION 1, UPDATE_LEGISLATION 1");
}

TEST(TheLaw, IsSeededForEveryStateAndDC) {
  const Node& node = shared_node();
  const auto law = [&](const std::string& state) {
    const std::string body =
        node.call(as(node, "anybody", "GET", "/api/crime/legislation?substance=Cannabis&state=" + state)).body;
    return at(body, "items.0.status") + " " + at(body, "items.0.taxRate") + " " + at(body, "items.0.jurisdiction");
  };
  EXPECT_EQ(law("CA"), "Recreational 15 State");
  EXPECT_EQ(law("FL"), "Medical 6 State");
  for (const char* state : {"NV", "NY", "DC", "WY"}) EXPECT_EQ(law(state), "Illegal 0 State") << state;
  const std::string first = node.call(as(node, "anybody", "GET", "/api/crime/legislation?substance=Cannabis")).body;
  EXPECT_EQ(at(first, "items"), "[50]");
  const std::string rest = node.call(as(node, "anybody", "GET",
                                        "/api/crime/legislation?substance=Cannabis&cursor=" + at(first, "next_cursor")))
                               .body;
  EXPECT_EQ(at(rest, "items"), "[1]");
  EXPECT_EQ(at(rest, "next_cursor"), "null");
}

// Its business and its facility are written, its history waits.
HeldUp held_up(const Node& node, const ApiCall& call) {
  return HeldUp(node, call, "facility_conversions", "convert_facility");
}

TEST(AConversion, WhoseNodeAndDatabaseAreKilledInTheMiddleLeavesNothingAndCanBeSentAgain) {
  const TemporaryFolder folder;
  std::optional<Node> node(std::in_place, NodeSettings{.data_dir = folder.path() / "d"});
  const std::string facility = id_of(make_facility(*node, "unlucky", goods));
  const ApiCall call = with_key(convert(*node, "unlucky", facility, "Green Valley"), "in-the-middle");
  {
    HeldUp conversion = held_up(*node, call);
    ASSERT_TRUE(conversion.held());
    conversion.freeze();
    node->kill_hard();
    EXPECT_TRUE(conversion.client().closed());
  }
  node.emplace(NodeSettings{.data_dir = folder.path() / "d"});
  EXPECT_EQ(books_of(*node, facility), untouched);
  const RawResponse again = node->call(call);
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(again.header("Idempotency-Status"), "stored");
  EXPECT_EQ(books_of(*node, facility), converted);
}

// Its backend alone is ended: the node sends the command again by itself, and the client sees nothing of it.
TEST(AConversion, WhoseBackendIsEndedInTheMiddleHappensOnceAllTheSame) {
  const Node node;
  const std::string facility = id_of(make_facility(node, "unlucky", goods));
  HeldUp conversion = held_up(node, with_key(convert(node, "unlucky", facility, "Green Valley"), "in-the-middle"));
  ASSERT_TRUE(conversion.held());
  ASSERT_EQ(node.ask(std::string("SELECT pg_terminate_backend(pid) FROM (") + conversion.waiting() + ") AS w"), "t");
  conversion.let_go();
  const RawResponse answer = conversion.client().read();
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(books_of(node, facility), converted);
}

TEST(AConversion, WhoseAuditEntryFailsLeavesNothing) {
  const Node node;
  const std::string facility = id_of(make_facility(node, "unlucky", goods));
  postgres::Session(node.superuser())
      .script(
          "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'disk full'; END$$; "
          "CREATE TRIGGER fail BEFORE INSERT ON audit_logs FOR EACH ROW WHEN (NEW.action = 'CONVERT_FACILITY') "
          "EXECUTE FUNCTION fail()");
  EXPECT_EQ(node.call(convert(node, "unlucky", facility, "Green Valley")).status, 500);
  EXPECT_EQ(books_of(node, facility), untouched);
}

}  // namespace
}  // namespace tenon::test
