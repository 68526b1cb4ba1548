#include "node/serve.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "base/scheduling.hpp"
#include "http/listen_address.hpp"
#include "node/database.hpp"
#include "node/identity.hpp"
#include "node/revocation_feed.hpp"
#include "node/revocation_routes.hpp"
#include "node/scopes.hpp"
#include "node/sealing.hpp"
#include "node/secret.hpp"
#include "node/signature_rules.hpp"
#include "node/signing_key_routes.hpp"
#include "node/system_routes.hpp"
#include "writes/key_sweeper.hpp"

namespace tenon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view replay_limit = "replay";

LogLevel log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return LogLevel::info;
}

// What settings change in the program's limits, and in `routes` as far as they name limits there. Such names are those
// of `limits`, which is to stay where it is.
void apply_limits(const Settings& settings, service::LimitsTable& limits, std::vector<service::Route>& routes) {
  define_limits(limits);
  apply_limit_settings(settings.limit_settings, limits, routes);
  for (const std::string& assignment : settings.limits) {
    if (const auto wrong = limits.override_with(assignment)) throw std::runtime_error("--limit: " + *wrong);
  }
}

std::vector<safeguards::Network> networks_of(const Settings& settings) {
  std::vector<safeguards::Network> networks;
  for (const std::string& text : settings.trusted_proxies) {
    const auto network = safeguards::Network::parse(text);
    if (!network)
      throw std::runtime_error("--trusted-proxy: \"" + text + "\" is not an address or a block like 10.0.0.0/8");
    networks.push_back(*network);
  }
  return networks;
}

std::int64_t monotonic_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now().time_since_epoch()).count();
}

// The longest that any scope's keys may live.
std::chrono::seconds longest_lifetime(const service::ServiceSettings& settings) {
  std::chrono::seconds longest = settings.key_lifetime;
  for (const auto& [scope, lifetime] : settings.key_lifetime_by_scope) longest = std::max(longest, lifetime);
  return longest;
}

// A bucket admits up to twice its quota in one window: what it holds, and what flows in.
safeguards::Limit live_keys_limit(std::size_t keys_max, std::chrono::seconds longest) {
  const std::int64_t window = std::chrono::microseconds(longest).count();
  const auto most = static_cast<std::size_t>(std::min<std::int64_t>(window, 1'000'000'000));
  return {.name = "live-keys",
          .rate = {.quota = static_cast<std::int64_t>(std::clamp<std::size_t>(keys_max / 2, 1, most)),
                   .window_microseconds = window},
          .mode = keys_max == 0 ? safeguards::Mode::off : safeguards::Mode::enforce};
}

std::size_t threads_of(const Settings& settings) {
  return settings.threads != 0 ? settings.threads : std::max(1U, std::thread::hardware_concurrency());
}

// Over two lanes on two cores, which the database shares, the fastest of what was tried; where there are more, its
// small batches cost cores that would be idle.
std::size_t gather_below_of(const Settings& settings) {
  constexpr std::size_t over_all_lanes = 192;
  return settings.gather_below.value_or(over_all_lanes / (threads_of(settings) * settings.write_lanes_per_thread));
}

// What a node may hold at a time, with room for the sweeper, migrations and somebody who looks.
int connections_of(const Settings& settings) {
  const std::size_t read_lanes_per_thread = writes::WriterSettings{}.read_lanes_per_thread;
  const std::size_t a_thread =
      settings.write_lanes_per_thread + read_lanes_per_thread + settings.transactions_per_thread;
  // Two more nodes of the same size, and room for people.
  return static_cast<int>(3 * threads_of(settings) * a_thread + 64);
}

// Each client connection takes a descriptor, and the usual soft limit of 1024 is far below --connections.
void raise_descriptor_limit(const Settings& settings, Logger& log) {
  constexpr rlim_t others = 512;  // lanes, files, listeners
  const rlim_t wanted = settings.http.connections_max + others;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted) return;
  log.event(LogLevel::warning, "descriptors_few",
            {{"allowed", static_cast<std::int64_t>(limit.rlim_cur)}, {"wanted", static_cast<std::int64_t>(wanted)}});
}

// `signatures`: how long after it was made a signature may come to this node, whose clock may be late.
asio::awaitable<void> raise_lifetimes(std::string conninfo, std::chrono::seconds lifetime,
                                      std::chrono::seconds signatures) {
  const Monotonic deadline = monotonic_now() + limits::connect_deadline;
  const auto connection =
      co_await postgres::Connection::open(co_await asio::this_coro::executor, std::move(conninfo), deadline);
  postgres::Parameters parameters;
  parameters.add(std::int64_t{lifetime.count()});
  co_await connection->execute("SELECT tenon.ensure_key_lifetime($1 * interval '1 second')", parameters, deadline);
  postgres::Parameters window;
  window.add(std::int64_t{signatures.count()});
  co_await connection->execute("SELECT tenon.ensure_signature_window($1 * interval '1 second')", window, deadline);
}

std::string filled_in(std::string text, std::string_view name, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
    text.replace(at, name.size(), value);
  return text;
}

void greet(const Settings& settings, const Program& program, const std::string& secret, const std::string& base_url) {
  if (settings.demo && !program.greeting.empty()) {
    const std::string token = safeguards::issue_token(secret, "clerk-1", safeguards::Role::admin, wall_now(), 8 * 3600,
                                                      plan_of(settings.tokens).rules, random_uuid().text());
    std::fputs(filled_in(filled_in(program.greeting, "{TOKEN}", token), "{BASE}", base_url).c_str(), stdout);
  }
  std::printf("%s: listening on %s\n", program.name.c_str(), base_url.c_str());
  std::fflush(stdout);
}

asio::awaitable<void> seed(asio::io_context& here, writes::Writer& writer, const Program& program) {
  for (const Program::Seed& each : program.seeds) co_await each(here, writer);
}

service::ServiceSettings service_of(const Settings& settings) {
  service::ServiceSettings service = settings.service;
  service.rate_limit_headers = safeguards::header_style_named(settings.headers).value_or(safeguards::HeaderStyle::both);
  try {
    service.cors = service::Cors(settings.cors_origins);
  } catch (const std::invalid_argument& wrong) {
    throw std::runtime_error("--cors-origin: " + std::string(wrong.what()));
  }
  return service;
}

void check_listening(const http::ServerSettings& http) {
  (void)http::listen_address(http.listen);
  if (http.tls_certificate.empty() != http.tls_key.empty())
    throw std::runtime_error("--tls-cert and --tls-key go together: HTTPS takes a certificate and its key");
}

void check_tokens(const Settings& settings) {
  const TokenPlan plan = plan_of(settings.tokens);
  if (settings.demo && !plan.secret)
    throw std::runtime_error("--demo prints a token of ours: add HS256 to --token-alg");
}

// The node's own secret, whether or not tokens are signed with it.
std::string secret_of(const Settings& settings, Logger& log) {
  const bool own = settings.secret_file.empty();
  const std::filesystem::path file = own ? settings.data_dir / "secret" : settings.secret_file;
  std::string secret = read_secret(file, own ? SecretMaker::us : SecretMaker::people);
  if (const std::string why = weakness_of(secret); !why.empty()) {
    const std::string refusal = "the secret in " + file.string() + " can be guessed: " + why +
                                ". Make one: openssl rand -hex 32 > " + file.string();
    if (!settings.demo) throw std::runtime_error(refusal);
    log.event(LogLevel::warning, "weak_secret", {{"reason", std::string_view(refusal)}});
  }
  return secret;
}

// As nohup leaves it to us.
bool ignored(int signal) {
  struct sigaction now{};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

asio::awaitable<void> prepare(std::string conninfo, std::chrono::seconds key_lifetime, std::chrono::seconds signatures,
                              RevocationFeed& revocations) {
  co_await raise_lifetimes(std::move(conninfo), key_lifetime, signatures);
  co_await revocations.load();
}

}  // namespace

void define_limits(service::LimitsTable& limits) { limits.define(replay_limit, "600/min"); }

void check(const Settings& settings, const Program& program) {
  service::LimitsTable limits = program.limits;
  std::vector<service::Route> routes = program.routes;
  apply_limits(settings, limits, routes);
  (void)networks_of(settings);
  (void)client_settings(settings.shared_limits);
  (void)service_of(settings);
  check_listening(settings.http);
  (void)data_dir_of(settings);
  check_tokens(settings);
  check_database(settings);
  check_sealing(settings);
  check_scopes(settings, program.routes);
  (void)signature_rules(settings);
}

int serve(const Settings& settings, const Program& program) {
  service::LimitsTable limits = program.limits;
  std::vector<service::Route> routes = program.routes;
  apply_limits(settings, limits, routes);
  const std::vector<safeguards::Network> networks = networks_of(settings);
  (void)client_settings(settings.shared_limits);
  const service::ServiceSettings service_settings = service_of(settings);
  check_listening(settings.http);
  (void)data_dir_of(settings);
  check_tokens(settings);
  check_database(settings);
  check_sealing(settings);
  check_scopes(settings, program.routes);
  if (!settings.http.tls_key.empty()) require_private(settings.http.tls_key);
  const signature::Rules rules = signature_rules(settings);
  Logger log(settings.log_path, log_level(settings.log_level));
  make_data_dir(settings.data_dir);
  const std::string secret = secret_of(settings, log);
  Identity identity(settings.tokens, secret, settings.data_dir, log);
  Database database(settings, connections_of(settings), program.migrations, log);
  raise_descriptor_limit(settings, log);

  // One io_context a thread: what belongs to a connection is only ever touched by its own thread.
  const std::size_t threads = threads_of(settings);
  std::vector<std::unique_ptr<asio::io_context>> contexts;
  std::vector<asio::io_context*> context_pointers;
  for (std::size_t i = 0; i < threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
    context_pointers.push_back(contexts.back().get());
  }
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work;
  for (auto* context : context_pointers) work.push_back(asio::make_work_guard(*context));
  asio::io_context& main_context = *context_pointers.front();

  service::Metrics metrics;
  SharedLimits shared_limits(settings.shared_limits, context_pointers, monotonic_microseconds, log);
  safeguards::BucketStore& buckets = shared_limits.store();
  safeguards::MemoryBucketStore node_buckets(250'000, monotonic_microseconds);
  writes::Writer writer(context_pointers,
                        {.conninfo = database.conninfo(),
                         .write_lanes_per_thread = settings.write_lanes_per_thread,
                         .gather_below = gather_below_of(settings),
                         .batch_commands_max = settings.batch_commands_max,
                         .queue_max = settings.queue_max,
                         .wait_max = std::chrono::milliseconds(settings.queue_wait_milliseconds),
                         .reply_cache_bytes = settings.reply_cache_megabytes * 1024 * 1024},
                        log, metrics);
  const std::unique_ptr<audit::Sealer> audit_sealer = make_sealer(settings, database.sealer_conninfo(), metrics, log);
  writes::KeySweeper sweeper(main_context, database.conninfo(), log);
  RevocationFeed revocations(main_context, database.conninfo(), identity.revocations(), log);
  const RevocationOperations revocation_operations;
  const std::chrono::seconds longest = longest_lifetime(settings.service);
  const signature::SecretSealer sealer(secret);
  service::SigningKeys signing_keys(writer, sealer, log);
  const service::SignatureGuard signature_guard{.rules = rules, .keys = signing_keys};
  const service::Guards guards{.trusted_proxies = networks,
                               .tokens = identity.verifier(),
                               .limits = limits,
                               .buckets = buckets,
                               .node_buckets = node_buckets,
                               .live_keys = live_keys_limit(settings.live_keys_per_user_max, longest),
                               .overloaded = [&writer] { return writer.overloaded(); },
                               .known_replay = [&writer](const Uuid& claim) { return writer.knows(claim); },
                               .replay_limit = limits.find(replay_limit),
                               .signatures = &signature_guard};
  writes::Transactions transactions(context_pointers, database.conninfo(), settings.transactions_per_thread, log);
  service::Service service(service_settings, guards, writer, transactions, metrics, log);
  std::atomic<bool> stopping = false;
  const Readiness readiness{
      .writer = writer, .buckets = buckets, .stopping = stopping, .schema_version = database.schema_version()};
  service.add(std::move(routes));
  service.add(system_routes(metrics, readiness));
  shared_limits.watch(metrics);
  service.add(revocation_routes(revocation_operations));
  const SigningKeyOperations signing_key_operations;
  service.add(signing_key_routes(signing_key_operations, sealer));
  metrics.watch("tenon_lane_queue", "Commands waiting in or running on lanes.",
                [&writer] { return static_cast<double>(writer.queued()); });

  http::Server server(
      context_pointers, settings.http, [&service](const http::Request& request) { return service.handle(request); },
      [&metrics](const http::Finished& finished) {
        if (finished.request == nullptr) metrics.on_answer("none", finished.response->status(), finished.took);
        if (const auto code = finished.response->refused_for()) metrics.on_refusal(*code);
      },
      log);
  metrics.watch("tenon_token_keys_age_seconds", "Since the token issuer's key set was last known to be fresh.",
                [&identity] { return identity.keys_age_seconds(); });
  metrics.watch("tenon_revocations", "Revoked tokens and users that this node knows of.",
                [&identity] { return static_cast<double>(identity.revocations().size()); });
  metrics.watch("tenon_revocations_age_seconds", "Since this node last asked what was revoked.",
                [&revocations] { return revocations.age_seconds(); });
  metrics.watch("tenon_connections", "Open client connections.",
                [&server] { return static_cast<double>(server.connections()); });

  asio::signal_set signals(main_context, SIGTERM, SIGINT);
  if (!ignored(SIGHUP)) signals.add(SIGHUP);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    log.event(LogLevel::info, "stopping", {});
    stopping = true;
    server.stop(limits::stop_deadline, [&] {
      writer.stop();
      sweeper.stop();
      shared_limits.stop();
      revocations.stop();
      work.clear();
    });
  });

  // What must be there before the first request; a failure here ends the start.
  std::exception_ptr failed;
  const auto started = [&](const std::exception_ptr& failure) {
    failed = failure;
    main_context.stop();
  };
  asio::co_spawn(
      main_context,
      prepare(database.conninfo(), longest, signature_guard.rules.window + signature_guard.rules.skew, revocations),
      started);
  main_context.run();
  main_context.restart();
  if (failed) std::rethrow_exception(failed);
  writer.start();
  sweeper.start();
  shared_limits.start();
  revocations.start();
  identity.start();
  if (audit_sealer) audit_sealer->start();

  std::vector<std::thread> running;
  for (std::size_t i = 1; i < threads; ++i) {
    running.emplace_back([context = context_pointers[i]] {
      yield_to_others_when_woken();
      context->run();
    });
  }
  asio::co_spawn(main_context, shared_limits.ready(), started);
  main_context.run();
  main_context.restart();
  if (settings.demo) {
    asio::co_spawn(main_context, seed(main_context, writer, program), started);
    main_context.run();
    main_context.restart();
  }
  if (!failed) {
    server.start();
    database.keep_alive();
    yield_to_others_when_woken();  // not before: who watches the database starts it again
    const std::string scheme = settings.http.tls_certificate.empty() ? "http" : "https";
    const std::string host = settings.http.listen.substr(0, settings.http.listen.rfind(':'));
    log.event(LogLevel::info, "listening", {{"port", std::int64_t{server.port()}}});
    if (audit_sealer) {
      std::printf("%s: the audit log's public key is %s\n", program.name.c_str(), audit_sealer->public_key().c_str());
    }
    greet(settings, program, secret, scheme + "://" + host + ":" + std::to_string(server.port()));
    main_context.run();
  } else {
    for (auto* context : context_pointers) context->stop();
  }
  for (std::thread& thread : running) thread.join();
  if (audit_sealer) audit_sealer->stop();
  if (failed) std::rethrow_exception(failed);
  log.event(LogLevel::info, "stopped", {});
  return 0;
}

}  // namespace tenon
