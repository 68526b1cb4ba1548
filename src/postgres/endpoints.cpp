#include "postgres/endpoints.hpp"

#include <libpq-fe.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string_view>

namespace tenon::postgres {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

struct HostOptions {
  std::string host, address, port;
};

HostOptions parse(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(conninfo.c_str(), nullptr), PQconninfoFree);
  HostOptions found;
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "host") found.host = option->val;
    if (keyword == "hostaddr") found.address = option->val;
    if (keyword == "port") found.port = option->val;
  }
  return found;
}

struct Lookup {
  Lookup(const asio::any_io_executor& executor, Monotonic deadline) : resolver(executor), timer(executor, deadline) {}
  tcp::resolver resolver;
  asio::steady_timer timer;
  tcp::resolver::results_type found;
};

}  // namespace

bool Endpoint::needs_resolving() const noexcept {
  return address.empty() && !host.empty() && host[0] != '/' && host[0] != '@';
}

std::vector<Endpoint> endpoints_of(const std::string& conninfo) {
  const HostOptions options = parse(conninfo);
  if (options.host.empty() && options.address.empty()) return {};
  const std::vector<std::string> hosts = split(options.host);
  const std::vector<std::string> addresses = split(options.address);
  const std::vector<std::string> ports = split(options.port);
  const std::size_t count = std::max(hosts.size(), addresses.size());
  // As libpq has it: a list that is given is as long as the other, and one port stands for all.
  const auto at = [count](const std::vector<std::string>& list, std::size_t i) {
    return list.size() == count ? list[i] : list.size() == 1 ? list[0] : std::string();
  };
  if ((!options.address.empty() && addresses.size() != count) || (!options.host.empty() && hosts.size() != count) ||
      (ports.size() != count && ports.size() != 1)) {
    return {};
  }
  std::vector<Endpoint> endpoints;
  endpoints.reserve(count);
  for (std::size_t i = 0; i < count; ++i) endpoints.push_back({at(hosts, i), at(addresses, i), at(ports, i)});
  return endpoints;
}

asio::awaitable<std::vector<Endpoint>> resolve(asio::any_io_executor executor, Endpoint endpoint, Monotonic deadline) {
  boost::system::error_code not_numeric;
  if (endpoint.needs_resolving()) asio::ip::make_address(endpoint.host, not_numeric);
  if (!not_numeric) co_return std::vector<Endpoint>{endpoint};

  // A look-up cannot be stopped, only left behind: what is awaited is the timer, which the look-up's end cancels.
  const auto lookup = std::make_shared<Lookup>(executor, deadline);
  lookup->resolver.async_resolve(endpoint.host, "",
                                 [lookup](boost::system::error_code error, const tcp::resolver::results_type& found) {
                                   if (!error) lookup->found = found;
                                   lookup->timer.cancel();
                                 });
  co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  std::vector<Endpoint> endpoints;
  for (const auto& entry : lookup->found) {
    endpoints.push_back({endpoint.host, entry.endpoint().address().to_string(), endpoint.port});
  }
  co_return endpoints;
}

}  // namespace tenon::postgres
