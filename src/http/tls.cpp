#include "http/tls.hpp"

#include <openssl/ssl.h>

#include <stdexcept>

namespace tenon::http {
namespace {

// A client that offers protocols of which none is HTTP/1.1 is turned away in the handshake (RFC 7301 section 3.2).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned offered_bytes, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, chosen_bytes, ours, sizeof ours, offered, offered_bytes) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

void require(const boost::system::error_code& error, const std::string& what) {
  if (error) throw std::runtime_error(what + ": " + error.message());
}

}  // namespace

boost::asio::ssl::context tls_context(const std::string& certificate_path, const std::string& key_path) {
  namespace ssl = boost::asio::ssl;
  ssl::context context(ssl::context::tls_server);
  SSL_CTX* const native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // 10,000 idle connections shall not hold 34 KiB each
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);

  boost::system::error_code error;
  // An encrypted key must fail here, not ask for its passphrase on somebody's terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
  require(error, "TLS");
  context.use_certificate_chain_file(certificate_path, error);
  require(error, "TLS certificate " + certificate_path);
  context.use_private_key_file(key_path, ssl::context::pem, error);
  require(error, "TLS key " + key_path);
  if (SSL_CTX_check_private_key(native) != 1)
    throw std::runtime_error("TLS key " + key_path + " does not belong to " + certificate_path);
  return context;
}

}  // namespace tenon::http
