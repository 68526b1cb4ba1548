// A whole connection: bytes in, the session's answers out. The requests that reach the handler are the reference's, and
// what comes back is one well-framed answer for each, in order, and after a refusal nothing.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <memory>
#include <string>

#include "fuzz/http_reading.hpp"
#include "fuzz/target.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"

namespace tenon::fuzz {
namespace {

namespace asio = boost::asio;

Logger& quiet() {
  static Logger log("/dev/null", LogLevel::off);
  return log;
}

ReferenceRequest copy_of(const http::Request& request) {
  ReferenceRequest copy{.method = std::string(http::name_of(request.method)), .target = std::string(request.target)};
  for (const http::Header& header : request.headers) copy.headers.emplace_back(header.name, header.value);
  copy.body = request.body;
  return copy;
}

// Gives back what it was sent, in a header too: nobody may split an answer with it.
asio::awaitable<http::Response> echo(const http::Request& request) {
  http::Response response = http::Response::json(200, std::string(request.body));
  response.add("X-Echo", request.body);
  co_return response;
}

class Conversation {
 public:
  explicit Conversation(std::string_view input) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "there are sockets");
    ours_ = ends[0];
    http::Socket socket(context_);
    socket.assign(asio::ip::tcp::v4(), ends[1]);  // it never asks what kind of socket it is
    const auto peer = asio::ip::make_address("192.0.2.1");
    auto seat = http::Seat::take(state_, peer);
    check(seat.has_value(), "there is a seat");
    asio::co_spawn(context_, http::serve_connection(std::move(*seat), shard_, std::move(socket), peer),
                   [this](const std::exception_ptr& error) {
                     done_ = true;
                     check(error == nullptr, "a session never throws");
                   });
    for (Pieces pieces(input); !pieces.empty() && !deaf_;) send(pieces.next(8 * 1024));
    ::shutdown(ours_, SHUT_WR);
    for (int idle = 0; !done_; ++idle) {
      if (step()) idle = 0;
      check(idle < 1000, "a session ends once its client has");
    }
    receive();
  }
  ~Conversation() { ::close(ours_); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  std::vector<ReferenceRequest> executed = {};
  std::string answers = {};

 private:
  asio::awaitable<http::Response> handle(const http::Request& request) {
    executed.push_back(copy_of(request));
    return echo(request);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty() && !deaf_) {
      const ssize_t n = ::send(ours_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN) deaf_ = true;
      step();
      if (done_) deaf_ = true;
    }
  }
  bool step() {
    context_.restart();
    const bool worked = context_.poll() != 0;
    return receive() || worked;
  }
  bool receive() {
    char bytes[16 * 1024];
    bool any = false;
    for (ssize_t n = ::recv(ours_, bytes, sizeof bytes, 0); n > 0; n = ::recv(ours_, bytes, sizeof bytes, 0)) {
      answers.append(bytes, static_cast<std::size_t>(n));
      any = true;
    }
    return any;
  }

  asio::io_context context_{1};
  int ours_ = -1;
  bool done_ = false;
  bool deaf_ = false;  // the session hears no more
  std::shared_ptr<http::Shard> shard_ = std::make_shared<http::Shard>(context_);
  std::shared_ptr<http::ServerState> state_ = std::make_shared<http::ServerState>(
      http::ServerSettings{.body_bytes_max = fuzz_body_bytes_max},
      [this](const http::Request& request) { return handle(request); }, http::Observer{}, quiet());
};

struct Answer {
  int status = 0;
  bool closes = false;
  std::string body = {};
};

// Takes one answer off the front.
Answer take_answer(std::string_view& bytes, bool to_head) {
  const std::size_t end = bytes.find("\r\n\r\n");
  check(end != std::string_view::npos, "every answer has a whole header");
  std::string_view head = bytes.substr(0, end + 2);
  bytes.remove_prefix(end + 4);
  Answer answer;
  check(head.starts_with("HTTP/1.1 ") && head.size() > 13 && head[12] == ' ', "every answer has a status line");
  std::from_chars(head.data() + 9, head.data() + 12, answer.status);
  std::size_t length = 0, lengths = 0;
  while (!head.empty()) {
    const std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(line_end + 2);
    for (const char c : line) check(c != '\r' && c != '\n' && c != '\0', "a header line of ours holds no line break");
    if (line.starts_with("Content-Length: ")) {
      ++lengths;
      std::from_chars(line.data() + 16, line.data() + line.size(), length);
    }
    if (line == "Connection: close") answer.closes = true;
    check(!line.starts_with("Transfer-Encoding"), "an answer has a length");
  }
  if (answer.status == 100) return answer;
  check(lengths == 1, "every answer has one length");
  if (to_head) return answer;
  check(bytes.size() >= length, "an answer's body is whole");
  answer.body = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return answer;
}

}  // namespace

void http_session(std::string_view input);
void http_session(std::string_view input) {
  const ReferenceReading reference = read_by_reference(input, fuzz_body_bytes_max);
  const Conversation talk(input);
  check(talk.executed.size() == reference.requests.size(), "just the requests of the reference are executed");
  std::string_view answers = talk.answers;
  for (std::size_t n = 0; n < talk.executed.size(); ++n) {
    ReferenceRequest expected = reference.requests[n];
    const bool last = std::exchange(expected.last, false);
    check(talk.executed[n] == expected, "a request is executed as the reference reads it");
    Answer answer = take_answer(answers, expected.method == "HEAD");
    while (answer.status == 100) answer = take_answer(answers, expected.method == "HEAD");
    check(answer.status == 200, "what is executed is answered");
    check(expected.method == "HEAD" || answer.body == expected.body, "an answer belongs to its request");
    check(answer.closes == last, "the client is told of the end");
  }
  while (answers.starts_with("HTTP/1.1 100 ")) static_cast<void>(take_answer(answers, false));
  if (answers.empty()) {
    check(read_by_framer(input, false).end != ReferenceReading::End::refused, "a refusal is answered");
    return;
  }
  const Answer refusal = take_answer(answers, false);
  check(refusal.status >= 400 && refusal.closes, "the last word is a refusal that ends the connection");
  check(reference.end != ReferenceReading::End::between, "only what is wrong is refused");
  check(answers.empty(), "nothing comes after a refusal");
}

}  // namespace tenon::fuzz
