// tenon::Client against whole nodes: what it asks for again after its answer was lost, it gets.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <tenon/client.hpp>

#include "service/inventory.hpp"
#include "service/signer.hpp"

namespace tenon::test {
namespace {

namespace asio = boost::asio;
using Outcome = std::expected<ClientAnswer, ClientFailure>;

// The server gets everything; of the first answers the client hears nothing.
class Losing final : public client::Transport {
 public:
  Losing(std::unique_ptr<client::Transport> real, int lost, std::vector<client::Answered>& unheard)
      : real_(std::move(real)), lost_(lost), unheard_(unheard) {}
  asio::awaitable<client::Answered> exchange(const signature::OutgoingRequest& request,
                                             std::chrono::milliseconds deadline) override {
    client::Answered answer = co_await real_->exchange(request, deadline);
    if (lost_-- <= 0) co_return answer;
    unheard_.push_back(answer);
    throw boost::system::system_error(asio::error::connection_reset);
  }

 private:
  std::unique_ptr<client::Transport> real_;
  int lost_;
  std::vector<client::Answered>& unheard_;
};

asio::awaitable<void> send_into(Client& client, ClientRequest request, std::optional<Outcome>& outcome) {
  outcome.emplace(co_await client.send(std::move(request)));
}

Outcome send(asio::io_context& context, Client& client, ClientRequest request) {
  std::optional<Outcome> outcome;
  asio::co_spawn(context, send_into(client, std::move(request), outcome), asio::detached);
  context.restart();
  context.run();
  return std::move(outcome).value();
}

ClientSettings settings_for(const Node& node, const Signer& signer) {
  ClientSettings settings{.base_url = "http://127.0.0.1:" + std::to_string(node.port()),
                          .token = node.token(signer.user(), "staff"),
                          .signer = RequestSigner{signer.key(), signer.key_id()}};
  settings.backoff = {.first = std::chrono::milliseconds(5), .most = std::chrono::milliseconds(20)};
  return settings;
}

ClientRequest sale_of(const std::string& item) {
  return {.method = http::Method::patch, .target = "/api/inventory/" + item, .body = R"({"decrement":2})"};
}

TEST(Client, GetsTheFirstAnswerThatItNeverHeard) {
  const Node node({.arguments = {"--require-signature", "all"}});
  const Signer signer(node, "forgetful");
  const Signer chief(node, "chief");
  const RawResponse made = node.call(chief.sign({.method = "POST",
                                                 .path = "/api/inventory",
                                                 .key = "the-item",
                                                 .body = R"({"name":"Chair","price":1,"quantity_available":10})"}));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string item = at(made.body, "id");
  asio::io_context context;
  std::vector<client::Answered> unheard;
  Client client(context.get_executor(), settings_for(node, signer),
                std::make_unique<Losing>(client::make_transport(context.get_executor()), 2, unheard));
  const Outcome outcome = send(context, client, sale_of(item));
  ASSERT_TRUE(outcome) << outcome.error().reason;
  EXPECT_EQ(outcome->answer.status, 200) << outcome->answer.body;
  EXPECT_EQ(outcome->attempts, 3);
  EXPECT_TRUE(outcome->replayed());
  ASSERT_EQ(unheard.size(), 2U);
  EXPECT_EQ(outcome->answer.body, unheard[0].body);
  EXPECT_EQ(*outcome->answer.header("ETag"), *unheard[0].header("ETag"));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 8, .sold = 2, .entries = 1}));
}

TEST(Client, SpeaksOverOneConnectionAndSignsWhateverIsRead) {
  const Node& node = shared_node();
  const Signer signer(node, "talkative", "hmac-sha256");
  const std::string item = make_item(node, 10);
  asio::io_context context;
  Client client(context.get_executor(), settings_for(node, signer));
  for (int i = 1; i <= 3; ++i) {
    const Outcome sold = send(context, client, sale_of(item));
    ASSERT_TRUE(sold) << sold.error().reason;
    EXPECT_EQ(sold->answer.status, 200) << sold->answer.body;
    EXPECT_FALSE(sold->replayed());
  }
  const Outcome read = send(context, client, {.target = "/api/inventory/" + item});
  EXPECT_EQ(at(read->answer.body, "quantity_available"), "4");
  const Outcome none = send(context, client, {.target = "/api/inventory/018f0000-0000-7000-8000-000000000001"});
  EXPECT_EQ(none->answer.status, 404);
  EXPECT_EQ(none->attempts, 1);
}

TEST(Client, OfANodeThatIsGoneSaysSoAndWhichKeyToAskWith) {
  std::uint16_t port = 0;
  ClientSettings settings;
  {
    const Node node;
    port = node.port();
  }
  settings.base_url = "http://127.0.0.1:" + std::to_string(port);
  settings.attempts_max = 3;
  settings.backoff = {.first = std::chrono::milliseconds(1), .most = std::chrono::milliseconds(2)};
  asio::io_context context;
  Client client(context.get_executor(), settings);
  const Outcome outcome = send(context, client, sale_of("018f0000-0000-7000-8000-000000000001"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().attempts, 3);
  EXPECT_EQ(outcome.error().idempotency_key.size(), 36U);
}

}  // namespace
}  // namespace tenon::test
