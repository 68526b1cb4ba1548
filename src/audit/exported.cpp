#include "audit/exported.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "base/json_string.hpp"
#include "encoding/json.hpp"

namespace tenon::audit {
namespace {

// "2026-11-21T22:27:14.567890Z"; the number beside it is what counts.
std::string iso(std::int64_t microseconds) {
  using namespace std::chrono;
  const sys_time<std::chrono::microseconds> at{std::chrono::microseconds(microseconds)};
  const sys_days day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string optional_string(std::optional<std::string_view> text) { return text ? json_string(*text) : "null"; }

std::optional<std::string> text_member(const json::Object& object, std::string_view name) {
  const json::Value* value = find(object, name);
  const std::string* text = value == nullptr ? nullptr : value->string();
  if (text == nullptr) return std::nullopt;
  return *text;
}

// Numbers are written as strings, since few JSON readers keep 64 bits.
template <class Number>
std::optional<Number> number_member(const json::Object& object, std::string_view name) {
  const auto text = text_member(object, name);
  if (!text) return std::nullopt;
  Number number{};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

}  // namespace

std::string export_line(const Entry& entry, std::optional<std::uint64_t> leaf) {
  return fmt::format(
      "{{\"leaf\":{},\"id\":\"{}\",\"transaction_id\":\"{}\",\"at\":\"{}\",\"at_microseconds\":\"{}\",\"entity_id\":\"{"
      "}\","
      "\"action\":{},\"entity_kind\":{},\"actor\":{},\"role\":{},\"request_id\":{},\"idempotency_key\":{},\"before\":{}"
      ","
      "\"after\":{}}}",
      leaf ? fmt::format("\"{}\"", *leaf) : "null", entry.id, entry.transaction_id, iso(entry.at), entry.at,
      entry.entity_id.text(), json_string(entry.action), json_string(entry.entity_kind), json_string(entry.actor),
      json_string(entry.role), json_string(entry.request_id), optional_string(entry.idempotency_key),
      optional_string(entry.before), optional_string(entry.after));
}

std::optional<ExportedEntry> parse_export_line(std::string_view line) {
  const auto document = json::parse(line);
  const json::Object* object = document ? document->object() : nullptr;
  if (object == nullptr) return std::nullopt;
  const auto id = number_member<std::int64_t>(*object, "id");
  const auto transaction = number_member<std::uint64_t>(*object, "transaction_id");
  const auto at = number_member<std::int64_t>(*object, "at_microseconds");
  const auto entity = Uuid::parse(text_member(*object, "entity_id").value_or(""));
  std::array<std::optional<std::string>, 8> texts;
  static constexpr std::array names = {"action",     "entity_kind",     "actor",  "role",
                                       "request_id", "idempotency_key", "before", "after"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    texts[i] = text_member(*object, names[i]);
    if (!texts[i] && i < 5) return std::nullopt;
  }
  if (!id || !transaction || !at || !entity) return std::nullopt;
  const Entry entry{.id = *id,
                    .transaction_id = *transaction,
                    .at = *at,
                    .entity_id = *entity,
                    .action = *texts[0],
                    .entity_kind = *texts[1],
                    .actor = *texts[2],
                    .role = *texts[3],
                    .request_id = *texts[4],
                    .idempotency_key = texts[5],
                    .before = texts[6],
                    .after = texts[7]};
  return ExportedEntry{.bytes = leaf_of(entry), .leaf = number_member<std::uint64_t>(*object, "leaf")};
}

ExportedFile::ExportedFile(const std::filesystem::path& file) : path_(file), file_(file, std::ios::binary) {
  if (!file_) throw std::runtime_error("cannot read the exported entries at " + file.string());
}

std::optional<ExportedEntry> ExportedFile::next_below(std::uint64_t end) {
  std::string line;
  if (!read_ && std::getline(file_, line)) {
    ++line_;
    read_ = parse_export_line(line);
    if (!read_) throw std::runtime_error(fmt::format("{}, line {}: this is no exported entry", path_.string(), line_));
  }
  if (!read_ || (read_->leaf && *read_->leaf >= end)) return std::nullopt;
  return std::exchange(read_, std::nullopt);
}

}  // namespace tenon::audit
