#include "service/smuggling_payloads.hpp"

#include <fmt/format.h>

#include <initializer_list>

namespace tenon::test {
namespace {

class Payloads {
 public:
  explicit Payloads(std::string_view hidden) : hidden_(hidden) {}

  // A POST with these header lines, each ended as it is to be.
  void post(std::string_view name, std::string_view lines, std::string_view body) {
    add(name, fmt::format("POST /api/nothing HTTP/1.1\r\nHost: h\r\n{}\r\n{}", lines, body));
  }
  void add(std::string_view name, std::string bytes) { list_.push_back({std::string(name), std::move(bytes)}); }

  void two_framings();
  void odd_codings();
  void odd_lengths();
  void odd_lines();
  void odd_chunks();
  void other_ways();
  [[nodiscard]] std::vector<Payload> take() { return std::move(list_); }

 private:
  // The end of a chunked body, and then the hidden request: which a reader by length takes for the body.
  [[nodiscard]] std::string after_last_chunk() const { return "0\r\n\r\n" + hidden_; }
  [[nodiscard]] std::string length_of(std::string_view body) const {
    return fmt::format("Content-Length: {}\r\n", body.size());
  }
  [[nodiscard]] std::string chunk() const { return fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", hidden_.size(), hidden_); }

  std::string hidden_;
  std::vector<Payload> list_;
};

void Payloads::two_framings() {
  const std::string length = length_of(after_last_chunk());
  post("CL.TE", length + "Transfer-Encoding: chunked\r\n", after_last_chunk());
  post("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunk());
  post("a length of the hidden request in the body", length_of(hidden_), hidden_);
  post("a length that is a hop's own", "Connection: Content-Length\r\n" + length_of(hidden_), hidden_);
  post("a coding that is a hop's own", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", chunk());
  add("GET with a body", fmt::format("GET /api/nothing HTTP/1.1\r\nHost: h\r\n{}\r\n{}", length_of(hidden_), hidden_));
  add("HEAD with a body",
      fmt::format("HEAD /api/nothing HTTP/1.1\r\nHost: h\r\n{}\r\n{}", length_of(hidden_), hidden_));
  post("Expect and a body", "Expect: 100-continue\r\n" + length_of(hidden_), hidden_);
}

void Payloads::odd_codings() {
  const std::string body = after_last_chunk();
  for (const std::string_view coding : std::vector<std::string_view>{
           "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked",
           "Transfer-Encoding: \x0b"
           "chunked",
           "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
           "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: CHUNKED",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding:\r\n chunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked",
           "Transfer_Encoding: chunked", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: ,chunked",
           std::string_view("Transfer\0-Encoding: chunked", 27)})
    post(fmt::format("a length, and {}", coding), length_of(body) + std::string(coding) + "\r\n", body);
  // Whoever passes over a coding that he does not know finds no body here.
  for (const std::string_view coding : {"gzip", "identity", "xchunked", "chunked, identity"})
    post(fmt::format("no length, and {}", coding), fmt::format("Transfer-Encoding: {}\r\n", coding), hidden_);
  add("chunked in HTTP/1.0", "POST /api/nothing HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n" + length_of(body) +
                                 "Transfer-Encoding: chunked\r\n\r\n" + body);
}

void Payloads::odd_lengths() {
  const std::string length = std::to_string(hidden_.size());
  for (const std::string& line : std::vector<std::string>{
           "Content-Length: 0\r\nContent-Length: " + length, "Content-Length: " + length + "\r\nContent-Length: 0",
           "Content-Length: 0, " + length, "Content-Length: +" + length, "Content-Length: " + length + " 0",
           "Content-Length : " + length, "Content-Length: 0x" + length, "Content-Length:\r\n " + length,
           "Content-Length: -1", "Content-Length: 18446744073709551616", "Content-Length: 1\x0b" + length,
           "Content_Length: 0\r\nContent-Length: " + length, "X: y\nContent-Length: " + length})
    post("a length: " + line, line + "\r\n", hidden_);
}

void Payloads::odd_lines() {
  const std::string length = length_of(hidden_);
  post("a folded line", "X: y\r\n " + length, hidden_);
  post("a first line that is folded", " " + length, hidden_);
  post("a line without a colon", "X\r\n" + length, hidden_);
  post("a bare CR before the end", "X: y\r" + length, hidden_);
  post("an empty name", ": y\r\n" + length, hidden_);
  post("two hosts", "Host: other\r\n" + length, hidden_);
  post("NUL in a value", std::string("X: \0\r\n", 6) + length, hidden_);
  add("another version", "POST /api/nothing HTTP/1.9\r\nHost: h\r\n" + length + "\r\n" + hidden_);
  add("two versions", "POST /api/nothing HTTP/1.0 HTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + hidden_);
  add("absolute-form", "POST http://other/api/nothing HTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + hidden_);
  add("tabs in the request line", "POST\t/api/nothing\tHTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + hidden_);
}

void Payloads::odd_chunks() {
  const std::string hex = fmt::format("{:x}", hidden_.size());
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string rest = "\r\n" + hidden_ + "\r\n0\r\n\r\n";
  for (const std::string& size :
       std::vector<std::string>{hex + ";\nx", hex + " ", "0x" + hex, "+" + hex, "-1", hex + ";x=\"\n\"",
                                hex + ";x=\"\\\n\"", hex + "\n", hex + "\x0b", hex + ";x\ry", "", " " + hex})
    post("a chunk's line: " + size, chunked, size + rest);
  for (const std::string_view size : {"10000000000000001", "100000001", "fffffffffffffffff"})
    post(fmt::format("a chunk's size that wraps: {}", size), chunked,
         fmt::format("{}\r\na\r\n{}", size, after_last_chunk()));
  post("a last chunk that ends at LF", chunked, "0\n\n" + hidden_);
  post("a chunk that ends at LF", chunked, "1\r\na\n" + after_last_chunk());
  post("a chunk that ends at nothing", chunked, "1\r\naXX" + after_last_chunk());
  post("an extension whose quotes hold a chunk", chunked,
       "1;x=\"\r\na\r\n0\r\n\r\n" + hidden_ + "\"\r\na\r\n0\r\n\r\n");
  post("a length in the trailers", chunked, "0\r\n" + length_of(hidden_) + "\r\n" + hidden_);
  post("a trailer that is folded", chunked, "0\r\nX: y\r\n z\r\n\r\n" + hidden_);
  post("the hidden request as trailers", chunked, "0\r\n" + hidden_ + "\r\n\r\n");
}

void Payloads::other_ways() {
  const std::string length = length_of(hidden_);
  post("an upgrade to HTTP/2",
       "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n" + length, hidden_);
  post("an upgrade to a WebSocket",
       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" + length, hidden_);
  add("a target with an escaped line break",
      "POST /api/nothing%0d%0a%0d%0a HTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + hidden_);
  add("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + hidden_);
  add("the connection preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden_);
}

}  // namespace

std::vector<Payload> smuggling_payloads(std::string_view hidden) {
  Payloads payloads(hidden);
  payloads.two_framings();
  payloads.odd_codings();
  payloads.odd_lengths();
  payloads.odd_lines();
  payloads.odd_chunks();
  payloads.other_ways();
  return payloads.take();
}

}  // namespace tenon::test
