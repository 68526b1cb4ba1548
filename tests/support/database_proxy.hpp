// Stands between a node and its PostgreSQL, and breaks one connection at the instant a test asks for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "support/cluster.hpp"

namespace tenon::test {

class DatabaseProxy {
 public:
  // `server`: the folder of the server's Unix socket. The server takes whoever connects here for us (peer).
  explicit DatabaseProxy(const std::filesystem::path& server);
  ~DatabaseProxy();
  DatabaseProxy(const DatabaseProxy&) = delete;
  DatabaseProxy& operator=(const DatabaseProxy&) = delete;

  [[nodiscard]] const std::filesystem::path& socket_folder() const noexcept { return folder_.path(); }

  // What becomes of the connection on which the next statement comes that carries `marker`, in the clear:
  enum class Fault {
    hold_answer,     // the server gets the statement; its whole answer arrives here and goes no further
    hold_statement,  // the server never gets it
    cut_at_once,     // the server gets it; at that instant the node loses the connection
  };
  void arm(std::string marker, Fault fault);

  // Until the fault has struck: for hold_answer, until the server has said that the transaction is over. False: not in
  // time.
  [[nodiscard]] bool await_fault(std::chrono::milliseconds patience = std::chrono::seconds(10));

  void cut();  // closes the connection that the fault struck, on both sides

 private:
  struct Pair {
    int node = -1;
    int server = -1;
    bool struck = false;
    bool deaf = false;  // the node has lost it; the server is still busy with it
    std::string asked;  // the end of what the node sent: a marker may come in two pieces
    std::string held;   // the server's answer
  };

  void run();
  void accept();
  void from_node(Pair& pair);
  void from_server(Pair& pair);
  void report();
  static void close_both(Pair& pair);

  TemporaryFolder folder_;
  std::string server_;
  int listener_ = -1;
  int wake_ = -1;  // an eventfd: the thread looks again

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string marker_;
  Fault fault_ = Fault::hold_answer;
  bool done_ = false;
  bool stopping_ = false;
  std::list<Pair> pairs_;
  std::thread thread_;  // the last member: it uses all the others
};

}  // namespace tenon::test
