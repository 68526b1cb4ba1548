// What expires is cleared away as fast as it comes.
#include "writes/key_sweeper.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/cluster.hpp"

namespace tenon::writes {
namespace {

using test::await_row;
using test::query;
using test::query_value;
using test::shared_cluster;

TEST(ATurnOfTheKeySweeper, ForgetsAllNoncesWhoseTimeHasComeHoweverMany) {
  const std::string superuser = shared_cluster().make_database("sweeper");
  shared_cluster().migrate("sweeper");
  query(superuser,
        "INSERT INTO signature_nonces SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), "
        "now() - interval '1 hour' FROM generate_series(1, 25000)");
  boost::asio::io_context io{1};
  Logger log{"/dev/null", LogLevel::off};
  KeySweeper sweeper(io, shared_cluster().edge("sweeper"), log);
  sweeper.start();
  std::thread thread([&] { io.run(); });
  // The first turn ends with the months.
  EXPECT_TRUE(await_row(superuser,
                        "SELECT FROM pg_stat_activity WHERE usename = 'tenon_edge' AND datname = 'sweeper' "
                        "AND query LIKE '%add_audit_months%' AND state = 'idle'"));
  EXPECT_EQ(query_value(superuser, "SELECT count(*) FROM signature_nonces"), "0");
  sweeper.stop();
  thread.join();
}

}  // namespace
}  // namespace tenon::writes
