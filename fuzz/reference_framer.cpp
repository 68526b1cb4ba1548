#include "fuzz/reference_framer.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>

#include "base/limits.hpp"

namespace tenon::fuzz {
namespace {

using End = ReferenceReading::End;

bool is_in(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || is_in(c, "!#$%&'*+-.^_`|~"); });
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_in(text.front(), " \t")) text.remove_prefix(1);
  while (!text.empty() && is_in(text.back(), " \t")) text.remove_suffix(1);
  return text;
}
std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (std::size_t at = text.find(by); at != std::string_view::npos; at = text.find(by)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

struct Refused {};
void demand(bool holds) {
  if (!holds) throw Refused{};
}

// field-line = field-name ":" OWS field-value OWS, section 5.
std::pair<std::string, std::string> field(std::string_view line) {
  const std::size_t colon = line.find(':');
  demand(colon != std::string_view::npos && is_token(line.substr(0, colon)));
  const std::string_view value = line.substr(colon + 1);
  for (const char c : value) demand(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  return {std::string(line.substr(0, colon)), std::string(trimmed(value))};
}

bool is_host(std::string_view host) {
  std::size_t port = std::string_view::npos;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const char c : host.substr(1, end - 1))
      if (!is_in(c, "0123456789abcdefABCDEF:.")) return false;
    if (end + 1 == host.size()) return true;
    if (host[end + 1] != ':') return false;
    port = end + 1;
  } else {
    port = host.find(':');
    const std::string_view name = host.substr(0, port);
    if (name.empty()) return false;
    for (const char c : name)
      if (!is_letter_or_digit(c) && !is_in(c, "-._~%")) return false;
    if (port == std::string_view::npos) return true;
  }
  const std::string_view digits = host.substr(port + 1);
  std::uint64_t number = 0;
  for (const char c : digits) {
    if (!is_in(c, "0123456789")) return false;
    number = std::min<std::uint64_t>(number * 10 + static_cast<std::uint64_t>(c - '0'), 1'000'000);
  }
  return number <= 65535;
}

class Reader {
 public:
  Reader(std::string_view bytes, std::size_t body_bytes_max) : rest_(bytes), body_bytes_max_(body_bytes_max) {}

  ReferenceReading run() {
    ReferenceReading reading;
    try {
      while (!rest_.empty()) {
        const auto request = next();
        if (!request) {
          reading.end = End::inside;
          return reading;
        }
        reading.requests.push_back(*request);
        if (request->last) return reading;
      }
    } catch (const Refused&) {
      reading.end = End::refused;
    }
    return reading;
  }

 private:
  // Nothing: more bytes are needed.
  std::optional<ReferenceRequest> next() {
    const std::size_t end = rest_.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      demand(rest_.size() <= limits::header_bytes_max && may_begin_a_request());
      return std::nullopt;
    }
    demand(end + 4 <= limits::header_bytes_max);
    ReferenceRequest request = head(rest_.substr(0, end));
    rest_.remove_prefix(end + 4);
    if (chunked_) return read_chunks(request.body) ? std::optional(request) : std::nullopt;
    if (rest_.size() < length_) return std::nullopt;
    request.body = rest_.substr(0, length_);
    rest_.remove_prefix(length_);
    return request;
  }

  // A head that never ends is given up at once when its lines are none, not only when it is complete.
  bool may_begin_a_request() const {
    if (!is_token(rest_.substr(0, 1))) return false;
    for (std::size_t at = 0; at < rest_.size(); ++at)
      if (rest_[at] == '\n' && (at == 0 || rest_[at - 1] != '\r')) return false;
    return true;
  }

  ReferenceRequest head(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t at = text.find("\r\n"); at != std::string_view::npos; at = text.find("\r\n")) {
      lines.push_back(text.substr(0, at));
      text.remove_prefix(at + 2);
    }
    lines.push_back(text);
    for (const std::string_view line : lines) demand(!is_in('\r', line) && !is_in('\n', line));

    const auto parts = split(lines.front(), ' ');
    demand(parts.size() == 3 && is_token(parts[0]));
    demand(parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0");
    const bool is_1_1 = parts[2] == "HTTP/1.1";
    ReferenceRequest request{.method = std::string(parts[0]), .target = std::string(parts[1])};
    demand(lines.front().size() <= limits::start_line_bytes_max);
    demand(request.target.starts_with('/'));
    for (const char c : request.target) demand(c > ' ' && c < 0x7f && c != '#');
    const std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    demand(std::ranges::find(methods, request.method) != std::end(methods));

    demand(lines.size() - 1 <= limits::header_count_max);
    for (std::size_t n = 1; n < lines.size(); ++n) {
      demand(lines[n].size() <= limits::header_line_bytes_max);
      request.headers.push_back(field(lines[n]));
    }
    judge(request, is_1_1);
    return request;
  }

  void judge(ReferenceRequest& request, bool is_1_1) {
    std::vector<std::string> hosts, lengths, codings, expectations, connection;
    for (const auto& [name, value] : request.headers) {
      const std::string known = lower(name);
      if (known == "host") hosts.push_back(value);
      if (known == "content-length") lengths.push_back(value);
      if (known == "transfer-encoding") codings.push_back(lower(value));
      if (known == "expect") expectations.push_back(lower(value));
      // The second is no standard's, but taken like the first by the parser underneath. It only ends connections.
      if (known == "connection" || known == "proxy-connection")
        for (const std::string_view option : split(value, ',')) {
          demand(trimmed(option).empty() || is_token(trimmed(option)));
          connection.push_back(lower(trimmed(option)));
        }
    }
    demand(hosts.size() <= 1 && (hosts.size() == 1 || !is_1_1));
    demand(hosts.empty() || is_host(hosts.front()));
    demand(expectations.empty() || expectations == std::vector<std::string>{"100-continue"});
    demand(codings.empty() || (is_1_1 && lengths.empty() && codings == std::vector<std::string>{"chunked"}));
    demand(lengths.size() <= 1);
    chunked_ = !codings.empty();
    length_ = 0;
    if (!lengths.empty()) {
      demand(!lengths.front().empty() && lengths.front().size() <= 19);
      for (const char c : lengths.front()) {
        demand(c >= '0' && c <= '9');
        length_ = length_ * 10 + static_cast<std::size_t>(c - '0');
      }
      demand(length_ <= body_bytes_max_);
    }
    const auto says = [&](std::string_view option) {
      return std::ranges::find(connection, option) != connection.end();
    };
    request.last = says("close") || (!is_1_1 && !says("keep-alive"));
  }

  // Section 7.1. False: more bytes are needed.
  bool read_chunks(std::string& body) {
    std::size_t extension_bytes = 0;
    while (true) {
      const std::size_t end = rest_.find("\r\n");
      const std::string_view line = rest_.substr(0, end);
      std::size_t digits = 0;
      std::uint64_t size = 0;
      for (; digits < line.size() && is_in(line[digits], "0123456789abcdefABCDEF"); ++digits) {
        demand(size < std::uint64_t{1} << 59U);
        size = size * 16 + static_cast<std::uint64_t>(
                               std::isdigit(line[digits]) != 0 ? line[digits] - '0' : (line[digits] | 0x20) - 'a' + 10);
      }
      if (end == std::string_view::npos) return false;
      demand(digits != 0);
      const std::string_view extensions = line.substr(digits);
      demand(are_extensions(extensions));
      extension_bytes += extensions.size();
      demand(extension_bytes <= limits::chunk_extension_bytes_max);
      rest_.remove_prefix(end + 2);
      if (size == 0) return read_trailers();
      demand(size <= body_bytes_max_ && body.size() + size <= body_bytes_max_);
      if (rest_.size() < size + 2) {
        demand(rest_.size() <= size || rest_[size] == '\r');
        return false;
      }
      body += rest_.substr(0, size);
      demand(rest_.substr(size, 2) == "\r\n");
      rest_.remove_prefix(size + 2);
    }
  }

  // *( BWS ";" BWS name [ BWS "=" BWS value ] ), section 7.1.1.
  static bool are_extensions(std::string_view text) {
    const auto skip = [&] { text = text.substr(std::min(text.find_first_not_of(" \t"), text.size())); };
    const auto token = [&] {
      std::size_t n = 0;
      while (n < text.size() && is_token(text.substr(n, 1))) ++n;
      text.remove_prefix(n);
      return n != 0;
    };
    while (!text.empty()) {
      skip();
      if (!text.starts_with(';')) return false;
      text.remove_prefix(1);
      skip();
      if (!token()) return false;
      const std::string_view before = text;
      skip();
      if (!text.starts_with('=')) {
        text = before;
        continue;
      }
      text.remove_prefix(1);
      skip();
      if (!text.starts_with('"')) {
        if (!token()) return false;
        continue;
      }
      std::size_t n = 1;
      for (; n < text.size() && text[n] != '"'; ++n) {
        if (text[n] == '\\' && ++n == text.size()) return false;
        const auto c = static_cast<unsigned char>(text[n]);
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
      }
      if (n >= text.size()) return false;
      text.remove_prefix(n + 1);
    }
    return true;
  }

  bool read_trailers() {
    std::size_t bytes = 0;
    while (true) {
      const std::size_t end = rest_.find("\r\n");
      if (end == std::string_view::npos) {
        demand(bytes + rest_.size() <= limits::trailer_bytes_max + 2);
        return false;
      }
      const std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(end + 2);
      if (line.empty()) return true;
      demand(!is_in('\r', line) && !is_in('\n', line));
      bytes += line.size() + 2;
      demand(bytes <= limits::trailer_bytes_max);
      const std::string name = lower(field(line).first);
      // Too late to say how the body is framed, section 6.5.1 of RFC 9110.
      demand(name != "content-length" && name != "transfer-encoding");
    }
  }

  std::string_view rest_;
  std::size_t body_bytes_max_;
  std::size_t length_ = 0;
  bool chunked_ = false;
};

}  // namespace

ReferenceReading read_by_reference(std::string_view bytes, std::size_t body_bytes_max) {
  return Reader(bytes, body_bytes_max).run();
}

}  // namespace tenon::fuzz
