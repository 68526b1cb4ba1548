#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include "audit/sink.hpp"
#include "postgres/endpoints.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t answer_bytes_max = 64 * 1024;

class HttpsSink final : public CheckpointSink {
 public:
  HttpsSink(const std::string& url, const std::filesystem::path& authorities) : place_(url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || parsed->scheme() != "https" || parsed->host().empty() || parsed->has_userinfo() ||
        parsed->has_fragment() ||
        (parsed->has_port() && (parsed->port() == "0" || std::to_string(parsed->port_number()) != parsed->port()))) {
      throw std::runtime_error("\"" + url +
                               "\" is no URL for checkpoints: https://HOST/PATH, without user and fragment");
    }
    host_ = parsed->host_address();
    authority_ = parsed->encoded_host_and_port();
    port_ = parsed->has_port() ? parsed->port_number() : 443;
    target_ = parsed->encoded_target().empty() ? "/" : std::string(parsed->encoded_target());
    if (target_.front() == '?') target_.insert(0, "/");
    trust(authorities);
  }
  [[nodiscard]] const std::string& place() const noexcept override { return place_; }
  [[nodiscard]] bool takes_each() const noexcept override { return false; }
  [[nodiscard]] std::optional<Publication> newest() const override { return std::nullopt; }

  asio::awaitable<void> publish(Publication publication, Monotonic deadline) override {
    try {
      const unsigned status = co_await post(std::move(publication.note), deadline);
      if (status < 200 || status > 299) throw std::runtime_error("it answered " + std::to_string(status));
    } catch (const std::exception& failure) {
      throw std::runtime_error("cannot publish at " + place_ + ": " + failure.what());
    }
  }

 private:
  void trust(const std::filesystem::path& authorities) {
    boost::system::error_code error;
    if (authorities.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(authorities.string(), error);
    }
    if (error)
      throw std::runtime_error("cannot read the certificates in " + authorities.string() + ": " + error.message());
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    tls_.set_verify_mode(asio::ssl::verify_peer);
  }

  [[nodiscard]] bool is_numeric() const {
    boost::system::error_code not_numeric;
    (void)asio::ip::make_address(host_, not_numeric);
    return !not_numeric;
  }

  asio::awaitable<std::vector<asio::ip::tcp::endpoint>> find(Monotonic deadline) const {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    if (is_numeric()) {
      endpoints.emplace_back(asio::ip::make_address(host_), port_);
      co_return endpoints;
    }
    postgres::Endpoint named{.host = host_, .address = {}, .port = std::to_string(port_)};
    const std::vector<postgres::Endpoint> resolved =
        co_await postgres::resolve(co_await asio::this_coro::executor, std::move(named), deadline);
    for (const postgres::Endpoint& each : resolved) endpoints.emplace_back(asio::ip::make_address(each.address), port_);
    co_return endpoints;
  }

  asio::awaitable<unsigned> post(std::string note, Monotonic deadline) {
    const auto executor = co_await asio::this_coro::executor;
    const std::vector<asio::ip::tcp::endpoint> endpoints = co_await find(deadline);
    if (endpoints.empty()) throw std::runtime_error("its name cannot be resolved");
    beast::ssl_stream<beast::tcp_stream> stream(executor, tls_);
    auto& tcp = beast::get_lowest_layer(stream);
    tcp.expires_at(deadline);
    stream.set_verify_callback(asio::ssl::host_name_verification(host_));
    if (!is_numeric() && SSL_set_tlsext_host_name(stream.native_handle(), host_.c_str()) != 1) throw std::bad_alloc();
    co_await tcp.async_connect(endpoints, asio::use_awaitable);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    http::request<http::string_body> request(http::verb::post, target_, 11, std::move(note));
    request.set(http::field::host, authority_);
    request.set(http::field::user_agent, "tenon");
    request.set(http::field::content_type, "text/plain; charset=utf-8");
    request.keep_alive(false);
    request.prepare_payload();
    co_await http::async_write(stream, request, asio::use_awaitable);
    beast::flat_buffer buffer(answer_bytes_max);
    http::response_parser<http::string_body> answer;
    answer.body_limit(answer_bytes_max);
    co_await http::async_read_header(stream, buffer, answer, asio::use_awaitable);
    co_return answer.get().result_int();
  }

  std::string place_;
  std::string host_;
  std::string authority_;
  std::uint16_t port_ = 0;
  std::string target_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
};

}  // namespace

std::unique_ptr<CheckpointSink> https_sink(const std::string& url, const std::filesystem::path& authorities) {
  return std::make_unique<HttpsSink>(url, authorities);
}

}  // namespace tenon::audit
