// What RFC 9421 takes the components of a request from, and the signature base over them (section 2.5). Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/structured_field.hpp"
#include "http/message.hpp"

namespace tenon::signature {

// All views; they must outlive it.
struct Message {
  std::string_view method;
  std::string_view scheme;  // "http" or "https"
  std::string_view host;    // the Host header: host[:port]
  std::string_view path;    // as sent, still percent-encoded
  std::string_view query;   // as sent, without "?"; empty: none
  std::span<const http::Header> headers;
};
// Host is the one that head_rules.hpp insists on; empty when there is none.
[[nodiscard]] Message message_of(const http::Request& request);

// A component's identifier: a field's name in lower case or a derived component ("@method"), with its parameters.
using Component = structured::Item;  // the value is a std::string
[[nodiscard]] Component component(std::string_view name);
[[nodiscard]] std::string_view name_of(const Component& component) noexcept;

// All lines of a field joined with ", " (section 2.1); nothing when there is none. Names in any case.
[[nodiscard]] std::optional<std::string> joined_lines(std::span<const http::Header> headers, std::string_view name);

// host[:port] in lower case, without the scheme's default port (section 2.2.3).
[[nodiscard]] std::string normalized_authority(std::string_view scheme, std::string_view host);

// One component's value; nothing when the message does not have it, or its parameters are none that a request's
// component can have here: `key`, `sf` and `bs` of fields (not `tr`, `req`), `name` of @query-param. `sf` and `key`
// read the field as RFC 9651 and write it anew.
[[nodiscard]] std::optional<std::string> component_value(const Message& message, const Component& component);

// `covered` with its parameters is @signature-params. Nothing when a component has no value, occurs twice, is not in
// lower case, or would break a line.
[[nodiscard]] std::optional<std::string> signature_base(const Message& message, const structured::InnerList& covered);

}  // namespace tenon::signature
