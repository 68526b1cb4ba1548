#include "node/command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "node/audit_command.hpp"
#include "node/duration.hpp"
#include "node/keys_command.hpp"
#include "node/secret.hpp"
#include "node/serve.hpp"
#include "node/sign_command.hpp"
#include "node/token_command.hpp"
#include "node/toml_config.hpp"
#include "postgres/migrations.hpp"

namespace tenon {

std::filesystem::path default_data_dir() {
  if (::geteuid() == 0) return "/var/lib/tenon";
  // NOLINTBEGIN(concurrency-mt-unsafe): before any thread
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
    return std::filesystem::path(data) / "tenon";
  }
  const char* home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".local/share/tenon";
}

std::filesystem::path data_dir_of(const Settings& settings, const std::filesystem::path& flag) {
  if (!flag.empty()) return flag;
  if (settings.data_dir.empty()) throw std::runtime_error("HOME is not set: say --data-dir");
  return settings.data_dir;
}

namespace {

template <class Option>
void add_shared_limits(const Option& option, SharedLimitsOptions& s) {
  option("redis-url", s.redis_url,
         "redis://, rediss:// or unix: URL of the Redis that all nodes count their limits in");
  option("redis-ca", s.redis_ca, "PEM authorities that sign the certificate of rediss://; default: the system's");
  option("redis-budget", s.budget_milliseconds, "milliseconds that a decision may wait for Redis")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  option("lease-from", s.lease_from,
         "limits of so many a second are taken from Redis in blocks, without a call for each request; 0: none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  option("nodes", s.nodes, "nodes there are at least: without Redis each admits its share")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

// Settings that are durations, as they were written.
struct Durations {
  std::vector<std::string> key_lifetimes;
  std::string signature_window;
  std::string signature_skew;
};

void add_serve_options(CLI::App& serve, Settings& s, Durations& durations) {
  const auto option = [&serve](const std::string& name, auto& value, const std::string& help) {
    std::string variable = "TENON_" + name;
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return serve.add_option("--" + name, value, help)->envname(variable);
  };
  option("listen", s.http.listen, "HOST:PORT; port 0 takes any free one and prints it")->capture_default_str();
  option("data-dir", s.data_dir, "secrets and the embedded database")->capture_default_str();
  option("database-url", s.database_url, "postgres://tenon_edge@host/db; without it the node runs its own PostgreSQL");
  option("migrate-url", s.migrate_url, "a login that may change the schema: migrate at start (with --database-url)");
  option("sealer", s.sealer, "on: this node seals the audit log when no other does; off: never")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"on", true}, {"off", false}}))
      ->default_str("on");
  option("sealer-url", s.sealer_url,
         "postgres://tenon_sealer@host/db: the sealer's login (with --database-url, which is not sealed without it)");
  option("checkpoint-to", s.checkpoint_to,
         "a folder or an https:// URL for signed checkpoints, beside <data-dir>/audit-checkpoints; may be given again")
      ->delimiter(',');
  option("checkpoint-ca", s.checkpoint_ca, "PEM certificates to trust for --checkpoint-to instead of the system's");
  option("secret-file", s.secret_file, "the token secret; default: <data-dir>/secret, made when missing");
  option("tls-cert", s.http.tls_certificate, "PEM certificate chain: serve HTTPS only");
  option("tls-key", s.http.tls_key, "PEM key of --tls-cert");
  option("token-alg", s.tokens.algorithms, "HS256, RS256, PS256, ES256, EdDSA: signatures taken; may be given again")
      ->delimiter(',')
      ->capture_default_str();
  option("token-key", s.tokens.key_file, "PEM public key of the tokens' issuer");
  option("token-jwks", s.tokens.key_set, "the issuer's key set: a file, or https://");
  option("token-jwks-ca", s.tokens.authorities, "PEM certificates to trust for --token-jwks instead of the system's");
  option("token-jwks-refresh", s.tokens.key_set_refresh_seconds, "seconds between two fetches of an https:// key set")
      ->check(CLI::Range(30, 86'400))
      ->capture_default_str();
  option("token-issuer", s.tokens.issuer, "what `iss` of every token must be");
  option("token-audience", s.tokens.audiences, "what `aud` of every token must name; any one of several")
      ->delimiter(',');
  option("token-leeway", s.tokens.leeway_seconds, "seconds that the issuer's clock may differ from ours")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  option("token-user-claim", s.tokens.user_claim, "the claim that names the user; a.b looks inside a")
      ->capture_default_str();
  option("token-roles-claim", s.tokens.roles_claim, "the claim with the roles; default: role and roles");
  option("token-role", s.tokens.roles, "NAME=ROLE: what a name in that claim means; may be given again")
      ->delimiter(',');
  option("cors-origin", s.cors_origins, "an origin whose pages may read our answers; may be given again")
      ->delimiter(',');
  option("limit", s.limits, "NAME=N/UNIT, NAME=off or all=off; may be given again")->delimiter(',');
  option("headers", s.headers,
         "what limited answers tell: draft (RateLimit, RateLimit-Policy), legacy (X-RateLimit-*), both or none")
      ->check(CLI::IsMember({"both", "draft", "legacy", "none"}))
      ->capture_default_str();
  add_shared_limits(option, s.shared_limits);
  option("trusted-proxy", s.trusted_proxies, "CIDR block whose Forwarded headers are believed; may be given again")
      ->delimiter(',');
  option("key-lifetime", durations.key_lifetimes,
         "how long an Idempotency-Key is known: DURATION (10m), or SCOPE=DURATION; may be given again")
      ->delimiter(',');
  option("live-keys-per-user", s.live_keys_per_user_max,
         "unexpired idempotency keys one user may hold on this node; 0: any")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  option("reply-cache", s.reply_cache_megabytes,
         "megabytes for stored answers at hand, which are repeated without the database; 0: none")
      ->check(CLI::Range(0, 65536))
      ->capture_default_str();
  option("require-signature", s.service.signatures_required,
         "SCOPE whose requests must be signed (RFC 9421), or all; may be given again")
      ->delimiter(',');
  option("signature-window", durations.signature_window,
         "how old a signature may be; default: as long as keys live, less twice the skew, up to 5m");
  option("signature-skew", durations.signature_skew,
         "by how much clients' clocks may be ahead; default: 5s, a minute at most");
  option("signature-authority", s.signature_authorities,
         "HOST[:PORT] that signed requests may be for; may be given again; default: any")
      ->delimiter(',');
  option("conflict-status", s.service.conflict_status, "status of a stale If-Match or If-Unmodified-Since: 409 or 412")
      ->check(CLI::IsMember({409, 412}))
      ->capture_default_str();
  option("threads", s.threads, "0: one a core")->check(CLI::Range(0, 256))->capture_default_str();
  option("write-lanes", s.write_lanes_per_thread, "database connections for writes, a thread")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  option("gather", s.gather_below,
         "while fewer writes than this are under way they go over one lane, in larger batches; 0: never; default: "
         "192 over the number of write lanes")
      ->check(CLI::Range(0, 1'000'000));
  option("batch", s.batch_commands_max, "commands in one transaction, at most")
      ->check(CLI::Range(1, static_cast<int>(limits::batch_commands_max)))
      ->capture_default_str();
  option("queue", s.queue_max, "commands waiting in one lane before 503")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  option("queue-wait", s.queue_wait_milliseconds,
         "milliseconds that the last of a lane's queue may have to wait before 503; 0: --queue alone bounds it")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  option("connections", s.http.connections_max, "client connections, at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  option("connections-per-peer", s.http.connections_per_peer_max, "client connections of one address, at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  option("log", s.log_path, "file to log to; -: standard error")->capture_default_str();
  option("log-level", s.log_level, "debug, info, warning, error or off")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  option("log-requests", s.service.log_requests, "one log line a request")->capture_default_str();
  serve.add_flag("--demo", s.demo, "seed a furniture catalogue of 200 pieces and print lines to paste")
      ->envname("TENON_DEMO");
}

void apply_durations(Settings& settings, const Durations& durations) {
  if (!durations.signature_window.empty()) settings.signature_window = parse_duration(durations.signature_window);
  if (!durations.signature_skew.empty()) settings.signature_skew = parse_duration(durations.signature_skew);
  service::ServiceSettings& service = settings.service;
  for (const std::string& assignment : durations.key_lifetimes) {
    const std::size_t equals = assignment.find('=');
    const std::chrono::seconds lifetime =
        parse_duration(assignment.substr(equals == std::string::npos ? 0 : equals + 1));
    if (lifetime < 3 * service.request_deadline || lifetime > limits::key_lifetime_max) {
      throw std::runtime_error("--key-lifetime: a key lives 30 seconds to 7 days");
    }
    if (equals == std::string::npos) {
      service.key_lifetime = lifetime;
    } else {
      service.key_lifetime_by_scope[assignment.substr(0, equals)] = lifetime;
    }
  }
}

// Of what was called but has commands of its own, none of which was: what stands there instead, and what may. Empty
// where nothing does, or that is not what is wrong.
std::string wrong_command(const CLI::App& app) {
  const CLI::App* called = &app;
  while (!called->get_subcommands().empty()) called = called->get_subcommands().front();
  const std::vector<std::string> words = app.remaining(true);
  if (called->get_require_subcommand_min() == 0 || words.empty()) return {};
  std::string names;
  for (const CLI::App* command : called->get_subcommands({}))
    names += (names.empty() ? "" : ", ") + command->get_name();
  return (words.front().starts_with('-') ? "there is no flag \"" : "there is no command \"") + words.front() +
         "\"; the commands are " + names;
}

int migrate(const std::string& url, const Program& program) {
  Logger log("-", LogLevel::info);
  const auto report = postgres::migrate(url, program.migrations, log);
  std::printf("%s: %d migrations applied, the schema is at %d\n", program.name.c_str(), report.applied, report.known);
  return 0;
}

}  // namespace

int run_command_line(int argc, char** argv, const Program& program) {
  CLI::App app(program.description, program.name);
  app.require_subcommand(1);
  app.set_version_flag("--version", program.name + " " + program.version);
  std::vector<LimitSetting> limit_settings;
  const auto config =
      std::make_shared<TomlConfig>(limit_settings, [&app] { return app.get_config_ptr()->as<std::string>(); });
  app.config_formatter(config);
  // The parser looks at variables after it has read the file: the one that names it is the default.
  const char* named = std::getenv("TENON_CONFIG");  // NOLINT(concurrency-mt-unsafe): before any thread
  const std::string file_of_variable = named == nullptr ? "" : named;
  app.set_config("--config", file_of_variable, "tenon.toml: the flags of serve, without their dashes",
                 !file_of_variable.empty())
      ->envname("TENON_CONFIG");
  app.allow_config_extras(CLI::config_extras_mode::error);

  // Each command has settings of its own: the parser gives those of a command that was not called what the variables
  // say.
  Settings settings;
  settings.data_dir = default_data_dir();
  Durations durations;
  CLI::App* serve_command = app.add_subcommand("serve", "Run a node");
  serve_command->fallthrough();
  add_serve_options(*serve_command, settings, durations);

  std::string url;
  CLI::App* migrate_command = app.add_subcommand("migrate", "Bring a database's schema up to this version");
  migrate_command->add_option("--database-url", url, "a login that may make roles and change the schema")
      ->required()
      ->envname("TENON_MIGRATE_URL");

  TokenCommand token_command(app, settings);

  AuditCommand audit_command(app, settings);
  KeysCommand keys_command(app, settings);
  SignCommand sign_command(app);

  CLI::App* config_command = app.add_subcommand("config", "The configuration");
  CLI::App* check_command =
      config_command->add_subcommand("check", "Read it as serve would, say what is wrong, and stop");
  config_command->require_subcommand(1);
  Settings checked;
  checked.data_dir = default_data_dir();
  Durations checked_durations;
  add_serve_options(*check_command, checked, checked_durations);
  check_command->fallthrough();
  config_command->fallthrough();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ConfigError& error) {
    // Its own words speak of an INI file; the name of what is unknown stands last in them.
    const std::string words = error.what();
    const std::string name = words.substr(words.find_last_of(" .") + 1);
    throw std::runtime_error(config->place_of(name) + " sets \"" + name + "\", which is no setting: see serve --help");
  } catch (const CLI::RequiredError& error) {
    if (const std::string wrong = wrong_command(app); !wrong.empty()) throw std::runtime_error(wrong);
    app.exit(error);
    return 1;
  } catch (const CLI::ParseError& error) {
    // It tells what is wrong, or the help that was asked for. Its numbers would be one a kind of mistake: ours is 1, as
    // of all that could not be carried out.
    return app.exit(error) == 0 ? 0 : 1;
  }
  hide_passwords(argc, argv);
  if (const CLI::Option* file = app.get_config_ptr(); file->count() > 0)
    require_private_settings(file->as<std::string>());
  if (token_command.called()) return token_command.run();
  if (keys_command.called()) return keys_command.run();
  if (sign_command.called()) return sign_command.run();
  if (*migrate_command) return migrate(url, program);
  if (audit_command.called()) return audit_command.run();
  settings.limit_settings = checked.limit_settings = std::move(limit_settings);
  if (*check_command) {
    apply_durations(checked, checked_durations);
    check(checked, program);
    std::puts("the configuration is fine");
    return 0;
  }
  apply_durations(settings, durations);
  return serve(settings, program);
}

}  // namespace tenon
