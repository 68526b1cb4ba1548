// The TLS side of the listener: TLS 1.2 and 1.3, HTTP/1.1 only.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

namespace tenon::http {

// Paths of PEM files. Throws std::runtime_error naming the file that can't be read, or when key and certificate differ.
[[nodiscard]] boost::asio::ssl::context tls_context(const std::string& certificate_path, const std::string& key_path);

}  // namespace tenon::http
