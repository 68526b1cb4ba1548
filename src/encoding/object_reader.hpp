// Reads the members of a JSON object by their rules, and collects every rule that is broken, not only the first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "encoding/json.hpp"

namespace tenon::json {

struct TextRule {
  std::size_t characters_min = 1;  // code points, after white space at both ends is cut
  std::size_t characters_max = 200;
  bool as_it_is = false;  // nothing is cut: two texts that differ in white space are two texts
};

// Each getter notes a violation under the member's path and returns nothing when the member breaks its rule; a member
// that is missing returns nothing and is a violation only for required ones. `object` and `violations` outlive the
// reader.
class ObjectReader {
 public:
  ObjectReader(const Object& object, std::vector<Violation>& violations, std::string path = {})
      : object_(object), violations_(violations), path_(std::move(path)) {}

  enum class Presence : std::uint8_t { required, optional };

  [[nodiscard]] std::optional<std::string> text(std::string_view name, TextRule rule,
                                                Presence presence = Presence::required);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most,
                                                    Presence presence = Presence::required);
  // In hundredths: least and most too.
  [[nodiscard]] std::optional<std::int64_t> decimal(std::string_view name, std::int64_t least, std::int64_t most,
                                                    Presence presence = Presence::required);
  [[nodiscard]] std::optional<Uuid> uuid(std::string_view name, Presence presence = Presence::required);
  [[nodiscard]] std::optional<std::string> one_of(std::string_view name, std::span<const std::string_view> values,
                                                  Presence presence = Presence::required);
  [[nodiscard]] const Array* array(std::string_view name, std::size_t least, std::size_t most,
                                   Presence presence = Presence::required);
  [[nodiscard]] const Object* object(std::string_view name, Presence presence = Presence::required);

  // A reader of an object that this one's member holds; its paths begin with "name.".
  [[nodiscard]] ObjectReader within(std::string_view name, const Object& object) const {
    return {object, violations_, path_of(name)};
  }

  // An array of strings, each by the rule: all of them, or nothing when one of them breaks it.
  [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t least,
                                                              std::size_t most, TextRule rule, Presence presence);

  // An array of objects: calls `read` with a reader of each, whose paths begin with "name[i]"; what is not an object is
  // a violation of its own.
  void objects(std::string_view name, std::size_t least, std::size_t most, Presence presence,
               const std::function<void(ObjectReader&)>& read);

  // True when the member is there and is null; such a member counts as read.
  [[nodiscard]] bool is_null(std::string_view name);
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(object_, name) != nullptr; }
  void ignore(std::string_view name) { known_.push_back(name); }  // read by somebody else (concurrency tokens)

  void violate(std::string_view name, std::string rule);
  [[nodiscard]] std::string path_of(std::string_view name) const;

  // To be called last: every member that was not asked for is a violation.
  void refuse_unknown();

 private:
  [[nodiscard]] const Value* get(std::string_view name, Presence presence);
  [[nodiscard]] std::optional<std::string> text_of(const Value& value, std::string_view name, TextRule rule);
  const Object& object_;
  std::vector<Violation>& violations_;
  std::string path_;
  std::vector<std::string_view> known_;
};

// "129.50" from 12950.
[[nodiscard]] std::string decimal_text(std::int64_t hundredths);

// validation_failed with all of them.
[[nodiscard]] Problem invalid(std::vector<Violation> violations);

}  // namespace tenon::json
