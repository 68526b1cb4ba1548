// The tools of the attack do what they say: a link that is held holds, a cut cuts where it was asked to.
#include "chaos/link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "chaos/history.hpp"
#include "support/raw_client.hpp"

namespace tenon::chaos {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string message(char type, const std::string& content) {
  const auto size = static_cast<std::uint32_t>(content.size() + 4);
  std::string bytes(1, type);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>((size >> shift) & 0xFF);
  return bytes + content;
}

const std::string startup = message('x', "version and user").substr(1);
const std::string parse_write = message('P', "w\0SELECT * FROM decrement_stock_atomic($1)\0\0\0"s);
const std::string parse_read = message('P', "r\0SELECT 1\0\0\0"s);
const std::string bind_write = message('B', "\0w\0\0\0\0\0\0\0"s);
const std::string bind_read = message('B', "\0r\0\0\0\0\0\0\0"s);
const std::string execute = message('E', "\0\0\0\0\0"s);
const std::string sync = message('S', "");
const std::string answer = message('2', "") + message('C', "SELECT 1\0"s) + message('Z', "I");

TEST(MessageReader, FindsTheMessagesHoweverTheBytesArrive) {
  const std::string all = startup + parse_write + bind_write + execute + sync;
  for (std::size_t piece = 1; piece < all.size(); ++piece) {
    MessageReader reader(true);
    std::string types;
    std::string bytes;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      for (const Message& each : reader.feed(std::string_view(all).substr(at, piece))) {
        types += each.type;
        bytes += each.bytes;
      }
    }
    ASSERT_EQ(types, "\0PBES"s) << piece;
    ASSERT_EQ(bytes, all);
  }
}

TEST(MessageReader, PassesOnWhatIsNotTheProtocol) {
  MessageReader reader(false);
  const std::vector<Message> messages = reader.feed("X\0\0\0\0 and more"s);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].type, '?');
  EXPECT_EQ(reader.feed("anything").at(0).bytes, "anything");
}

TEST(WriteSpotter, KnowsAWriteByWhatWasPreparedUnderItsName) {
  WriteSpotter spotter;
  EXPECT_FALSE(spotter.begins_write({'B', bind_write})) << "not prepared yet";
  EXPECT_FALSE(spotter.begins_write({'P', parse_write}));
  EXPECT_FALSE(spotter.begins_write({'P', parse_read}));
  EXPECT_TRUE(spotter.begins_write({'B', bind_write}));
  EXPECT_FALSE(spotter.begins_write({'B', bind_read}));
  EXPECT_FALSE(spotter.begins_write({'P', message('P', "w\0SELECT 2\0\0\0"s)}));
  EXPECT_FALSE(spotter.begins_write({'B', bind_write})) << "the name means something else by now";
}

// A server that takes one connection.
class Server {
 public:
  Server() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Server() {
    if (connection_ >= 0) close(connection_);
    close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void accept() {
    if (readable(listener_, seconds(20))) connection_ = ::accept(listener_, nullptr, nullptr);
  }
  void say(const std::string& bytes) const { send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // All that came, up to `size` bytes; less when the connection ended or nothing more comes.
  [[nodiscard]] std::string hear(std::size_t size, milliseconds patience = seconds(20)) const {
    return heard(connection_, size, patience);
  }
  static bool readable(int fd, milliseconds patience) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&waiting, 1, static_cast<int>(patience.count())) > 0;
  }
  static std::string heard(int fd, std::size_t size, milliseconds patience) {
    std::string all;
    std::array<char, 4096> bytes;
    while (all.size() < size && readable(fd, patience)) {
      const ssize_t got = recv(fd, bytes.data(), std::min(bytes.size(), size - all.size()), 0);
      if (got <= 0) break;
      all.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  int listener_;
  int connection_ = -1;
  std::uint16_t port_ = 0;
};

constexpr std::size_t any = 1'000'000;

struct Joined {
  explicit Joined(Protocol protocol) : link(protocol) {
    link.aim(server.port());
    client.emplace(link.port(), seconds(20));
    server.accept();
  }
  [[nodiscard]] std::string client_hears(std::size_t size) const {
    return Server::heard(client->fd(), size, seconds(20));
  }

  Server server;
  Link link;
  std::optional<test::RawClient> client;
};

TEST(Link, PassesBytesBothWays) {
  Joined joined(Protocol::bytes);
  joined.client->send("question");
  EXPECT_EQ(joined.server.hear(8), "question");
  joined.server.say("answer");
  EXPECT_EQ(joined.client_hears(6), "answer");
  EXPECT_EQ(joined.link.counts().cuts, 0U);
  EXPECT_EQ(joined.link.counts().held_bytes, 0U);
}

TEST(Link, ThatIsHeldOneWayKeepsWhatComesThatWayAndPassesTheOther) {
  Joined joined(Protocol::bytes);
  joined.link.hold(true, false);
  joined.client->send("question");
  joined.server.say("answer");
  EXPECT_EQ(joined.client_hears(6), "answer");
  EXPECT_EQ(joined.server.hear(8, milliseconds(100)), "");
  EXPECT_EQ(joined.link.counts().held_bytes, 8U);
  joined.link.release();
  EXPECT_EQ(joined.server.hear(8), "question") << "late, but whole";
}

TEST(Link, CutAfterSomeBytesPassesThoseAndNoMore) {
  Joined joined(Protocol::bytes);
  joined.link.cut_after(Way::up, 3);
  joined.client->send("question");
  EXPECT_EQ(joined.server.hear(any).substr(0, 3), "que");
  EXPECT_EQ(joined.client_hears(any), "");
  EXPECT_EQ(joined.link.counts().cuts, 1U);
}

TEST(Link, ResetEndsItsConnectionsAndTakesOthers) {
  Joined joined(Protocol::bytes);
  joined.link.reset();
  EXPECT_EQ(joined.client_hears(any), "");
  EXPECT_EQ(joined.link.counts().cuts, 1U);
  joined.client.emplace(joined.link.port(), seconds(20));
  joined.server.accept();
  joined.client->send("again");
  EXPECT_EQ(joined.server.hear(5), "again");
}

TEST(Link, ThatLeadsNowhereResetsWhoConnects) {
  Link link(Protocol::bytes);
  const test::RawClient client(link.port(), seconds(20));
  EXPECT_EQ(Server::heard(client.fd(), any, seconds(20)), "");
}

TEST(Link, ThatIsSlowDelaysAndLosesNothing) {
  Joined joined(Protocol::bytes);
  joined.link.slow(milliseconds(30), 1'000'000);
  const Monotonic begun = monotonic_now();
  joined.client->send(std::string(50'000, 'x'));
  EXPECT_EQ(joined.server.hear(50'000).size(), 50'000U);
  EXPECT_GE(monotonic_now() - begun, milliseconds(50)) << "what 50,000 bytes take at a million a second";
  EXPECT_EQ(joined.link.counts().late_bytes, 50'000U);
}

// What arrives on either side of a write when its connection is cut at each moment.
struct AtMoment {
  Moment moment;
  std::string server_hears, client_hears;
};
class CutAt : public testing::TestWithParam<AtMoment> {};

TEST_P(CutAt, StrikesTheWriteThereAndOnlyTheWrite) {
  const AtMoment& row = GetParam();
  Joined joined(Protocol::postgres);
  const std::string before = startup + parse_write + parse_read + bind_read + execute + sync;
  joined.link.cut_at(row.moment);
  joined.client->send(before);
  ASSERT_EQ(joined.server.hear(before.size()), before) << "a read is let through";
  joined.server.say(answer);
  ASSERT_EQ(joined.client_hears(answer.size()), answer);

  joined.client->send(bind_write + execute + sync);
  EXPECT_EQ(joined.server.hear(row.server_hears.size()), row.server_hears);
  if (row.server_hears.ends_with(sync)) joined.server.say(answer);
  EXPECT_EQ(joined.client_hears(any), row.client_hears);
  EXPECT_EQ(joined.server.hear(any), "") << "nothing more";
  EXPECT_EQ(joined.link.counts().cuts, 1U);
}

const std::string write_statement = bind_write + execute + sync;
INSTANTIATE_TEST_SUITE_P(
    EachMoment, CutAt,
    testing::Values(AtMoment{Moment::before_statement, "", ""},
                    AtMoment{Moment::in_statement, bind_write.substr(0, bind_write.size() / 2), ""},
                    AtMoment{Moment::statement_sent, write_statement, ""},
                    AtMoment{Moment::after_commit, write_statement, ""},
                    AtMoment{Moment::in_answer, write_statement, answer.substr(0, answer.size() / 2)},
                    AtMoment{Moment::after_answer, write_statement, answer}));

// What ends the clients' side of a call counts once, and only what was told in the end.
TEST(History, CountsAWriteAsAcknowledgedOnceAndKeepsTheUnansweredOpen) {
  History history("");
  Call& call = history.add({.kind = Kind::sell, .user = "a", .key = "k", .lines = {{0, 1}}});
  history.end(call, history.begin(call, 0), {});
  EXPECT_EQ(call.first_final(), nullptr);
  EXPECT_EQ(call.attempts[0].answered, no_answer);
  history.end(call, history.begin(call, 1), {.status = 500});
  EXPECT_EQ(call.first_final(), nullptr) << "it may still happen";
  const Moment64 from = history.now();
  history.end(call, history.begin(call, 2), {.status = 200, .is_final = true});
  history.end(call, history.begin(call, 0), {.status = 200, .is_final = true, .replayed = true});
  EXPECT_EQ(history.acknowledged(), 1U);
  ASSERT_NE(call.first_final(), nullptr);
  EXPECT_EQ(call.first_final()->node, 2);
  EXPECT_NE(history.first_success(from, 1U << 2), no_answer);
  EXPECT_NE(history.first_success(from, 1U << 0), no_answer) << "a repeated answer shows that the node works, too";
  EXPECT_EQ(history.first_success(from, 1U << 1), no_answer) << "another node's";
  EXPECT_EQ(history.first_success(history.now(), 7), no_answer) << "sent before";
}

}  // namespace
}  // namespace tenon::chaos
