// A statement that was given up does not reach the server later, when the network delivers again.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "postgres/awaiting.hpp"
#include "postgres/session.hpp"
#include "support/cluster.hpp"
#include "support/network.hpp"

namespace tenon::postgres {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::await_row;
using test::Network;
using test::open;
using test::query;
using test::query_value;
using test::run;
using test::soon;

constexpr std::uint16_t port = 5432;  // nobody else's in this namespace

Network& network() {
  static Network made;
  return made;
}

// In a namespace before anything else has a thread or a socket.
class InANamespace : public testing::Environment {
  void SetUp() override { (void)network(); }
};
const testing::Environment* const in_a_namespace = testing::AddGlobalTestEnvironment(new InANamespace);

class OverTcp : public testing::Test {
 protected:
  void SetUp() override {
    if (!network().can_drop()) GTEST_SKIP() << network().why_not();
    cluster_ = std::make_unique<test::TestCluster>();
    const std::string data = query_value(local(), "SHOW data_directory");
    std::ofstream(data + "/tcp_hba.conf") << "local all all trust\nhost all all 127.0.0.1/32 trust\n";
    query(local(), "ALTER SYSTEM SET hba_file = '" + data + "/tcp_hba.conf'");
    query(local(), "ALTER SYSTEM SET listen_addresses = '127.0.0.1'");
    kill(cluster_->cluster().pid(), SIGINT);
    const Monotonic until = monotonic_now() + 20s;
    while (cluster_->cluster().alive()) ASSERT_LT(monotonic_now(), until);
    cluster_->cluster().restart();
  }
  [[nodiscard]] std::string local() const { return cluster_->superuser(); }

  std::unique_ptr<test::TestCluster> cluster_;
  asio::io_context io_{1};
  std::string over_tcp_ = "host=127.0.0.1 user=postgres dbname=tenon";
};

// Has the kernel anything to deliver to the server, for us or on behalf of a socket that we have closed?
bool kernel_keeps_a_connection() {
  const std::string only_waits_for_strays = "06";  // TIME_WAIT
  char remote[16];
  std::snprintf(remote, sizeof remote, "0100007F:%04X", unsigned{port});
  std::ifstream table("/proc/thread-self/net/tcp");
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string number, local, there, state;
    words >> number >> local >> there >> state;
    if (there == remote && state != only_waits_for_strays) return true;
  }
  return false;
}

TEST_F(OverTcp, AStatementThatWasGivenUpDoesNotRunWhenTheNetworkDeliversAgain) {
  query(local(), "CREATE TABLE late (n int)");
  auto connection = open(io_, over_tcp_);
  const std::string backend = std::to_string(connection->backend_pid());
  Network::drop(port);
  EXPECT_THROW(run(io_, connection->execute("INSERT INTO late VALUES (1)", {}, soon(1s))), ConnectionError);
  connection.reset();
  Network::deliver();
  const Monotonic until = monotonic_now() + 60s;
  while (kernel_keeps_a_connection()) ASSERT_LT(monotonic_now(), until);
  EXPECT_TRUE(await_row(local(), "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = " + backend +
                                     " AND state = 'active')"));
  EXPECT_EQ(query_value(local(), "SELECT count(*) FROM late"), "0");
}

// Milliseconds for which the kernel keeps trying to deliver what was sent on our one connection to the server.
unsigned int kernel_delivers_for() {
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
    unsigned int milliseconds = 0;
    size = sizeof milliseconds;
    EXPECT_EQ(getsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, &size), 0);
    return milliseconds;
  }
  ADD_FAILURE() << "no connection to the server";
  return 0;
}

// The process may be gone before it gives anything up.
TEST_F(OverTcp, WhatIsNotDeliveredWithinTheDeadlineOfARequestIsGivenUpByTheKernelUnlessTheConninfoSaysOtherwise) {
  {
    const auto connection = open(io_, over_tcp_);
    EXPECT_EQ(kernel_delivers_for(), 10'000U);
  }
  {
    const auto connection = open(io_, over_tcp_ + " tcp_user_timeout=3000");
    EXPECT_EQ(kernel_delivers_for(), 3'000U);
  }
  {
    const Session session(over_tcp_);
    EXPECT_EQ(kernel_delivers_for(), 10'000U);
  }
  const Session session(over_tcp_ + " tcp_user_timeout=3000");
  EXPECT_EQ(kernel_delivers_for(), 3'000U);
}

}  // namespace
}  // namespace tenon::postgres
