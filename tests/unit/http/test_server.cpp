#include "unit/http/test_server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <sstream>

namespace tenon::test {

namespace asio = boost::asio;

TestServer::TestServer(http::ServerSettings settings, std::size_t threads) {
  log_ = std::make_unique<Logger>(log_path_, LogLevel::debug);
  std::vector<asio::io_context*> contexts;
  for (std::size_t i = 0; i < threads; ++i)
    contexts.push_back(contexts_.emplace_back(std::make_unique<asio::io_context>(1)).get());
  gate_ = std::make_unique<asio::steady_timer>(*contexts_.front(), asio::steady_timer::time_point::max());
  if (settings.listen == http::ServerSettings{}.listen) settings.listen = "127.0.0.1:0";
  server_ = std::make_unique<http::Server>(
      contexts, std::move(settings), [this](const http::Request& request) { return handle(request); },
      [this](const http::Finished& told) {
        note(finished_, std::to_string(told.response->status()) + (told.request ? " " + told.request->request_id : ""));
      },
      *log_);
  server_->start();
  for (auto* context : contexts) threads_.emplace_back([context] { context->run(); });
}

TestServer::~TestServer() {
  for (auto& context : contexts_) context->stop();
  threads_.clear();
  server_.reset();
  gate_.reset();
  contexts_.clear();
}

asio::awaitable<http::Response> TestServer::handle(const http::Request& request) {
  note(seen_, std::string(name_of(request.method)) + " " + std::string(request.target));
  const std::string path(request.path);
  if (path == "/throw") throw std::runtime_error("the secret of the house");
  if (path == "/throw-int") throw 42;
  if (path == "/hold") {
    boost::system::error_code released;
    co_await gate_->async_wait(asio::redirect_error(asio::use_awaitable, released));
  }
  http::Response response;
  if (path == "/split") response.add("X-Echo", "a\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK");
  if (path == "/frame") response.add_named("Content-Length", "0");
  if (path == "/close") response.close_after();
  if (path.starts_with("/status/")) co_return http::Response(static_cast<std::uint16_t>(std::stoi(path.substr(8))));
  if (path.starts_with("/bytes/")) {
    response.set_body(std::string(std::stoul(path.substr(7)), 'x'));
    co_return response;
  }
  response.add("X-Peer", request.peer.to_string()).add("X-Secure", request.secure ? "yes" : "no");
  response.set_body(std::string(name_of(request.method)) + " " + std::string(request.target) + " " +
                    std::string(request.body));
  co_return response;
}

void TestServer::note(std::vector<std::string>& list, std::string line) {
  const std::scoped_lock lock(mutex_);
  list.push_back(std::move(line));
  changed_.notify_all();
}

std::vector<std::string> TestServer::seen() {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

std::vector<std::string> TestServer::finished() {
  const std::scoped_lock lock(mutex_);
  return finished_;
}

void TestServer::release() {
  asio::post(*contexts_.front(), [this] { gate_->expires_at(asio::steady_timer::time_point::min()); });
}

template <class Condition>
void TestServer::wait(const char* what, Condition condition) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + RawClient::default_patience;
  // Not everything waited for notifies us: look again now and then.
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) throw RawClientError(std::string("never came true: ") + what);
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
}

void TestServer::wait_for_seen(std::size_t requests) {
  wait("requests seen", [&] { return seen_.size() >= requests; });
}

void TestServer::wait_for_connections(std::size_t open) {
  wait("connections open", [&] { return server_->connections() == open; });
}

void TestServer::stop(std::chrono::milliseconds within) {
  server_->stop(within, [this] {
    const std::scoped_lock lock(mutex_);
    ++stops_;
    changed_.notify_all();
  });
}

void TestServer::wait_for_stop() {
  wait("the stop", [&] { return stops_ == 1; });
}

std::string TestServer::log_text() {
  log_->flush();
  std::stringstream text;
  text << std::ifstream(log_path_).rdbuf();
  return text.str();
}

}  // namespace tenon::test
