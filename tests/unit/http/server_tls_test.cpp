// HTTPS, with a certificate made here and now.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

// A key and a certificate for localhost signed with it, as PEM files that go away with this.
class Identity {
 public:
  Identity() {
    static int made = 0;
    const std::string stem =
        testing::TempDir() + "unit_http_tls." + std::to_string(getpid()) + "." + std::to_string(++made);
    certificate_path = stem + ".crt";
    key_path = stem + ".key";
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), name);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    write(certificate_path, [&](std::FILE* file) { PEM_write_X509(file, certificate.get()); });
    write(key_path,
          [&](std::FILE* file) { PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  ~Identity() {
    std::remove(certificate_path.c_str());
    std::remove(key_path.c_str());
  }
  std::string certificate_path;
  std::string key_path;

 private:
  template <class Function>
  static void write(const std::string& path, Function function) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    if (!file) throw std::runtime_error("cannot write " + path);
    function(file);
    std::fclose(file);
  }
};

// TLS over a RawClient's socket; blocking, but no read or write waits longer than the socket's timeouts.
class TlsClient {
 public:
  TlsClient(std::uint16_t port, int version) : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(raw_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(raw_.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), raw_.fd());
  }
  void offer_protocol(std::string_view name) {
    std::string list(1, static_cast<char>(name.size()));
    list += name;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  bool shake_hands() { return SSL_connect(ssl_.get()) == 1; }
  void send(std::string_view bytes) { SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }
  // Everything until the server's close_notify; throws when it ends without one.
  std::string read_to_end() {
    std::string all;
    char bytes[4096];
    int n = 0;
    while ((n = SSL_read(ssl_.get(), bytes, sizeof bytes)) > 0) all.append(bytes, static_cast<std::size_t>(n));
    if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_ZERO_RETURN) throw RawClientError("no close_notify after: " + all);
    return all;
  }

 private:
  RawClient raw_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL_free>> ssl_;
};

http::ServerSettings with(const Identity& identity) {
  return {.tls_certificate = identity.certificate_path, .tls_key = identity.key_path};
}

TEST(Https, ServesTls12AndTls13) {
  const Identity identity;
  TestServer server(with(identity), 2);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), version);
    ASSERT_TRUE(client.shake_hands());
    client.send(
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: "
        "close\r\n\r\nb");
    const std::string all = client.read_to_end();
    EXPECT_NE(all.find("X-Secure: yes"), std::string::npos) << all;
    EXPECT_NE(all.find("GET /1 "), std::string::npos) << all;
    EXPECT_TRUE(all.ends_with("PUT /2 b")) << all;
  }
}

TEST(Https, SendsAnswersLargerThanAnyBuffer) {
  const Identity identity;
  TestServer server(with(identity));
  TlsClient client(server.port(), TLS1_3_VERSION);
  ASSERT_TRUE(client.shake_hands());
  client.send("GET /bytes/5000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_GT(client.read_to_end().size(), 5'000'000U);
}

TEST(Https, AnswersTheMalformedToo) {
  const Identity identity;
  TestServer server(with(identity));
  TlsClient client(server.port(), TLS1_3_VERSION);
  ASSERT_TRUE(client.shake_hands());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 501 "));
  EXPECT_EQ(server.seen(), std::vector<std::string>{});
}

TEST(Https, SpeaksNothingOlderThanTls12) {
  const Identity identity;
  TestServer server(with(identity));
  TlsClient client(server.port(), TLS1_1_VERSION);
  EXPECT_FALSE(client.shake_hands());
}

TEST(Https, SpeaksHttp11WhenTheClientOffersAChoice) {
  const Identity identity;
  TestServer server(with(identity));
  TlsClient good(server.port(), TLS1_3_VERSION);
  good.offer_protocol("http/1.1");
  EXPECT_TRUE(good.shake_hands());
  TlsClient other(server.port(), TLS1_3_VERSION);
  other.offer_protocol("h2");
  EXPECT_FALSE(other.shake_hands());
}

TEST(Https, EndsAHandshakeThatTakesTooLong) {
  const Identity identity;
  http::ServerSettings settings = with(identity);
  settings.header_deadline = std::chrono::milliseconds(200);
  TestServer server(settings);
  RawClient silent(server.port());
  EXPECT_TRUE(silent.closed());
  RawClient plain(server.port());
  plain.send("\x16\x03\x01");
  EXPECT_TRUE(plain.closed());
  server.wait_for_connections(0);
}

TEST(Https, AnswersASlowHeaderWith408) {
  const Identity identity;
  http::ServerSettings settings = with(identity);
  settings.header_deadline = std::chrono::milliseconds(200);
  TestServer server(settings);
  TlsClient client(server.port(), TLS1_3_VERSION);
  ASSERT_TRUE(client.shake_hands());
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
}

TEST(Https, StopsWithItsConnections) {
  const Identity identity;
  TestServer server(with(identity));
  TlsClient client(server.port(), TLS1_3_VERSION);
  ASSERT_TRUE(client.shake_hands());
  RawClient shaking(server.port());
  server.wait_for_connections(2);
  server.stop(std::chrono::milliseconds(10'000));
  server.wait_for_stop();
}

TEST(Https, RefusesFilesThatDontFit) {
  const Identity one;
  const Identity other;
  const auto starts = [](std::string certificate, std::string key) {
    TestServer server({.tls_certificate = std::move(certificate), .tls_key = std::move(key)});
  };
  EXPECT_NO_THROW(starts(one.certificate_path, one.key_path));
  EXPECT_THROW(starts(one.certificate_path, other.key_path), std::runtime_error);
  EXPECT_THROW(starts(one.certificate_path, ""), std::runtime_error);
  EXPECT_THROW(starts("", one.key_path), std::runtime_error);
  EXPECT_THROW(starts("/nowhere.crt", one.key_path), std::runtime_error);
  EXPECT_THROW(starts(one.key_path, one.key_path), std::runtime_error);
}

}  // namespace
}  // namespace tenon::test
