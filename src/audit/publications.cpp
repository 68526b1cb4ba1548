#include "audit/publications.hpp"

#include "audit/checkpoint.hpp"

namespace tenon::audit {

Publications::Publications(const std::vector<std::filesystem::path>& places, NoteVerifier key) : key_(std::move(key)) {
  for (const auto& place : places) sources_.push_back({.outside = Outside(place)});
  for (Source& source : sources_) advance(source);
}

void Publications::advance(Source& source) {
  source.next.reset();
  while (const auto published = source.outside.next()) {
    const auto checkpoint = open_checkpoint(key_, published->note);
    if (checkpoint) {
      source.next = Target{.size = checkpoint->size, .root = checkpoint->root, .place = published->place};
      ++count_;
      break;
    }
    ++torn_;
    if (first_strange_.empty() && is_signed_note(published->note))
      first_strange_ = published->place + ": " + checkpoint.error();
  }
  torn_ += source.outside.torn() - source.torn_before;
  source.torn_before = source.outside.torn();
}

std::vector<Target> Publications::take_until(std::uint64_t end) {
  std::vector<Target> targets;
  for (Source& source : sources_) {
    for (; source.next && source.next->size <= end; advance(source)) targets.push_back(*source.next);
  }
  return targets;
}

std::optional<Target> Publications::take_largest() {
  std::optional<Target> largest;
  for (Source& source : sources_) {
    for (; source.next; advance(source)) {
      if (!largest || source.next->size > largest->size) largest = *source.next;
    }
  }
  return largest;
}

// A signature takes longer to check than all the rest: of each place that of the largest alone.
std::uint64_t largest_published(const std::vector<std::filesystem::path>& places, const NoteVerifier& key) {
  std::uint64_t largest = 0;
  for (const auto& place : places) {
    Outside outside(place);
    std::uint64_t size = largest;
    std::string note;
    while (auto published = outside.next()) {
      const auto said = Checkpoint::parse(published->note.substr(0, published->note.rfind("\n\n") + 1));
      if (!said || said->size <= size) continue;
      size = said->size;
      note = std::move(published->note);
    }
    if (open_checkpoint(key, note)) largest = size;
  }
  return largest;
}

}  // namespace tenon::audit
