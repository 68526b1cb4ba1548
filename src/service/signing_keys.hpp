// The keys that requests are signed with, as this node knows them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/keyed_hash.hpp"
#include "base/log.hpp"
#include "safeguards/signature/sealed.hpp"
#include "safeguards/signature/verify.hpp"
#include "writes/writer.hpp"

namespace tenon::service {

// A key that was read is believed for limits::signing_key_cache: that long a revocation may take to reach a node's
// reads. Writes ask the database again, in their own transaction. A key that is not there is not remembered: a new one
// is good at once, everywhere. Memory is bounded: keys that exist, and limits::signing_keys_cached of them.
// Thread-safe.
class SigningKeys {
 public:
  using Known = std::shared_ptr<const signature::Key>;  // null: there is no such key

  // All arguments outlive it.
  SigningKeys(writes::Writer& writer, const signature::SecretSealer& sealer, Logger& log);

  // Without I/O, when the key was read lately.
  [[nodiscard]] std::optional<Known> find_now(const Uuid& id, Monotonic now);
  // Called on `here`'s thread. Problems: as of Writer::read.
  [[nodiscard]] boost::asio::awaitable<Result<Known>> find(boost::asio::io_context& here, Uuid id, Monotonic deadline);

 private:
  struct Entry {
    std::string row;
    Known key;
    Monotonic believed_until;
  };
  struct Hash {
    const KeyedHash* keyed;
    std::size_t operator()(const Uuid& id) const noexcept { return (*keyed)(as_text(id.bytes)); }
  };
  [[nodiscard]] Known remember(const Uuid& id, const std::string& row, Monotonic now);
  [[nodiscard]] Known key_of(const Uuid& id, const std::string& row) const;

  writes::Writer& writer_;
  const signature::SecretSealer& sealer_;
  Logger& log_;
  writes::Operation read_;
  KeyedHash hash_;
  std::mutex mutex_;
  std::unordered_map<Uuid, Entry, Hash> entries_;
};

// What a shared secret is sealed for: whose it is, and as what.
[[nodiscard]] std::string sealing_context(const Uuid& id, std::string_view user, std::string_view algorithm);

}  // namespace tenon::service
