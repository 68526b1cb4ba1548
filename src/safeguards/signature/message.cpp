#include "safeguards/signature/message.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace tenon::signature {
namespace {

using structured::BareItem;

const BareItem* parameter(const Component& component, std::string_view name) {
  const auto found = std::ranges::find(component.parameters, name, &structured::Parameters::value_type::first);
  return found == component.parameters.end() ? nullptr : &found->second;
}

// RFC 9421 section 2.2.8: as a form is decoded, then encoded anew with %20 for a space.
std::optional<std::string> form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && http::ascii::hex_value(text[i + 1]) >= 0 &&
               http::ascii::hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(http::ascii::hex_value(text[i + 1]) * 16 + http::ascii::hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string form_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (http::ascii::is_alnum(c) || std::string_view("*-._").find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

// A name that occurs twice must not be signed: the two values could change places.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (form_encoded(*form_decoded(pair.substr(0, equals))) != name) continue;
    if (found) return std::nullopt;
    found = form_encoded(*form_decoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return found;
}

std::string with_query(const Message& message) {
  std::string target(message.path);
  if (!message.query.empty()) target.append("?").append(message.query);
  return target;
}

std::optional<std::string> derived(const Message& message, const Component& component) {
  const std::string_view name = name_of(component);
  if (name == "@query-param") {
    const auto* wanted = parameter(component, "name");
    const auto* text = wanted == nullptr ? nullptr : std::get_if<std::string>(wanted);
    if (text == nullptr || component.parameters.size() != 1) return std::nullopt;
    return query_parameter(message.query, *text);
  }
  if (!component.parameters.empty()) return std::nullopt;
  if (name == "@method") return std::string(message.method);
  if (name == "@scheme") return std::string(message.scheme);
  if (name == "@authority") return normalized_authority(message.scheme, message.host);
  if (name == "@path") return message.path.empty() ? "/" : std::string(message.path);
  if (name == "@query") return "?" + std::string(message.query);
  if (name == "@request-target") return with_query(message);
  if (name == "@target-uri") {
    return std::string(message.scheme) + "://" + normalized_authority(message.scheme, message.host) +
           with_query(message);
  }
  return std::nullopt;  // @status is of responses, and others we do not know
}

std::optional<std::string> wrapped_lines(std::span<const http::Header> headers, std::string_view name) {
  structured::List list;
  for (const http::Header& header : headers) {
    if (!http::ascii::equal_in_any_case(header.name, name)) continue;
    list.emplace_back(structured::Item{.value = structured::Bytes{std::string(header.value)}, .parameters = {}});
  }
  if (list.empty()) return std::nullopt;
  return structured::serialize(list);
}

// A field's kind is not always known here; all readings that parse are written alike, but for repeated members.
std::optional<std::string> strictly_serialized(std::string_view value) {
  if (const auto dictionary = structured::parse_dictionary(value)) return structured::serialize(*dictionary);
  if (const auto list = structured::parse_list(value)) return structured::serialize(*list);
  if (const auto item = structured::parse_item(value)) return structured::serialize(*item);
  return std::nullopt;
}

std::optional<std::string> dictionary_member(std::string_view value, const BareItem& key) {
  const auto* name = std::get_if<std::string>(&key);
  const auto dictionary = structured::parse_dictionary(value);
  if (name == nullptr || !dictionary) return std::nullopt;
  const auto found = std::ranges::find(*dictionary, *name, &structured::Dictionary::value_type::first);
  if (found == dictionary->end()) return std::nullopt;
  return structured::serialize(structured::List{found->second});
}

std::optional<std::string> field(const Message& message, const Component& component) {
  const auto* key = parameter(component, "key");
  const bool strict = parameter(component, "sf") != nullptr;
  const bool wrapped = parameter(component, "bs") != nullptr;
  // One of them at a time, and nothing else: what we do not know may change the meaning.
  if (component.parameters.size() > 1 || (component.parameters.size() == 1 && key == nullptr && !strict && !wrapped)) {
    return std::nullopt;
  }
  if (wrapped) return wrapped_lines(message.headers, name_of(component));
  auto value = joined_lines(message.headers, name_of(component));
  if (!value || component.parameters.empty()) return value;
  return key != nullptr ? dictionary_member(*value, *key) : strictly_serialized(*value);
}

bool fits_a_line(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= ' ' && c < '\x7f'); });
}

}  // namespace

Message message_of(const http::Request& request) {
  return {.method = http::name_of(request.method),
          .scheme = request.secure ? "https" : "http",
          .host = request.header("Host").value_or(""),
          .path = request.path,
          .query = request.query,
          .headers = request.headers};
}

Component component(std::string_view name) { return {.value = std::string(name), .parameters = {}}; }

std::string_view name_of(const Component& component) noexcept {
  const auto* name = std::get_if<std::string>(&component.value);
  return name == nullptr ? std::string_view() : std::string_view(*name);
}

std::optional<std::string> joined_lines(std::span<const http::Header> headers, std::string_view name) {
  std::optional<std::string> value;
  for (const http::Header& header : headers) {
    if (!http::ascii::equal_in_any_case(header.name, name)) continue;
    if (value) {
      value->append(", ").append(http::ascii::trim(header.value));
    } else {
      value = http::ascii::trim(header.value);
    }
  }
  return value;
}

std::string normalized_authority(std::string_view scheme, std::string_view host) {
  std::string authority(host);
  for (char& c : authority) c = http::ascii::lower(c);
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  return authority;
}

std::optional<std::string> component_value(const Message& message, const Component& component) {
  const std::string_view name = name_of(component);
  // RFC 9421 section 7.5.1: what begins with @ is never looked for among the fields.
  if (name.starts_with('@')) return derived(message, component);
  if (!http::ascii::is_token(name) || std::ranges::any_of(name, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return std::nullopt;
  }
  return field(message, component);
}

std::optional<std::string> signature_base(const Message& message, const structured::InnerList& covered) {
  std::string base;
  std::vector<std::string> seen;
  for (const Component& one : covered.items) {
    auto identifier = structured::serialize(one);
    if (!identifier || std::ranges::find(seen, *identifier) != seen.end()) return std::nullopt;
    const auto value = component_value(message, one);
    if (!value || !fits_a_line(*value)) return std::nullopt;
    base.append(*identifier).append(": ").append(*value).append("\n");
    seen.push_back(std::move(*identifier));
  }
  const auto parameters = structured::serialize(structured::List{covered});
  if (!parameters) return std::nullopt;
  return base.append("\"@signature-params\": ").append(*parameters);
}

}  // namespace tenon::signature
