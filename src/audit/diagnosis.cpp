#include "audit/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tenon::audit {
namespace {

// The columns that two entries may have exchanged, as bits.
constexpr unsigned exchangeable = 12;
constexpr std::size_t tried_leaves_max = 16;  // where that much is wrong, what exactly does not matter any more
constexpr std::size_t swap_suspects_max = 8;  // each pair takes 4,094 hashes

void exchange(Entry& to, const Entry& from, unsigned columns) {
  const auto has = [columns](unsigned bit) { return (columns >> bit & 1) != 0; };
  if (has(0)) to.id = from.id;
  if (has(1)) to.transaction_id = from.transaction_id;
  if (has(2)) to.at = from.at;
  if (has(3)) to.entity_id = from.entity_id;
  if (has(4)) to.action = from.action;
  if (has(5)) to.entity_kind = from.entity_kind;
  if (has(6)) to.actor = from.actor;
  if (has(7)) to.role = from.role;
  if (has(8)) to.request_id = from.request_id;
  if (has(9)) to.idempotency_key = from.idempotency_key;
  if (has(10)) to.before = from.before;
  if (has(11)) to.after = from.after;
}

std::string entry_name(EntryKey key) { return fmt::format("entry {} (transaction {})", key.id, key.transaction_id); }

// Works off the lists it is given: what is explained is taken off them.
class Detective {
 public:
  Detective(Differences differences, std::size_t tries)
      : lost_(std::move(differences.lost)),
        suspects_(std::move(differences.suspects)),
        size_(differences.size),
        tail_(differences.tail),
        tries_(tries) {
    for (const Suspect& suspect : suspects_) entries_.push_back(parse_leaf(suspect.leaf).value_or(Entry()));
    explained_.resize(suspects_.size());
  }

  std::vector<Finding> findings() {
    std::vector<LostLeaf> open;
    for (std::size_t i = 0; i < lost_.size(); ++i) {
      tried_ = 0;
      const bool explained = i < tried_leaves_max && (swapped(lost_[i]) || renumbered(lost_[i]));
      if (!explained) open.push_back(lost_[i]);
    }
    cut_tail(open);
    for (const LostLeaf& leaf : open) {
      if (!changed(leaf)) removed(leaf);
    }
    for (std::size_t i = 0; i < suspects_.size(); ++i) {
      if (!explained_[i]) inserted(suspects_[i]);
    }
    return std::move(findings_);
  }

 private:
  bool is(const Entry& entry, const LostLeaf& leaf) {
    ++tried_;
    return hash_(entry) == leaf.hash;
  }

  // Was it one suspect with some columns of another? The two of a swap are told of once.
  bool swapped(const LostLeaf& leaf) {
    const std::size_t considered = std::min(entries_.size(), swap_suspects_max);
    for (std::size_t one = 0; one < considered; ++one) {
      for (std::size_t other = 0; other < considered; ++other) {
        if (one == other) continue;
        for (unsigned columns = 1; columns + 1 < 1U << exchangeable; ++columns) {
          Entry entry = entries_[one];
          exchange(entry, entries_[other], columns);
          if (is(entry, leaf)) return tell_swap(leaf, one, other);
        }
      }
    }
    return false;
  }

  bool tell_swap(const LostLeaf& leaf, std::size_t one, std::size_t other) {
    const bool told = explained_[one] && explained_[other];
    explained_[one] = explained_[other] = true;
    if (told) return true;
    findings_.push_back(
        {.kind = FindingKind::swapped,
         .message = fmt::format("{} and {} have exchanged contents; the first of them is leaf {}",
                                entry_name(suspects_[one].key), entry_name(suspects_[other].key), leaf.index),
         .leaf = leaf.index,
         .id = std::min(suspects_[one].key.id, suspects_[other].key.id),
         .other_id = std::max(suspects_[one].key.id, suspects_[other].key.id)});
    return true;
  }

  // Was it a suspect under another number?
  bool renumbered(const LostLeaf& leaf) {
    std::vector<EntryKey> candidates = leaf.candidates;
    if (leaf.previous && leaf.next) {
      constexpr std::int64_t ids_max = 100'000;
      const std::int64_t first = leaf.previous->id + 1;
      for (std::int64_t id = first; id < leaf.next->id && id < first + ids_max; ++id) {
        candidates.push_back({.transaction_id = leaf.previous->transaction_id, .id = id});
        if (leaf.next->transaction_id != leaf.previous->transaction_id)
          candidates.push_back({.transaction_id = leaf.next->transaction_id, .id = id});
      }
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (explained_[i] || tried_ > tries_) continue;
      for (const EntryKey& was : candidates) {
        if (renumbered_from(leaf, i, was)) return true;
      }
      if (moved_between_transactions(leaf, i)) return true;
    }
    return false;
  }

  bool renumbered_from(const LostLeaf& leaf, std::size_t suspect, EntryKey was) {
    const EntryKey now = suspects_[suspect].key;
    for (const EntryKey& key : {EntryKey{.transaction_id = now.transaction_id, .id = was.id}, was,
                                EntryKey{.transaction_id = was.transaction_id, .id = now.id}}) {
      if (key == now) continue;
      Entry entry = entries_[suspect];
      entry.transaction_id = key.transaction_id;
      entry.id = key.id;
      if (is(entry, leaf)) return tell_number(leaf, suspect, key);
    }
    return false;
  }

  bool moved_between_transactions(const LostLeaf& leaf, std::size_t suspect) {
    if (!leaf.previous || !leaf.next) return false;
    constexpr std::uint64_t transactions_max = 100'000;
    Entry entry = entries_[suspect];
    const std::uint64_t first = leaf.previous->transaction_id;
    for (std::uint64_t id = first; id <= leaf.next->transaction_id && id < first + transactions_max; ++id) {
      entry.transaction_id = id;
      if (is(entry, leaf)) return tell_number(leaf, suspect, {.transaction_id = id, .id = entry.id});
    }
    return false;
  }

  bool tell_number(const LostLeaf& leaf, std::size_t suspect, EntryKey was) {
    explained_[suspect] = true;
    findings_.push_back(
        {.kind = FindingKind::renumbered,
         .message = fmt::format("leaf {} was {} and is now numbered {} (transaction {})", leaf.index, entry_name(was),
                                suspects_[suspect].key.id, suspects_[suspect].key.transaction_id),
         .leaf = leaf.index,
         .id = suspects_[suspect].key.id,
         .other_id = was.id});
    return true;
  }

  // All leaves from some one on are lost, and nothing stands in their place.
  void cut_tail(std::vector<LostLeaf>& open) {
    std::size_t begin = open.size();
    if (begin == 0) return;
    std::uint64_t end = open.back().index >= tail_ ? open.back().index + 1 : size_;
    for (; begin > 0 && open[begin - 1].index + 1 == end; --end) --begin;
    if (begin == open.size()) return;
    const LostLeaf& first = open[begin];
    const std::uint64_t gone = size_ - first.index;
    for (std::size_t i = 0; i < suspects_.size(); ++i) {
      if (!explained_[i] && suspects_[i].before >= first.index) return;
    }
    findings_.push_back(
        {.kind = FindingKind::cut_tail,
         .message = fmt::format("the last {} gone: the log ends with {} where leaf {} stood",
                                gone == 1 ? "entry is" : fmt::format("{} entries are", gone),
                                first.previous ? entry_name(*first.previous) : "nothing", first.index),
         .leaf = first.index,
         .id = first.candidates.size() == 1 ? std::optional(first.candidates.front().id) : std::nullopt});
    open.resize(begin);
  }

  bool changed(const LostLeaf& leaf) {
    for (std::size_t i = 0; i < suspects_.size(); ++i) {
      const EntryKey key = suspects_[i].key;
      const bool in_place = (!leaf.previous || key > *leaf.previous) && (!leaf.next || key < *leaf.next);
      if (explained_[i] || !in_place) continue;
      explained_[i] = true;
      findings_.push_back({.kind = FindingKind::changed,
                           .message = fmt::format("{}, leaf {}, is not as it was sealed", entry_name(key), leaf.index),
                           .leaf = leaf.index,
                           .id = key.id});
      return true;
    }
    return false;
  }

  void removed(const LostLeaf& leaf) {
    Finding finding{.kind = FindingKind::removed, .leaf = leaf.index};
    if (leaf.candidates.size() == 1) {
      finding.id = leaf.candidates.front().id;
      finding.message = fmt::format("{}, leaf {}, was removed", entry_name(leaf.candidates.front()), leaf.index);
    } else {
      finding.message = fmt::format("leaf {} was removed, which stood between {} and {}", leaf.index,
                                    leaf.previous ? entry_name(*leaf.previous) : "the log's begin",
                                    leaf.next ? entry_name(*leaf.next) : "its end");
    }
    findings_.push_back(std::move(finding));
  }

  void inserted(const Suspect& suspect) {
    findings_.push_back({.kind = FindingKind::inserted,
                         .message = fmt::format("{} was inserted: it stands before leaf {}, and was never sealed",
                                                entry_name(suspect.key), suspect.before),
                         .leaf = suspect.before,
                         .id = suspect.key.id});
  }

  std::vector<LostLeaf> lost_;
  std::vector<Suspect> suspects_;
  std::uint64_t size_;
  std::uint64_t tail_;
  std::size_t tries_;
  std::size_t tried_ = 0;
  std::vector<Entry> entries_;  // of the suspects
  std::vector<bool> explained_;
  LeafHasher hash_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(Differences differences, std::size_t tries) {
  return Detective(std::move(differences), tries).findings();
}

}  // namespace tenon::audit
