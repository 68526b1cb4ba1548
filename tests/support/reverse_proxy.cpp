#include "support/reverse_proxy.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <fstream>
#include <stdexcept>

#include "support/raw_client.hpp"
#include "support/redis_server.hpp"  // free_port()

namespace tenon::test {
namespace {

using std::chrono::milliseconds;

constexpr const char* nginx = "/usr/sbin/nginx";
constexpr const char* haproxy = "/usr/sbin/haproxy";

}  // namespace

ReverseProxy::ReverseProxy(Kind kind, std::uint16_t node) : kind_(kind) {
  const char* const program = kind == Kind::nginx ? nginx : haproxy;
  if (!std::filesystem::exists(program))
    throw std::runtime_error(std::string(program) + " is not installed: tools/setup test does it");
  // Another program may take a port between our finding it free and the proxy's listening on it.
  for (int tries = 0; tries < 5; ++tries) {
    port_ = free_port();
    const std::string file = folder_.path() / "configuration";
    std::ofstream(file) << configuration(node);
    const auto arguments = kind == Kind::nginx
                               ? std::vector<std::string>{program, "-p", folder_.path(), "-c", file, "-e", "stderr"}
                               : std::vector<std::string>{program, "-db", "-f", file};
    program_.emplace(arguments, folder_.path() / "log");
    if (listens()) return;
  }
  throw std::runtime_error(std::string(program) + " does not listen: " + log());
}

bool ReverseProxy::listens() {
  for (int tries = 0; tries < 2000; ++tries) {
    if (program_->await_end(milliseconds(0))) return false;
    try {
      const RawClient client(port_);
      return !program_->await_end(milliseconds(10));  // else it was somebody else who took the connection
    } catch (const RawClientError&) {
      poll(nullptr, 0, 10);
    }
  }
  return false;
}

std::string ReverseProxy::configuration(std::uint16_t node) const {
  if (kind_ == Kind::nginx) {
    return fmt::format(R"(daemon off;
master_process off;
pid {0}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {0}/body;
  proxy_temp_path {0}/proxy;
  fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi;
  scgi_temp_path {0}/scgi;
  upstream node {{ server 127.0.0.1:{1}; keepalive 2; }}
  server {{
    listen 127.0.0.1:{2};
    ignore_invalid_headers off;
    underscores_in_headers on;
    if ($request_method = PATCH) {{ return 403; }}
    location / {{
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Host tenon.example;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_next_upstream off;
    }}
  }}
}}
)",
                       folder_.path().string(), node, port_);
  }
  return fmt::format(R"(global
  log stderr format raw local0 notice
defaults
  mode http
  timeout connect 10s
  timeout client 10s
  timeout server 30s
frontend all
  bind 127.0.0.1:{0}
  {2}
  http-request deny if {{ method PATCH }}
  default_backend node
backend node
  http-reuse always
  server node 127.0.0.1:{1}
)",
                     port_, node, kind_ == Kind::lenient_haproxy ? "option accept-invalid-http-request" : "");
}

}  // namespace tenon::test
