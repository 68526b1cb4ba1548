// Proofs, exported entries, leaves and the state of a verification: files that anybody may have written.
#include "audit/proof.hpp"

#include "audit/exported.hpp"
#include "audit/verified_state.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {

void proof(std::string_view input);
void proof(std::string_view input) {
  if (const auto read = audit::Proof::parse(input)) {
    check(read->text() == input, "a proof has one spelling");
    static const auto key = audit::NoteSigner::generate("example.com/log");
    audit::Hasher hasher;
    check(!audit::check(hasher, *read, key.verifier()).has_value(), "a fresh key signed nothing");
  } else {
    check(!read.error().empty(), "a refusal says why");
  }
  if (const auto entry = audit::parse_leaf(input)) check(audit::leaf_of(*entry) == input, "an entry has one leaf");
  if (const auto exported = audit::parse_export_line(input)) {
    const auto entry = audit::parse_leaf(exported->bytes);
    check(entry.has_value(), "an exported entry is one");
    const auto again = audit::parse_export_line(audit::export_line(*entry, exported->leaf));
    check(again.has_value() && again->bytes == exported->bytes && again->leaf == exported->leaf,
          "exported again, it is the same entry");
  }
  if (const auto state = audit::VerifiedState::parse(input)) {
    const auto again = audit::VerifiedState::parse(state->text());
    check(again.has_value() && *again == *state, "a state reads the same again");
  }
}

}  // namespace tenon::fuzz
