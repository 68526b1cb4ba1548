#include "encoding/object_reader.hpp"

#include <algorithm>

namespace tenon::json {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string ObjectReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void ObjectReader::violate(std::string_view name, std::string rule) {
  violations_.push_back({path_of(name), std::move(rule)});
}

const Value* ObjectReader::get(std::string_view name, Presence presence) {
  known_.push_back(name);
  const Value* value = find(object_, name);
  if (value == nullptr && presence == Presence::required) violate(name, "is required");
  return value;
}

bool ObjectReader::is_null(std::string_view name) {
  const Value* value = find(object_, name);
  if (value == nullptr || !value->is_null()) return false;
  known_.push_back(name);
  return true;
}

std::optional<std::string> ObjectReader::text(std::string_view name, TextRule rule, Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return std::nullopt;
  return text_of(*value, name, rule);
}

std::optional<std::vector<std::string>> ObjectReader::texts(std::string_view name, std::size_t least, std::size_t most,
                                                            TextRule rule, Presence presence) {
  const Array* elements = array(name, least, most, presence);
  if (elements == nullptr) return std::nullopt;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    auto one = text_of((*elements)[i], std::string(name) + "[" + std::to_string(i) + "]", rule);
    if (one) all.push_back(*std::move(one));
  }
  if (all.size() < elements->size()) return std::nullopt;
  return all;
}

std::optional<std::string> ObjectReader::text_of(const Value& value, std::string_view name, TextRule rule) {
  const std::string* string = value.string();
  if (string == nullptr) {
    violate(name, "must be a string");
    return std::nullopt;
  }
  if (string->find('\0') != std::string::npos) {
    violate(name, "must not contain NUL");
    return std::nullopt;
  }
  const std::string_view content = rule.as_it_is ? std::string_view(*string) : trimmed(*string);
  const std::size_t characters = code_points(content);
  if (characters < rule.characters_min || characters > rule.characters_max) {
    violate(name, "must have " + std::to_string(rule.characters_min) + " to " + std::to_string(rule.characters_max) +
                      " characters, has " + std::to_string(characters));
    return std::nullopt;
  }
  return std::string(content);
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view name, std::int64_t least, std::int64_t most,
                                                  Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return std::nullopt;
  const auto number = value->number() != nullptr ? json::integer(*value->number()) : std::nullopt;
  if (!number) {
    violate(name, "must be an integer");
    return std::nullopt;
  }
  if (*number < least || *number > most) {
    violate(name, "must be " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> ObjectReader::decimal(std::string_view name, std::int64_t least, std::int64_t most,
                                                  Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return std::nullopt;
  if (value->number() == nullptr) {
    violate(name, "must be a number");
    return std::nullopt;
  }
  const auto number = hundredths(*value->number());
  if (!number) {
    violate(name, "must be a decimal with at most two places");
    return std::nullopt;
  }
  if (*number < least || *number > most) {
    violate(name, "must be " + decimal_text(least) + " to " + decimal_text(most));
    return std::nullopt;
  }
  return number;
}

std::optional<Uuid> ObjectReader::uuid(std::string_view name, Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return std::nullopt;
  const auto id = value->string() != nullptr ? Uuid::parse(*value->string()) : std::nullopt;
  if (!id) violate(name, "must be a UUID");
  return id;
}

std::optional<std::string> ObjectReader::one_of(std::string_view name, std::span<const std::string_view> values,
                                                Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return std::nullopt;
  if (value->string() != nullptr && std::ranges::find(values, *value->string()) != values.end())
    return *value->string();
  std::string rule = "must be one of";
  for (const std::string_view& each : values) rule.append(&each == values.data() ? " " : ", ").append(each);
  violate(name, std::move(rule));
  return std::nullopt;
}

const Array* ObjectReader::array(std::string_view name, std::size_t least, std::size_t most, Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return nullptr;
  const Array* array = value->array();
  if (array == nullptr) {
    violate(name, "must be an array");
    return nullptr;
  }
  if (array->size() < least || array->size() > most) {
    violate(name, "must have " + std::to_string(least) + " to " + std::to_string(most) + " elements");
    return nullptr;
  }
  return array;
}

const Object* ObjectReader::object(std::string_view name, Presence presence) {
  const Value* value = get(name, presence);
  if (value == nullptr) return nullptr;
  if (value->object() == nullptr) violate(name, "must be an object");
  return value->object();
}

void ObjectReader::objects(std::string_view name, std::size_t least, std::size_t most, Presence presence,
                           const std::function<void(ObjectReader&)>& read) {
  const Array* elements = array(name, least, most, presence);
  for (std::size_t i = 0; elements != nullptr && i < elements->size(); ++i) {
    const std::string path = path_of(name) + "[" + std::to_string(i) + "]";
    const Object* object = (*elements)[i].object();
    if (object == nullptr) {
      violations_.push_back({path, "must be an object"});
      continue;
    }
    ObjectReader reader(*object, violations_, path);
    read(reader);
    reader.refuse_unknown();
  }
}

void ObjectReader::refuse_unknown() {
  for (const Member& member : object_) {
    if (std::ranges::find(known_, member.name) == known_.end())
      violate(member.name, "is not a member of this resource");
  }
}

std::string decimal_text(std::int64_t hundredths) {
  const bool negative = hundredths < 0;
  const std::int64_t magnitude = negative ? -hundredths : hundredths;
  const std::string cents = std::to_string(magnitude % 100);
  return (negative ? "-" : "") + std::to_string(magnitude / 100) + (cents.size() == 1 ? ".0" : ".") + cents;
}

Problem invalid(std::vector<Violation> violations) {
  Problem refusal = problem(ProblemCode::validation_failed);
  refusal.violations = std::move(violations);
  return refusal;
}

}  // namespace tenon::json
