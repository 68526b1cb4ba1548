// A real Server on a free port of this machine, with a handler whose doings a test can watch and hold up.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/server.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {

// Answers with what it was asked, except:
//   /throw       throws          /throw-int   throws something that is no exception
//   /hold        waits until release()
//   /split       tries to split the response    /frame   tries to frame it itself
//   /bytes/N     answers with N bytes           /status/N  with an empty answer of that status
//   /close       ends the connection
class TestServer {
 public:
  explicit TestServer(http::ServerSettings settings = {}, std::size_t threads = 1);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] http::Server& server() { return *server_; }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] std::vector<std::string> seen();      // "METHOD target" of each request the handler was given
  [[nodiscard]] std::vector<std::string> finished();  // "status" or "status request-id", as the observer was told
  void release();                                     // lets every request to /hold go on, also later ones

  // Each throws RawClientError when it doesn't come true in time.
  void wait_for_seen(std::size_t requests);
  void wait_for_connections(std::size_t open);
  void stop(std::chrono::milliseconds within);  // begins a stop
  void wait_for_stop();
  [[nodiscard]] std::string log_text();

 private:
  boost::asio::awaitable<http::Response> handle(const http::Request& request);
  void note(std::vector<std::string>& list, std::string line);
  template <class Condition>
  void wait(const char* what, Condition condition);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
  std::vector<std::string> finished_;
  int stops_ = 0;
  TemporaryFolder folder_;  // goes also when the constructor throws, as for a port that is taken
  std::string log_path_ = (folder_.path() / "log").string();
  std::unique_ptr<Logger> log_;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::unique_ptr<boost::asio::steady_timer> gate_;
  std::unique_ptr<http::Server> server_;
  std::vector<std::jthread> threads_;
};

}  // namespace tenon::test
