#include "node/keys_command.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "base/limits.hpp"
#include "encoding/json.hpp"
#include "node/duration.hpp"
#include "node/key_file.hpp"
#include "node/running_database.hpp"
#include "node/signing_key_routes.hpp"
#include "postgres/session.hpp"

namespace tenon {
namespace {

// Who is in the audit log for what was done on the command line.
std::string operator_name() {
  const passwd* user = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe): one thread
  return "@cli:" + std::string(user != nullptr ? user->pw_name : std::to_string(::geteuid()));
}

// Runs one registered operation, as a node does: its answer, or an error with the refusal's detail.
std::string execute(postgres::Session& session, const std::string& operation, const std::string& arguments) {
  const std::string id = random_uuid().text();
  const postgres::Rows rows = session.execute(
      "SELECT r.problems[1], r.bodies[1] FROM tenon.execute($1, ARRAY[$2::uuid], ARRAY['signing-keys:cli'], ARRAY[$3], "
      "ARRAY['cli:' || $2], ARRAY[sha256('')], ARRAY[60], ARRAY['admin'], ARRAY['cli-' || $2], ARRAY[$4::jsonb]) AS r",
      {operation, id, operator_name(), arguments});
  const std::string body = rows.text(0, 1);
  if (rows.text(0, 0).empty()) return body;
  const auto members = json::parse(body);
  const auto* detail = members && members->object() != nullptr ? json::find(*members->object(), "detail") : nullptr;
  throw std::runtime_error(detail != nullptr && detail->string() != nullptr ? *detail->string() : rows.text(0, 0));
}

}  // namespace

struct KeysCommand::Impl {
  const Settings& serve;
  CLI::App* keys = nullptr;
  CLI::App* add = nullptr;
  CLI::App* list = nullptr;
  CLI::App* revoke = nullptr;
  std::filesystem::path data_dir = {};
  std::string database_url = {};
  std::filesystem::path node_secret = {};
  std::string user = {};
  std::string algorithm = "ed25519";
  std::filesystem::path public_key = {};
  std::filesystem::path secret = {};
  std::filesystem::path private_key = {};
  std::string label = {};
  std::string expires = {};
  std::string id = {};

  [[nodiscard]] postgres::Session connect() const {
    return postgres::Session(running_database(database_url, data_dir, serve));
  }

  void add_connection_options(CLI::App* command) {
    command->add_option("--data-dir", data_dir, "of a running node with a database of its own; default: as for serve");
    command->add_option(
        "--database-url", database_url,
        "postgres://tenon_edge@host/db; default: as for serve, or the running node's own in --data-dir");
    command->fallthrough();
  }

  int add_key();
  int list_keys();
  int revoke_key();
};

KeysCommand::KeysCommand(CLI::App& app, const Settings& serve) : impl_(std::make_unique<Impl>(Impl{.serve = serve})) {
  Impl& i = *impl_;
  i.keys = app.add_subcommand("keys", "Keys that users sign requests with");
  i.keys->require_subcommand(1);
  i.keys->fallthrough();
  i.add = i.keys->add_subcommand("add", "Add a user's key and print its id, and nothing else");
  i.add_connection_options(i.add);
  i.add->add_option("--sub", i.user, "the user whose key it is")->required();
  i.add
      ->add_option("--algorithm", i.algorithm,
                   "ed25519, ecdsa-p256-sha256, rsa-pss-sha512, rsa-v1_5-sha256, hmac-sha256")
      ->capture_default_str();
  auto* made = i.add->add_option("--private-key", i.private_key, "make a new key and write its private half here");
  auto* given = i.add->add_option("--public-key", i.public_key, "PEM of a key that there is already")->excludes(made);
  i.add->add_option("--secret", i.secret, "hmac-sha256: a file with the secret in base64")
      ->excludes(made)
      ->excludes(given);
  i.add->add_option("--secret-file", i.node_secret,
                    "hmac-sha256: the node's own secret, under which the key's is sealed; default: as for serve");
  i.add->add_option("--label", i.label, "for people");
  i.add->add_option("--expires", i.expires, "how long it is good: 90s, 10m, 1h, 90d; default: until it is revoked");
  i.list = i.keys->add_subcommand("list", "Print keys, one JSON object a line");
  i.add_connection_options(i.list);
  i.list->add_option("--sub", i.user, "of this user only");
  i.revoke = i.keys->add_subcommand("revoke", "Let a key count no more");
  i.add_connection_options(i.revoke);
  i.revoke->add_option("id", i.id, "as `keys add` printed it")->required();
}

KeysCommand::~KeysCommand() = default;

bool KeysCommand::called() const { return impl_->keys->parsed(); }

int KeysCommand::run() {
  if (impl_->add->parsed()) return impl_->add_key();
  return impl_->list->parsed() ? impl_->list_keys() : impl_->revoke_key();
}

int KeysCommand::Impl::add_key() {
  const auto chosen = signature::algorithm_named(algorithm);
  if (!chosen) throw std::runtime_error("--algorithm: there is no \"" + algorithm + "\"");
  if (user.empty() || user.size() > limits::subject_bytes_max)
    throw std::runtime_error("--sub must have 1 to 200 bytes");
  const bool shared = *chosen == signature::Algorithm::hmac_sha256;
  if (private_key.empty() && (shared ? secret : public_key).empty()) {
    throw std::runtime_error(std::string("say --private-key FILE for a new key, or ") +
                             (shared ? "--secret FILE" : "--public-key FILE") + " for one that there is");
  }
  NewSigningKey key{
      .id = random_uuid(), .user = user, .algorithm = algorithm, .material = {}, .label = label, .expires = {}};
  if (!expires.empty()) key.expires = wall_now() + parse_duration(expires);
  std::string private_half;
  if (!private_key.empty()) {
    signature::KeyPair pair = signature::generate(*chosen);
    private_half = key_file_text(*chosen, pair.private_half);
    key.material = std::move(pair.public_half);
  } else if (shared) {
    auto bytes = shared_secret_of(content_of_file(secret));
    if (!bytes) throw std::runtime_error(secret.string() + ": a shared secret is written in base64");
    key.material = *std::move(bytes);
  } else {
    key.material = content_of_file(public_key);
  }
  // Only shared secrets are sealed; whoever adds a public key need not be able to read the node's.
  const signature::SecretSealer sealer(shared ? running_secret(node_secret, data_dir, serve)
                                              : std::string(limits::secret_bytes_min, '-'));
  const auto arguments = signing_key_arguments(key, sealer);
  if (!arguments) throw std::runtime_error(arguments.error());
  postgres::Session session = connect();
  if (!private_key.empty()) write_key_file(private_key, private_half);
  try {
    (void)execute(session, "add_signing_key", *arguments);
  } catch (...) {
    if (!private_key.empty()) std::filesystem::remove(private_key);  // a key that nobody knows
    throw;
  }
  std::puts(key.id.text().c_str());
  return 0;
}

int KeysCommand::Impl::list_keys() {
  postgres::Session session = connect();
  const postgres::Rows rows = session.execute(
      "SELECT tenon.signing_key_body(k) FROM signing_keys AS k WHERE $1 = '' OR user_id = $1 ORDER BY created_at, id",
      {user});
  for (int row = 0; row < rows.size(); ++row) std::puts(rows.text(row, 0).c_str());
  return 0;
}

int KeysCommand::Impl::revoke_key() {
  const auto parsed = Uuid::parse(id);
  if (!parsed) throw std::runtime_error("\"" + id + "\" is not the id of a key: those are UUIDs");
  postgres::Session session = connect();
  std::puts(execute(session, "revoke_signing_key", R"({"id":")" + parsed->text() + "\"}").c_str());
  return 0;
}

}  // namespace tenon
