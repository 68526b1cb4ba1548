#include "chaos/requests.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "support/api.hpp"

namespace tenon::chaos {
namespace {

std::uint64_t digest_of(const test::RawResponse& response) {
  std::string text = std::to_string(response.status);
  for (const char* name : {"ETag", "Last-Modified", "Location", "Audit-Id"})
    text += "\n" + response.header(name).value_or("-");
  text += "\n" + response.body;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::string member(std::string_view json, std::string_view name) {
  std::string value = test::at(json, name);
  return value.starts_with("(") ? "" : value;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t number(std::string_view json, std::string_view name) { return number_in(member(json, name)); }

// W/"v7"
std::int64_t version_of(const test::RawResponse& response) {
  const std::string tag = response.header("ETag").value_or("");
  const std::size_t at = tag.find('v');
  return at == std::string::npos ? 0 : number_in(std::string_view(tag).substr(at + 1));
}

std::string order_body(const Call& call, const std::deque<Item>& items) {
  std::string body;
  for (const Line& each : call.lines) {
    body += fmt::format(R"({}{{"item_id":"{}","quantity":{}}})", body.empty() ? R"({"lines":[)" : ",",
                        items[each.item].id, each.quantity);
  }
  return body + "]}";
}

void tell_item(const Call& call, const Answer& answer, std::deque<Item>& items) {
  if (call.kind == Kind::order || call.lines.front().item == another_item) return;
  Item& item = items[call.lines.front().item];
  if (!answer.item.empty() && !item.made) {  // a call is one client's: nobody else writes here
    item.id = answer.item;
    item.made = true;
  }
  for (std::int64_t before = item.version.load();
       before < answer.version && !item.version.compare_exchange_weak(before, answer.version);)
    continue;
}

}  // namespace

std::string bytes_of(const Call& call, const std::deque<Item>& items, const std::string& token) {
  test::ApiCall api{.token = token, .key = call.key};
  const Line& line = call.lines.front();
  const auto path = [&] {
    constexpr std::array places{"/api/inventory/", "/api/crime/black-market/", "/api/rooms/"};
    return places[static_cast<std::size_t>(items[line.item].place)] + items[line.item].id;
  };
  switch (call.kind) {
    case Kind::limited:
      api.path = "/api/audit-logs?limit=1";
      api.headers = {{"X-Forwarded-For", "10.9.0." + std::to_string(line.item + 1)}};
      break;
    case Kind::read:
      api.path = path();
      break;
    case Kind::create:
      api.method = "POST";
      api.path = "/api/inventory";
      api.body = fmt::format(R"({{"name":"Chair {}","price":1,"quantity_available":{}}})", line.item, line.quantity);
      break;
    case Kind::offer:
      api.method = "POST";
      api.path = "/api/crime/black-market";
      api.body = fmt::format(
          R"({{"category":"Counterfeits","itemName":"Watch {}","description":"Looks like a real one","location":)"
          R"({{"state":"NY","city":"New York"}},"quantity":{},"pricePerUnit":1}})",
          line.item, line.quantity);
      break;
    case Kind::purchase:
      api.method = "POST";
      api.path = path() + "/purchase";
      api.body = fmt::format(R"({{"quantity":{},"deliveryMethod":"Courier"}})", line.quantity);
      break;
    case Kind::visit:
      api.method = "POST";
      api.path = path() + "/visits";
      api.body = "{}";
      break;
    case Kind::order:
      api.method = "POST";
      api.path = "/api/orders";
      api.body = order_body(call, items);
      break;
    case Kind::remove:
      api.method = "DELETE";
      api.path = path();
      if (call.expected) api.headers = {{"If-Match-Version", std::to_string(*call.expected)}};
      break;
    case Kind::sell:
    case Kind::restock:
      api.method = "PATCH";
      api.path = path();
      api.body = fmt::format(R"({{"{}":{}}})", call.kind == Kind::sell ? "decrement" : "increment", line.quantity);
      break;
    case Kind::edit:
      api.method = "PATCH";
      api.path = path();
      api.body = fmt::format(R"({{"price":{},"version":{}}})", line.quantity, call.expected.value_or(0));
      break;
  }
  return test::bytes_of(api);
}

Answer told(const Call& call, const test::RawResponse& response, std::deque<Item>& items) {
  Answer answer{.status = response.status, .digest = digest_of(response)};
  const std::string_view body = response.body;
  answer.replayed = response.header("Idempotency-Status") == "replayed";
  if (response.status >= 400) answer.code = member(body, "code");
  const bool retry = response.status >= 500 || response.status == 429 || answer.code == "request_in_progress" ||
                     response.status == 401;  // by a node whose clock is wrong
  const bool refused = response.status == 404 || answer.code == "conflict" || answer.code == "insufficient_stock" ||
                       answer.code == "not_active";
  answer.is_final = response.status < 300 || refused;
  // What the cluster's misfortunes explain is told by name; an internal error is a defect of ours.
  if ((!answer.is_final && !retry) || answer.code == "internal_error") answer.text = response.body;
  if (call.kind == Kind::limited) {
    answer.is_final = response.status != 429;
    return answer;
  }
  const bool on_market =
      call.lines.front().item != another_item && items[call.lines.front().item].place == Item::Place::market;
  answer.version = number(body, "version");
  if (call.kind == Kind::purchase) answer.version = version_of(response);
  answer.available = number(body, answer.code == "insufficient_stock" ? "available"
                                  : on_market                         ? "quantity"
                                                                      : "quantity_available");
  answer.sold = number(body, on_market ? "quantitySold" : "quantity_sold");
  answer.price = number(body, on_market ? "pricePerUnit" : "price");
  if (response.status == 201 && (call.kind == Kind::create || call.kind == Kind::offer))
    answer.item = member(body, "id");
  if (call.kind == Kind::order) {
    for (std::size_t i = 0; i < call.lines.size(); ++i)
      answer.line_available.push_back(number(body, fmt::format("lines.{}.quantity_available", i)));
  }
  tell_item(call, answer, items);
  return answer;
}

}  // namespace tenon::chaos
