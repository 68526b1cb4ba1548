// Signed notes and the checkpoints in them, and the keys' texts.
#include "audit/note.hpp"

#include <stdexcept>

#include "audit/checkpoint.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

const audit::NoteSigner& signer() {
  // RFC 8032's first test vector as a seed, so that every run has the same key.
  static const auto made =
      audit::NoteSigner::parse("PRIVATE+KEY+example.com/log+cc714670+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
  check(made.has_value(), "the key is one");
  return *made;
}

}  // namespace

void note(std::string_view input);
void note(std::string_view input) {
  const audit::NoteVerifier& verifier = signer().verifier();
  check(!verifier.open(input).has_value(), "what nobody signed does not open");
  if (const auto key = audit::NoteVerifier::parse(input)) check(key->text() == input, "a key has one spelling");
  static_cast<void>(audit::NoteSigner::parse(input));

  const auto checkpoint = audit::Checkpoint::parse(input);
  if (!checkpoint) {
    check(!checkpoint.error().empty(), "a refusal says why");
    return;
  }
  check(checkpoint->text() == input, "a checkpoint has one spelling");
  check(audit::Checkpoint::parse(checkpoint->text()) == checkpoint, "and reads the same again");
  std::string sealed;
  try {
    sealed = signer().sign(checkpoint->text());
  } catch (const std::invalid_argument&) {
    return;  // a note is UTF-8 without control characters; who parses a checkpoint has opened its note before
  }
  const auto opened = verifier.open(sealed);
  check(opened.has_value() && *opened == checkpoint->text(), "what was signed opens");
  check(audit::open_checkpoint(verifier, sealed).has_value() == (checkpoint->origin == verifier.id().name),
        "a log's checkpoint has its key's name");
}

}  // namespace tenon::fuzz
