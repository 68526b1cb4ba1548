#include "node/sealing.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "node/audit_database.hpp"
#include "node/secret.hpp"

namespace tenon {
namespace {

bool has_scheme(const std::string& place) { return place.find("://") != std::string::npos; }

void watch(const audit::Sealer& sealer, service::Metrics& metrics) {
  metrics.watch("tenon_audit_sealing", "1 while this node is the one that seals the audit log.",
                [&sealer] { return sealer.at_work() ? 1.0 : 0.0; });
  metrics.watch("tenon_audit_sealed_entries", "Leaves of the audit log's tree, where this node seals.",
                [&sealer] { return static_cast<double>(sealer.sealed_entries()); });
  metrics.watch("tenon_audit_seal_lag_seconds", "Age of the oldest entry not sealed yet, where this node seals.",
                [&sealer] { return std::chrono::duration<double>(sealer.lag()).count(); });
  metrics.watch("tenon_audit_seal_failures", "Rounds of sealing and publications that failed since the start.",
                [&sealer] { return static_cast<double>(sealer.failures()); });
}

}  // namespace

void check_sealing(const Settings& settings) {
  for (const std::string& place : settings.checkpoint_to) {
    if (place.empty()) throw std::runtime_error("--checkpoint-to: a place is a folder or an https:// URL");
    if (has_scheme(place)) (void)audit::https_sink(place, settings.checkpoint_ca);
  }
  if (!settings.checkpoint_ca.empty() && std::ranges::none_of(settings.checkpoint_to, has_scheme)) {
    throw std::runtime_error("--checkpoint-ca is of a --checkpoint-to that begins with https://");
  }
  if (!settings.sealer_url.empty() && settings.database_url.empty()) {
    throw std::runtime_error("--sealer-url goes with --database-url: the embedded database has a login for the sealer");
  }
}

std::unique_ptr<audit::Sealer> make_sealer(const Settings& settings, const std::string& conninfo,
                                           service::Metrics& metrics, Logger& log) {
  if (!settings.sealer || conninfo.empty()) {
    const std::string_view reason = settings.sealer ? "no --sealer-url beside --database-url" : "--sealer off";
    log.event(LogLevel::info, "not_sealing", {{"reason", reason}});
    return nullptr;
  }
  audit::NoteSigner signer = read_audit_key(settings.data_dir / audit_key_file);
  if (const std::string wrong = audit::sealing_preflight(conninfo, signer.verifier()); !wrong.empty()) {
    throw std::runtime_error(wrong);
  }
  audit::SealerSettings sealing{.conninfo = conninfo};
  sealing.sinks.push_back(audit::file_sink(settings.data_dir / audit_checkpoints_file));
  for (const std::string& place : settings.checkpoint_to)
    sealing.sinks.push_back(audit::sink_to(place, settings.checkpoint_ca));
  auto sealer = std::make_unique<audit::Sealer>(std::move(sealing), std::move(signer), log);
  watch(*sealer, metrics);
  return sealer;
}

}  // namespace tenon
