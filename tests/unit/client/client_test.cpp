// The client against a server that is a script, with clocks, chance and pauses of the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <set>

#include <tenon/client.hpp>

#include "base/problem.hpp"
#include "safeguards/signature/verify.hpp"

namespace tenon {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr std::uint16_t lost = 0;  // no answer comes

struct Script {
  std::deque<std::pair<std::uint16_t, std::string>> answers;  // status, Retry-After
  std::vector<signature::OutgoingRequest> seen = {};
  std::vector<std::chrono::milliseconds> deadlines = {};
};

class Scripted final : public client::Transport {
 public:
  explicit Scripted(Script& script) : script_(script) {}
  asio::awaitable<client::Answered> exchange(const signature::OutgoingRequest& request,
                                             std::chrono::milliseconds deadline) override {
    script_.seen.push_back(request);
    script_.deadlines.push_back(deadline);
    const auto [status, retry_after] =
        script_.answers.empty() ? std::pair{std::uint16_t{200}, std::string()} : script_.answers.front();
    if (!script_.answers.empty()) script_.answers.pop_front();
    if (status == lost) throw boost::system::system_error(asio::error::connection_reset);
    client::Answered answer{.status = status, .headers = {}, .body = "{}"};
    if (!retry_after.empty()) answer.headers.emplace_back("Retry-After", retry_after);
    co_return answer;
  }

 private:
  Script& script_;
};

using Outcome = std::expected<ClientAnswer, ClientFailure>;

asio::awaitable<void> send_into(Client& client, ClientRequest request, std::optional<Outcome>& outcome) {
  outcome.emplace(co_await client.send(std::move(request)));
}

class ClientTest : public testing::Test {
 protected:
  ClientSettings settings() {
    ClientSettings made{.base_url = "https://shop.example", .token = "t"};
    made.clock = [this] { return now_; };
    made.wall_clock = [this] { return wall_; };
    made.random = [] { return 0.0; };
    made.pause = [this](std::chrono::milliseconds pause) { return pass(pause); };
    return made;
  }
  Outcome send(ClientRequest request, ClientSettings with) {
    asio::io_context context;
    Client client(context.get_executor(), std::move(with), std::make_unique<Scripted>(script_));
    std::optional<Outcome> outcome;
    asio::co_spawn(context, send_into(client, std::move(request), outcome), asio::detached);
    context.run();
    return std::move(outcome).value();
  }
  Outcome sell() { return send({.method = http::Method::patch, .target = "/api/x?y=1", .body = "{}"}, settings()); }

  // What was thrown instead of sending it; empty: nothing was.
  std::string refusal_of(ClientRequest request, ClientSettings with) {
    asio::io_context context;
    Client client(context.get_executor(), std::move(with), std::make_unique<Scripted>(script_));
    auto outcome = asio::co_spawn(context, client.send(std::move(request)), asio::use_future);
    context.run();
    try {
      return outcome.get() ? "" : "it was lost";
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
  }

  asio::awaitable<void> pass(std::chrono::milliseconds pause) {
    pauses_.push_back(pause);
    now_ += pause;
    wall_ += pause;
    co_return;
  }

  Script script_;
  Monotonic now_{};
  Instant wall_ = std::chrono::sys_seconds(1'764'652'871s);
  std::vector<std::chrono::milliseconds> pauses_;
};

TEST_F(ClientTest, SendsOnceWhatIsAnsweredAndSaysTheKey) {
  const Outcome outcome = sell();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->attempts, 1);
  ASSERT_EQ(script_.seen.size(), 1U);
  const auto& sent = script_.seen[0];
  EXPECT_EQ(sent.host, "shop.example");
  EXPECT_EQ(sent.target, "/api/x?y=1");
  EXPECT_TRUE(sent.secure);
  EXPECT_EQ(*sent.header("Authorization"), "Bearer t");
  EXPECT_EQ(*sent.header("Content-Type"), "application/json");
  EXPECT_EQ(*sent.header("Idempotency-Key"), outcome->idempotency_key);
  EXPECT_EQ(outcome->idempotency_key.size(), 36U);
}

TEST_F(ClientTest, KeepsItsKeyOverEveryRetry) {
  script_.answers = {{lost, ""}, {503, ""}, {429, ""}, {500, ""}, {201, ""}};
  const Outcome outcome = sell();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->answer.status, 201);
  EXPECT_EQ(outcome->attempts, 5);
  std::set<std::string> keys;
  for (const auto& sent : script_.seen) keys.insert(*sent.header("Idempotency-Key"));
  EXPECT_EQ(keys, std::set<std::string>{outcome->idempotency_key});
  EXPECT_EQ(pauses_, (std::vector<std::chrono::milliseconds>{50ms, 100ms, 200ms, 400ms}));
}

TEST_F(ClientTest, SignsEachAttemptAnewAndTruly) {
  const signature::KeyPair pair = signature::generate(signature::Algorithm::ed25519);
  ClientSettings with = settings();
  with.signer =
      RequestSigner{signature::SigningKey::load(signature::Algorithm::ed25519, pair.private_half).value(), "k"};
  script_.answers = {{lost, ""}, {503, "7"}, {200, ""}};
  ASSERT_TRUE(send({.method = http::Method::post, .target = "/api/x", .body = "{}"}, with));
  const signature::Key key{
      .id = "k",
      .user = "u",
      .verifier = signature::VerifyingKey::load(signature::Algorithm::ed25519, pair.public_half).value(),
      .expires = {}};
  std::set<std::string> nonces;
  Instant at = std::chrono::sys_seconds(1'764'652'871s);
  for (std::size_t i = 0; i < script_.seen.size(); ++i) {
    const auto& sent = script_.seen[i];
    std::vector<http::Header> lines;
    for (const auto& [name, value] : sent.headers) lines.push_back({name, value});
    http::Request request;
    request.method = sent.method;
    request.path = sent.target;
    request.headers = lines;
    request.body = sent.body;
    request.secure = sent.secure;
    const auto presented = signature::read_signature(request);
    ASSERT_TRUE(presented && *presented);
    nonces.insert((**presented).nonce);
    EXPECT_TRUE(signature::verify(request, **presented, &key, "u", {}, at)) << i;
    if (i < pauses_.size()) at += pauses_[i];
  }
  EXPECT_EQ(nonces.size(), 3U);
}

TEST_F(ClientTest, WaitsAsLongAsRetryAfterSays) {
  script_.answers = {{429, "17"}, {200, ""}};
  ASSERT_TRUE(sell());
  EXPECT_EQ(pauses_, std::vector<std::chrono::milliseconds>{17'000ms});
}

TEST_F(ClientTest, AsksNotAgainWhatWouldBeAnsweredTheSame) {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{400, 401, 403, 404, 409, 422}) {
    script_ = Script{.answers = {{status, ""}}};
    const Outcome outcome = sell();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->answer.status, status);
    EXPECT_EQ(script_.seen.size(), 1U) << status;
  }
}

TEST_F(ClientTest, GivesUpAfterItsAttemptsWithTheLastAnswerOrTheReason) {
  const std::pair<std::uint16_t, std::string> overloaded{503, ""};
  script_.answers.assign(20, overloaded);
  ClientSettings with = settings();
  with.attempts_max = 3;
  Outcome outcome = send({.target = "/api/x"}, with);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->answer.status, 503);
  EXPECT_EQ(outcome->attempts, 3);
  EXPECT_EQ(outcome->idempotency_key, "") << "a GET needs none";
  script_ = Script{};
  script_.answers.assign(20, {lost, ""});
  outcome = send({.method = http::Method::post, .target = "/api/x", .body = "{}", .idempotency_key = "mine"}, with);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().attempts, 3);
  EXPECT_EQ(outcome.error().idempotency_key, "mine");
  EXPECT_NE(outcome.error().reason, "");
}

TEST_F(ClientTest, WaitsForNothingThatWouldComeAfterItsDeadline) {
  script_.answers = {{503, "19"}, {503, "19"}, {200, ""}};
  const Outcome outcome = sell();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->answer.status, 503);
  EXPECT_EQ(outcome->attempts, 2) << "19 s fit into twenty once";
  EXPECT_EQ(script_.deadlines, (std::vector<std::chrono::milliseconds>{10'000ms, 1'000ms}));
}

TEST_F(ClientTest, SendsNothingOnceItsDeadlinePassedWhileItPaused) {
  for (const std::uint16_t first : {lost, std::uint16_t{503}}) {
    script_ = Script{.answers = {{first, ""}, {200, ""}}};
    ClientSettings with = settings();
    with.pause = [this](std::chrono::milliseconds pause) { return pass(pause + 10min); };
    const Outcome outcome = send({.method = http::Method::post, .target = "/api/x", .body = "{}"}, with);
    EXPECT_EQ(script_.seen.size(), 1U) << "the key may be forgotten by now: this would be a new request";
    EXPECT_EQ(outcome.has_value(), first != lost) << "the last answer, or why there was none";
    EXPECT_EQ(outcome ? outcome->attempts : outcome.error().attempts, 1);
  }
}

TEST_F(ClientTest, IsDoneWithARequestBeforeItsKeyMayBeForgotten) {
  EXPECT_LE(ClientSettings{}.deadline + limits::request_deadline, client_key_lifetime);
}

TEST_F(ClientTest, RefusesWhatCannotBeSent) {
  asio::io_context context;
  for (const char* url : {"", "shop.example", "https://shop.example/path", "ftp://x"}) {
    EXPECT_THROW(Client(context.get_executor(), {.base_url = url}), std::invalid_argument) << url;
  }
}

TEST_F(ClientTest, RefusesHeaderNamesThatAreNoTokens) {
  using namespace std::string_literals;
  for (const std::string& name : {""s, "X Y"s, "X:"s, "X\r\nY"s, "X\0"s, "(X)"s, "\"X\""s, "\xc3\xbc"s, "X\t"s}) {
    EXPECT_THAT(refusal_of({.headers = {{name, "v"}}}, settings()), testing::HasSubstr("header")) << name;
  }
  // How long a request is, is the client's to say: another length would make a second request of its rest.
  for (const char* name : {"Content-Length", "transfer-encoding"}) {
    EXPECT_THAT(refusal_of({.headers = {{name, "5"}}}, settings()), testing::HasSubstr(name));
  }
  for (const char* name : {"Idempotency-Key", "idempotency-key"}) {
    EXPECT_THAT(refusal_of({.method = http::Method::post, .headers = {{name, "mine"}}}, settings()),
                testing::HasSubstr("set idempotency_key"))
        << "another key would be sent instead";
  }
  EXPECT_TRUE(script_.seen.empty());
  EXPECT_EQ(refusal_of({.headers = {{"!#$%&'*+-.^_`|~09azAZ", "v"}}}, settings()), "");
}

TEST_F(ClientTest, RefusesControlCharactersInHeadersTokensAndKeysAndDoesNotRepeatThem) {
  using namespace std::string_literals;
  const auto with_token = [this](const std::string& token) {
    ClientSettings with = settings();
    with.token = token;
    return with;
  };
  for (const std::string& bad :
       {"\r\nX-Role: admin"s, "\n"s, "\r"s, "\0"s, "\x1b[2J"s, "\x7f"s, "\r\n\r\nGET / HTTP/1.1"s}) {
    for (const std::string& value : {bad, "secret" + bad, bad + "secret", "secret" + bad + "secret"}) {
      for (const std::string& why :
           {refusal_of({.headers = {{"X-Note", value}}}, settings()),
            refusal_of({.headers = {{"Authorization", value}}}, settings()),
            refusal_of({.idempotency_key = value}, settings()), refusal_of({}, with_token(value))}) {
        EXPECT_THAT(why, testing::HasSubstr("control character"));
        EXPECT_THAT(why, testing::Not(testing::HasSubstr("secret"))) << "it may end up in a log";
      }
    }
  }
  EXPECT_TRUE(script_.seen.empty());
  for (const char* good : {"", "a b", "a\tb", "gr\xc3\xbc\xc3\x9f", "a: b, \"c\""}) {
    EXPECT_EQ(refusal_of({.headers = {{"X-Note", good}}}, settings()), "") << good;
  }
}

}  // namespace
}  // namespace tenon
