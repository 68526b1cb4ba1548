// Who a client is, by what proxies say of it: nobody chooses their own address.
#include "safeguards/forwarded.hpp"

#include <string>

#include "fuzz/request_of.hpp"
#include "fuzz/target.hpp"
#include "safeguards/client_address.hpp"

namespace tenon::fuzz {
namespace {

namespace ip = boost::asio::ip;

// A trusted proxy appended the client's address behind whatever the client itself had sent.
void check_appended(std::string_view name, const std::string& value) {
  const http::Header header{.name = name, .value = value};
  http::Request request;
  request.peer = ip::make_address("10.0.0.1");
  request.headers = {&header, 1};
  const safeguards::Network trusted[] = {*safeguards::Network::parse("10.0.0.0/8")};
  check(safeguards::client_address(request, trusted) == ip::make_address("198.51.100.7"),
        "what a client writes before its proxy's entry changes nothing");
}

}  // namespace

void forwarded(std::string_view input);
void forwarded(std::string_view input) {
  Input in(input);
  RequestOf request(in);
  request.get().peer = ip::make_address("203.0.113.9");
  check(safeguards::client_address(request.get(), {}) == request.get().peer, "nobody is trusted unless it is said");
  const safeguards::Network trusted[] = {*safeguards::Network::parse("203.0.113.0/24"),
                                         *safeguards::Network::parse("2001:db8::/32")};
  const ip::address client = safeguards::client_address(request.get(), trusted);
  check(safeguards::unmapped(client) == client, "a mapped address is the one that it maps");
  check(!safeguards::subject_of(client).empty(), "every address is charged");
  check_appended("X-Forwarded-For", std::string(input) + ", 198.51.100.7");
  check_appended("Forwarded", std::string(input) + ", for=198.51.100.7");

  if (const auto address = safeguards::parse_address(input))
    check(safeguards::parse_address(address->to_string()) == address, "an address is its text");
  if (const auto network = safeguards::Network::parse(input))
    check(network->contains(network->base), "a network contains its base");
}

}  // namespace tenon::fuzz
