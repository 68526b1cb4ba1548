// What a signed sale costs beside an unsigned one: the same node, the same item, interleaved rounds. Requests are
// signed before the clock starts, so the difference is the node's and the database's. bench/identity/signed-writes runs
// it.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <tenon/client.hpp>

#include "base/bytes.hpp"

namespace {

using namespace tenon;
namespace asio = boost::asio;

struct Run {
  std::vector<signature::OutgoingRequest> requests;
  std::size_t next = 0;
  std::size_t sold = 0;
};

asio::awaitable<void> work(Run& run, client::Transport& transport) {
  while (run.next < run.requests.size()) {
    const auto answer = co_await transport.exchange(run.requests[run.next++], std::chrono::seconds(10));
    if (answer.status == 200) {
      ++run.sold;
    } else if (run.sold == 0) {
      std::fprintf(stderr, "%d %s\n", answer.status, answer.body.c_str());
    }
  }
}

std::string file(const char* name) {
  std::ifstream in(name);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

// BASE TOKEN ITEM PRIVATE-KEY-FILE KEY-ID SALES CONNECTIONS ROUNDS; an Ed25519 key
int main(int argc, char** argv) {
  if (argc != 9) return 2;
  const std::string base = argv[1];
  const auto key = signature::SigningKey::load(signature::Algorithm::ed25519, file(argv[4])).value();
  const auto sales = static_cast<std::size_t>(std::atoi(argv[6]));
  const int connections = std::atoi(argv[7]);
  std::vector<double> rates[2];
  for (int round = 0; round < 2 * std::atoi(argv[8]); ++round) {
    const bool is_signed = round % 2 == 1;
    Run run;
    for (std::size_t i = 0; i < sales; ++i) {
      signature::OutgoingRequest sale;
      sale.method = http::Method::patch;
      sale.body = R"({"decrement":1})";
      if (!sale.go_to(base + "/api/inventory/" + argv[3])) return 2;
      sale.set("Host", sale.host);
      sale.set("Content-Type", "application/json");
      sale.set("Authorization", std::string("Bearer ") + argv[2]);
      sale.set("Idempotency-Key", random_uuid().text());
      if (is_signed && !signature::add_signature(sale, key, argv[5], signature::random_nonce(), wall_now())) return 2;
      run.requests.push_back(std::move(sale));
    }
    asio::io_context context;
    const auto transport = client::make_transport(context.get_executor());
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < connections; ++i) asio::co_spawn(context, work(run, *transport), asio::detached);
    context.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (run.sold != sales) {
      std::fprintf(stderr, "only %zu of %zu were sold\n", run.sold, sales);
      return 1;
    }
    rates[is_signed ? 1 : 0].push_back(static_cast<double>(sales) / took.count());
    std::printf("%-8s %8.0f sales a second\n", is_signed ? "signed" : "unsigned", rates[is_signed ? 1 : 0].back());
  }
  for (auto& each : rates) std::ranges::sort(each);
  std::printf("signed / unsigned: %.2f (medians of %zu rounds)\n",
              rates[1][rates[1].size() / 2] / rates[0][rates[0].size() / 2], rates[0].size());
}
