// HTTPS, asked by curl: certificate made here, served by the node, verified by a client that trusts nothing else.
#include <gtest/gtest.h>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

Ended run(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  ChildProgram program(arguments, folder.path() / "errors");
  const auto code = program.await_end(std::chrono::seconds(30));
  return {.exit_code = code.value_or(-1), .output = program.output(), .errors = program.errors()};
}

TEST(Tls, ServesHttpsAndNothingElse) {
  const TemporaryFolder folder;
  const std::string certificate = folder.path() / "node.crt";
  const std::string key = folder.path() / "node.key";
  const Ended made = run({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                          "-out", certificate, "-keyout", key});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  Node node({.arguments = {"--tls-cert", certificate, "--tls-key", key}});
  EXPECT_NE(node.program().output().find("https://127.0.0.1:"), std::string::npos);
  const std::string base = "https://127.0.0.1:" + std::to_string(node.port());

  const auto curl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/curl", "-s", "--max-time", "10", "--cacert", certificate});
    return run(arguments);
  };
  const std::string bearer = "Authorization: Bearer " + node.token("clerk", "admin");
  const std::vector<std::string> create{"-X",
                                        "POST",
                                        "-H",
                                        bearer,
                                        "-H",
                                        "Idempotency-Key: over-tls",
                                        "-H",
                                        "Content-Type: application/json",
                                        "-d",
                                        R"({"name":"Secret Chair","price":5})",
                                        base + "/api/inventory"};
  const Ended first = curl(create);
  const Ended again = curl(create);
  EXPECT_EQ(at(first.output, "name"), "Secret Chair") << first.errors;
  EXPECT_EQ(again.output, first.output);
  EXPECT_EQ(node.ask("SELECT count(*) FROM inventory"), "1");

  const Ended old = curl({"--tls-max", "1.1", base + "/healthz"});
  EXPECT_NE(old.exit_code, 0) << "TLS 1.1 is not spoken";
  EXPECT_EQ(run({"/usr/bin/curl", "-s", base + "/healthz"}).exit_code, 60) << "a stranger's certificate";
  RawClient plain(node.port());
  plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THROW((void)plain.read(), RawClientError) << "plain HTTP gets no answer";
}

}  // namespace
}  // namespace tenon::test
