#include "node/token_command.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "base/json_string.hpp"
#include "encoding/http_date.hpp"
#include "node/duration.hpp"
#include "node/revocation_routes.hpp"
#include "node/running_database.hpp"
#include "safeguards/idempotency/key.hpp"
#include "writes/writer.hpp"

namespace tenon {
namespace {

namespace asio = boost::asio;

struct Unobserved : writes::LaneObserver {
  void on_batch(const writes::Operation&, std::size_t, std::chrono::steady_clock::duration) override {}
  void on_retry(std::string_view, std::size_t) override {}
};

asio::awaitable<Result<writes::Reply>> write(asio::io_context& here, writes::Writer& writer, writes::Call call,
                                             writes::Envelope envelope) {
  co_return co_await writer.write(here, std::move(call), std::move(envelope),
                                  monotonic_now() + limits::request_deadline);
}

// As any other write goes, under a key of its own; audited as done by whoever is logged in here.
Result<writes::Reply> run_write(const std::string& conninfo, const writes::Operation& operation,
                                std::string arguments) {
  asio::io_context context(1);
  asio::io_context* contexts[] = {&context};
  Logger log("-", LogLevel::error);
  Unobserved observer;
  writes::Writer writer(contexts, {.conninfo = conninfo, .write_lanes_per_thread = 1}, log, observer);
  writer.start();
  writes::Envelope envelope{.claim = {},
                            .scope = "token-revocation:create",
                            .user = "cli:" + std::to_string(::getuid()),
                            .key = "cli:" + random_uuid().text(),
                            .fingerprint = sha256(arguments),
                            .lifetime_seconds = static_cast<std::int32_t>(limits::key_lifetime.count()),
                            .role = "admin",
                            .request_id = random_uuid().text()};
  envelope.claim = safeguards::claim_of(envelope.scope, envelope.user, envelope.key);
  std::optional<Result<writes::Reply>> outcome;
  std::exception_ptr failed;
  asio::co_spawn(context,
                 write(context, writer, {.operation = &operation, .arguments = {std::move(arguments)}, .affinity = 0},
                       std::move(envelope)),
                 [&](const std::exception_ptr& failure, Result<writes::Reply> reply) {
                   failed = failure;
                   outcome.emplace(std::move(reply));
                   writer.stop();
                 });
  context.run();
  if (failed) std::rethrow_exception(failed);
  return std::move(*outcome);
}

// The claims of a token whose signature nobody looks at: who revokes it need not be who could verify it.
json::Value claims_of(std::string token) {
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string::npos ? first : token.find('.', first + 1);
  if (second != std::string::npos) {
    const auto text = base64url_decode(std::string_view(token).substr(first + 1, second - first - 1));
    auto claims = text ? json::parse(*text) : Result<json::Value>(problem(ProblemCode::token_invalid));
    if (claims && claims->object() != nullptr) return std::move(*claims);
  }
  throw std::runtime_error("--token: that is no JWT");
}

std::string text_of(const Problem& problem) {
  std::string text(kind_of(problem.code).sentence);
  if (!problem.detail.empty()) text += " " + problem.detail;
  for (const Violation& violation : problem.violations) {
    text += " " + (violation.path.empty() ? "" : violation.path + " ") + violation.rule + ".";
  }
  return text;
}

void add_member(std::string& json, std::string_view name, std::string_view value) {
  json += json.size() > 1 ? "," : "";
  append_json_string(json, name);
  json += ':';
  append_json_string(json, value);
}

}  // namespace

TokenCommand::TokenCommand(CLI::App& app, const Settings& serve)
    : serve_(serve), command_(app.add_subcommand("token", "Print a bearer token, and nothing else")) {
  command_->fallthrough();
  command_->add_option("--data-dir", data_dir_, "where the node's secret is; default: as for serve");
  command_->add_option("--secret-file", secret_file_, "the node's secret; default: as for serve");
  command_->add_option("--sub", user_, "the user it names");
  command_->add_option("--role", roles_, "authenticated, staff, admin or auditor; may be given again")->delimiter(',');
  command_->add_option("--expires", expires_, "how long it is good: 90s, 10m, 1h, 7d")->capture_default_str();

  revoke_command_ =
      command_->add_subcommand("revoke", "Refuse tokens before they expire, on all nodes within a second");
  revoke_command_->fallthrough();
  revoke_command_->add_option("--user", revoked_user_, "all tokens of this user that were issued until now");
  revoke_command_->add_option("--before", issued_before_, "with --user: issued before 2025-12-02T05:21:11Z, not now");
  revoke_command_->add_option("--token-id", token_id_, "the token with this jti");
  revoke_command_->add_option("--token", token_, "this token, by the jti inside; -: read it from standard input");
  revoke_command_->add_option("--reason", reason_, "for the audit log");
  revoke_command_->add_option(
      "--database-url", database_url_,
      "postgres://tenon_edge@host/db; default: as for serve, or the running node's own in --data-dir");
  command_->require_subcommand(0, 1);
}

int TokenCommand::run() const { return *revoke_command_ ? revoke() : print(); }

int TokenCommand::print() const {
  if (user_.empty()) throw std::runtime_error("token: --sub names the user");
  if (user_.size() > limits::subject_bytes_max) throw std::runtime_error("--sub must have 1 to 200 bytes");
  safeguards::Roles roles = safeguards::Role::authenticated;
  for (const std::string& name : roles_) {
    const auto role = safeguards::role_named(name);
    if (!role) throw std::runtime_error("there is no role \"" + name + "\": authenticated, staff, admin or auditor");
    roles = roles | *role;
  }
  const TokenPlan plan = plan_of(serve_.tokens);
  if (!plan.secret) throw std::runtime_error("the node takes no tokens of its own: HS256 is not in --token-alg");
  const std::string secret = running_secret(secret_file_, data_dir_, serve_);
  const std::int64_t lifetime = parse_duration(expires_).count();
  std::puts(
      safeguards::issue_token(secret, user_, roles, wall_now(), lifetime, plan.rules, random_uuid().text()).c_str());
  return 0;
}

std::string TokenCommand::wanted() const {
  if (static_cast<int>(!revoked_user_.empty()) + static_cast<int>(!token_id_.empty()) +
          static_cast<int>(!token_.empty()) !=
      1) {
    throw std::runtime_error("token revoke: name what to revoke: --user, --token-id or --token, one of them");
  }
  std::string json = "{";
  if (!revoked_user_.empty()) {
    add_member(json, "user", revoked_user_);
    if (!issued_before_.empty()) add_member(json, "issued_before", issued_before_);
  } else if (!issued_before_.empty()) {
    throw std::runtime_error("--before goes with --user");
  } else if (!token_id_.empty()) {
    add_member(json, "token_id", token_id_);
  } else {
    std::string token = token_;
    if (token == "-") std::getline(std::cin, token);
    const json::Value claims = claims_of(token);
    const json::Value* id = json::find(*claims.object(), "jti");
    if (id == nullptr || id->string() == nullptr) {
      throw std::runtime_error("the token has no jti: revoke all of its user's, with --user");
    }
    add_member(json, "token_id", *id->string());
    const json::Value* expires = json::find(*claims.object(), "exp");
    const auto seconds =
        expires == nullptr || expires->number() == nullptr ? std::nullopt : json::integer(*expires->number());
    if (seconds && *seconds >= 0 && *seconds <= 253'402'300'799) {
      add_member(json, "expires_at", format_iso_date(Instant{std::chrono::seconds{*seconds}}));
    }
  }
  if (!reason_.empty()) add_member(json, "reason", reason_);
  return json + "}";
}

int TokenCommand::revoke() const {
  const auto parsed = json::parse(wanted());
  if (!parsed) throw std::runtime_error("token revoke: " + text_of(parsed.error()));
  auto arguments = revocation_arguments(*parsed->object());
  if (!arguments) throw std::runtime_error("token revoke: " + text_of(arguments.error()));
  const RevocationOperations operations;
  const auto reply =
      run_write(running_database(database_url_, data_dir_, serve_), operations.revoke, std::move(*arguments));
  if (!reply) throw std::runtime_error("token revoke: " + text_of(reply.error()));
  if (reply->problem) throw std::runtime_error("token revoke: " + text_of(problem(*reply->problem)));
  std::puts(reply->body.c_str());
  return 0;
}

}  // namespace tenon
