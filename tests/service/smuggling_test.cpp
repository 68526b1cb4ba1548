// Request smuggling: bytes that two readers could frame in two ways, sent to a node directly, and through the proxies
// that people put before one. Whatever a proxy makes of them, no request runs that it has not seen.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "service/inventory.hpp"
#include "service/smuggling_payloads.hpp"
#include "support/reverse_proxy.hpp"

namespace tenon::test {
namespace {

using std::chrono::milliseconds;

// A sale, complete with its credentials: harm is done by whoever reads it as a request.
std::string hidden_sale(const Node& node, const std::string& item, const std::string& key) {
  return bytes_of(sell(node, item, 1, key));
}

int hidden_sales(const Node& node, const std::string& item) { return stock_of(node, item).sold; }

// Sends it and waits until it is answered, or that it seems to wait for more.
void throw_in(std::uint16_t port, const std::string& bytes, milliseconds patience) {
  RawClient client(port, patience);
  try {
    client.send(bytes);
    static_cast<void>(client.read());
    while (!client.closed()) static_cast<void>(client.read());
  } catch (const RawClientError&) {
  }
}

TEST(Smuggling, FindsItsHiddenRequestWhereThatStandsAlone) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 5);
  EXPECT_EQ(exchange(node.port(), hidden_sale(node, item, fresh_key())).status, 200);
  EXPECT_EQ(hidden_sales(node, item), 1) << "else the tests below would show nothing";
}

TEST(Smuggling, DirectlyToTheNodeRunsNothingThatIsHidden) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 1000);
  const std::vector<Payload> payloads = smuggling_payloads(hidden_sale(node, item, "hidden-from-the-node"));
  for (const Payload& payload : payloads) {
    throw_in(node.port(), payload.bytes, milliseconds(40));
    ASSERT_EQ(hidden_sales(node, item), 0) << payload.name;
  }
  EXPECT_GE(payloads.size(), 60U);
}

// As an honest client asks: again, with the same key, when a connection was lost.
RawResponse answer_through(const ReverseProxy& proxy, const ApiCall& call) {
  for (int tries = 0;; ++tries) {
    RawClient client(proxy.port(), std::chrono::seconds(15));
    client.send(bytes_of(call));
    RawResponse answer = client.read();
    if (answer.status < 500 || tries == 3) return answer;
  }
}

class BehindProxy : public testing::TestWithParam<ReverseProxy::Kind> {};

TEST_P(BehindProxy, RunsNothingThatTheProxyHasNotSeenAndAnswersNobodyWithAnothersAnswer) {
  const Node& node = shared_node();
  const std::string poisoned = make_item(node, 1000);
  const std::string honest = make_item(node, 1000);
  int orders = 0;
  {
    const ReverseProxy proxy(GetParam(), node.port());
    ASSERT_EQ(exchange(proxy.port(), hidden_sale(node, poisoned, fresh_key())).status, 403)
        << "the proxy lets no PATCH through";
    for (const Payload& payload : smuggling_payloads(hidden_sale(node, poisoned, "hidden-from-the-proxy"))) {
      throw_in(proxy.port(), payload.bytes, milliseconds(40));
      // Somebody else's request, over the connections to the node that the proxy keeps: what were left over on one of
      // them would stand before it.
      const std::string key = fresh_key();
      const RawResponse answer =
          answer_through(proxy, order(node, fmt::format(R"([{{"item_id":"{}","quantity":1}}])", honest), key));
      ASSERT_EQ(answer.status / 100, 2) << payload.name << ": " << answer.body;
      ASSERT_EQ(answer.header("Idempotency-Key"), key) << payload.name;
      ++orders;
      ASSERT_EQ(hidden_sales(node, poisoned), 0) << payload.name;
    }
  }
  // With the proxy gone all that it held back has arrived.
  EXPECT_EQ(hidden_sales(node, poisoned), 0);
  EXPECT_EQ(stock_of(node, honest).sold, orders);
}

INSTANTIATE_TEST_SUITE_P(Smuggling, BehindProxy,
                         testing::Values(ReverseProxy::Kind::nginx, ReverseProxy::Kind::haproxy,
                                         ReverseProxy::Kind::lenient_haproxy),
                         [](const auto& each) {
                           return each.param == ReverseProxy::Kind::nginx     ? "nginx"
                                  : each.param == ReverseProxy::Kind::haproxy ? "haproxy"
                                                                              : "lenient_haproxy";
                         });

}  // namespace
}  // namespace tenon::test
