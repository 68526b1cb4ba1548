#include "http/listen_address.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

namespace tenon::http {

boost::asio::ip::tcp::endpoint listen_address(std::string_view text) {
  namespace ip = boost::asio::ip;
  const auto malformed = [&] {
    return std::runtime_error("cannot listen on '" + std::string(text) + "': not HOST:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) throw malformed();
  std::string host(text.substr(0, colon));
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) throw malformed();

  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code failed;
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = ip::make_address_v6(host.substr(1, host.size() - 2), failed);
    if (failed) throw malformed();
    return {address, port};
  }
  const auto address = ip::make_address_v4(host, failed);
  if (failed) throw malformed();
  return {address, port};
}

}  // namespace tenon::http
