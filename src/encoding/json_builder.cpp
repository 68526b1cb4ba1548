#include "encoding/json_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tenon::json {
namespace {

constexpr std::int64_t exact_integer_max = (std::int64_t{1} << 53) - 1;  // RFC 7493 section 2.2

}  // namespace

bool Builder::refuse(std::string_view why, std::size_t bytes, Error& error) {
  refusal_ = why;
  refused_bytes_ = bytes;
  error = boost::json::error::syntax;
  return false;
}

bool Builder::open(bool is_object, Error& error) {
  if (depth_ == open_.size()) return refuse("nested too deeply", 0, error);
  const bool is_member = depth_ > 0 && open_[depth_ - 1].is_object;  // then its name already waits in pending_
  if (!is_member && !add(Value(), error)) return false;
  open_[depth_++] = Open{.is_object = is_object, .first = pending_.size()};
  return true;
}

bool Builder::count(Error& error) {
  if (++members_ > limits::json_members_max) return refuse("too many members and elements", 0, error);
  return true;
}

bool Builder::add(Value&& value, Error& error) {
  if (depth_ > 0 && open_[depth_ - 1].is_object) {
    pending_.back().value = std::move(value);
    return true;
  }
  if (depth_ > 0 && !count(error)) return false;
  pending_.push_back(Member{.name = {}, .value = std::move(value)});
  return true;
}

bool Builder::on_array_end(std::size_t, Error&) {
  const std::size_t first = open_[--depth_].first;
  Array elements;
  elements.reserve(pending_.size() - first);
  for (std::size_t i = first; i < pending_.size(); ++i) elements.push_back(std::move(pending_[i].value));
  pending_.resize(first);
  pending_.back().value = Value(std::move(elements));
  return true;
}

bool Builder::on_object_end(std::size_t, Error&) {
  const std::size_t first = open_[--depth_].first;
  note_duplicate(first);
  Object members(std::make_move_iterator(pending_.begin() + static_cast<std::ptrdiff_t>(first)),
                 std::make_move_iterator(pending_.end()));
  pending_.resize(first);
  pending_.back().value = Value(std::move(members));
  return true;
}

bool Builder::on_key(Text rest, std::size_t, Error& error) {
  if (!count(error)) return false;
  pending_.push_back(Member{.name = take(rest), .value = {}});
  return true;
}

bool Builder::on_int64(std::int64_t value, Text rest, Error& error) {
  std::string text = take(rest);
  if (value > exact_integer_max || value < -exact_integer_max) {
    return refuse("an integer beyond 2^53 - 1", text.size(), error);
  }
  return add(Value(Number{.text = std::move(text), .value = static_cast<double>(value)}), error);
}

// Also called for integers of more than 64 bits. `approximation` is not always the nearest double.
bool Builder::on_double(double approximation, Text rest, Error& error) {
  Number number{.text = take(rest), .value = 0};
  const std::string& text = number.text;
  if (text.find_first_of(".eE") == std::string::npos) return refuse("an integer beyond 2^53 - 1", text.size(), error);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (parsed.ec == std::errc::result_out_of_range) {
    if (std::abs(approximation) > 1) return refuse("a number beyond the range of doubles", text.size(), error);
    number.value = 0;  // too small to tell from zero
  }
  return add(Value(std::move(number)), error);
}

bool Builder::keep(Text part) {
  text_.append(part.data(), part.size());
  return true;
}

std::string Builder::take(Text rest) {
  if (text_.empty()) return {rest.data(), rest.size()};
  text_.append(rest.data(), rest.size());
  return std::exchange(text_, {});
}

void Builder::note_duplicate(std::size_t first) {
  if (duplicate_) return;
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = pending_.end();
  if (end - begin <= 8) {  // pairwise is cheaper than sorting, and small objects are the usual ones
    for (auto later = begin; later != end; ++later) {
      if (std::find_if(begin, later, [&](const Member& m) { return m.name == later->name; }) == later) continue;
      duplicate_ = later->name;
      return;
    }
    return;
  }
  // Sorted, not hashed: no choice of names makes this slower.
  std::vector<std::string_view> names;
  names.reserve(static_cast<std::size_t>(end - begin));
  for (auto member = begin; member != end; ++member) names.push_back(member->name);
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) duplicate_ = std::string(*twice);
}

}  // namespace tenon::json
