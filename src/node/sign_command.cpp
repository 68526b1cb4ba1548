#include "node/sign_command.hpp"

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "http/ascii.hpp"
#include "node/key_file.hpp"
#include "safeguards/signature/outgoing.hpp"

namespace tenon {
namespace {

// For a POSIX shell: in single quotes, in which nothing has a meaning but the quote itself.
std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::pair<std::string, std::string> header_of(const std::string& line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos || !http::ascii::is_token(std::string_view(line).substr(0, colon))) {
    throw std::runtime_error("--header: \"" + line + "\" is not `Name: value`");
  }
  std::string name = line.substr(0, colon);
  // What the signature is over, and what frames the body: others would be replaced without a word, or sent as well.
  for (const std::string_view ours :
       {"Host", "Content-Digest", "Content-Length", "Signature", "Signature-Input", "Transfer-Encoding"}) {
    if (http::ascii::equal_in_any_case(name, ours))
      throw std::runtime_error("--header: " + std::string(ours) + " is written by this command or by who sends it");
  }
  return {std::move(name), std::string(http::ascii::trim(std::string_view(line).substr(colon + 1)))};
}

}  // namespace

struct SignCommand::Impl {
  CLI::App* sign = nullptr;
  std::filesystem::path key = {};
  std::string key_id = {};
  std::string algorithm = {};
  std::string url = {};
  std::string method = {};
  std::string data = {};
  std::vector<std::string> headers = {};
  std::string idempotency_key = {};
  std::string token = {};
  bool curl = false;

  [[nodiscard]] signature::OutgoingRequest request() const;
  void print(const signature::OutgoingRequest& request) const;
};

SignCommand::SignCommand(CLI::App& app) : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  i.sign = app.add_subcommand("sign", "Print the headers of a signed request (RFC 9421), or a curl line that sends it");
  i.sign->add_option("--key", i.key, "the private key: PEM, or a shared secret in base64; mode 0600")->required();
  i.sign->add_option("--keyid", i.key_id, "the key's id, as `keys add` printed it")->required();
  i.sign->add_option("--algorithm", i.algorithm, "where the key's kind leaves a choice: rsa-v1_5-sha256");
  i.sign->add_option("--url", i.url, "where the request goes: http(s)://host[:port]/path?query")->required();
  i.sign->add_option("--method", i.method, "default: POST with --data, else GET");
  i.sign->add_option("--data", i.data, "the body; @FILE: what is in the file");
  i.sign->add_option("--header", i.headers, "`Name: value`; may be given again");
  i.sign->add_option("--idempotency-key", i.idempotency_key,
                     "default: that of --header, or a fresh one for all methods but GET and HEAD");
  i.sign->add_option("--token", i.token, "a bearer token, for the curl line; it is not part of the signature");
  i.sign->add_flag("--curl", i.curl, "a curl line that sends the request");
}

SignCommand::~SignCommand() = default;

bool SignCommand::called() const { return impl_->sign->parsed(); }

signature::OutgoingRequest SignCommand::Impl::request() const {
  signature::OutgoingRequest request;
  const std::string name = !method.empty() ? method : sign->count("--data") > 0 ? "POST" : "GET";
  const auto known = http::method_named(name);
  if (!known) throw std::runtime_error("--method: \"" + name + "\" is none that is spoken here");
  request.method = *known;
  if (!request.go_to(url)) throw std::runtime_error("--url: \"" + url + "\" is not http(s)://host[:port]/path");
  for (const std::string& line : headers) request.headers.push_back(header_of(line));
  request.body = data.starts_with('@') ? content_of_file(data.substr(1)) : data;
  const bool reads = *known == http::Method::get || *known == http::Method::head;
  const bool keyed = request.header("Idempotency-Key") != nullptr;
  if (keyed && !idempotency_key.empty())
    throw std::runtime_error("the key is said twice: by --idempotency-key, and by --header");
  if (!keyed && (!idempotency_key.empty() || !reads)) {
    request.set("Idempotency-Key", idempotency_key.empty() ? random_uuid().text() : idempotency_key);
  }
  return request;
}

void SignCommand::Impl::print(const signature::OutgoingRequest& request) const {
  if (!curl) {
    for (const auto& [name, value] : request.headers) std::printf("%s: %s\n", name.c_str(), value.c_str());
    return;
  }
  // With -X HEAD it would wait for a body that does not come.
  std::string line = "curl -i ";
  line += request.method == http::Method::head ? "--head" : "-X " + std::string(http::name_of(request.method));
  if (!token.empty()) line += " -H " + shell_quoted("Authorization: Bearer " + token);
  for (const auto& [name, value] : request.headers) line += " -H " + shell_quoted(name + ": " + value);
  if (!request.body.empty()) line += " --data-binary " + shell_quoted(data.starts_with('@') ? data : request.body);
  std::puts((line + " " + shell_quoted(url)).c_str());
}

int SignCommand::run() {
  std::optional<signature::Algorithm> chosen;
  if (!impl_->algorithm.empty()) {
    chosen = signature::algorithm_named(impl_->algorithm);
    if (!chosen) throw std::runtime_error("--algorithm: there is no \"" + impl_->algorithm + "\"");
  }
  const signature::SigningKey key = read_signing_key(impl_->key, chosen);
  signature::OutgoingRequest request = impl_->request();
  if (!signature::add_signature(request, key, impl_->key_id, signature::random_nonce(), wall_now())) {
    throw std::runtime_error("this request cannot be signed: all that is signed must be ASCII");
  }
  impl_->print(request);
  return 0;
}

}  // namespace tenon
