// The canonical bytes of one entry of the audit log: what the tree's leaves are hashes of. docs/formats/audit-log.md
// says them byte by byte; a change of them is a new version.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "audit/merkle.hpp"

namespace tenon::audit {

// One row of audit_logs. Views: whoever filled it in keeps the bytes.
struct Entry {
  std::int64_t id = 0;
  std::uint64_t transaction_id = 0;
  std::int64_t at = 0;  // microseconds since 1970-01-01T00:00:00Z
  Uuid entity_id;
  std::string_view action;
  std::string_view entity_kind;
  std::string_view actor;
  std::string_view role;
  std::string_view request_id;
  std::optional<std::string_view> idempotency_key;
  std::optional<std::string_view> before;
  std::optional<std::string_view> after;
};

// Leaves stand in this order, whatever the order of commits: both numbers as unsigned.
struct EntryKey {
  std::uint64_t transaction_id = 0;
  std::int64_t id = 0;
  auto operator<=>(const EntryKey&) const = default;
};
[[nodiscard]] inline EntryKey key_of(const Entry& entry) noexcept { return {entry.transaction_id, entry.id}; }

// The columns of audit_logs, in the order in which entry_of() takes their values.
inline constexpr std::string_view entry_columns =
    "id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after";
inline constexpr std::size_t entry_column_count = 12;

// From PostgreSQL's binary values. Throws std::runtime_error when one has not its type's size, or a null stands where
// the table allows none.
[[nodiscard]] Entry entry_of(std::span<const std::optional<std::string_view>> columns);

// The text of any one field takes at most 4 GiB - 2: PostgreSQL's own bound is below that.
void append_leaf(std::string& out, const Entry& entry);
[[nodiscard]] std::string leaf_of(const Entry& entry);
// The other way round; views into `leaf`. Nothing unless append_leaf would write exactly these bytes.
[[nodiscard]] std::optional<Entry> parse_leaf(std::string_view leaf);

// Leaf hashes, one after another, without allocating for each. One object a thread.
class LeafHasher {
 public:
  [[nodiscard]] Hash operator()(const Entry& entry);
  // The size of the leaf hashed last.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size() - 1; }

 private:
  Hasher hasher_;
  std::string bytes_;
};

}  // namespace tenon::audit
