// The fields that businesses share with what they are made of: places and what is held there.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "encoding/object_reader.hpp"
#include "service/input.hpp"

namespace tenon::business {

using Presence = json::ObjectReader::Presence;

inline constexpr std::array<std::string_view, 4> categories{"Dispensary", "Cultivation Facility", "Distribution Center",
                                                            "Processing Plant"};
// Of the United States, and DC.
inline constexpr std::array<std::string_view, 51> states{
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY"};

inline constexpr std::int64_t percent_hundredths_max = 100'00;
inline constexpr json::TextRule person_rule{.characters_min = 1, .characters_max = 200};  // a person or a company
inline constexpr json::TextRule substance_rule{.characters_min = 1, .characters_max = 100};

// Each reads one member by its rules and adds it, when it is there, under its own name.
void add_text(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name, json::TextRule rule,
              Presence presence);
// Optional; null is as good as absent, or clears what there was.
void add_nullable_text(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name,
                       json::TextRule rule);
void add_choice(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name,
                std::span<const std::string_view> values, Presence presence);
void add_integer(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name, std::int64_t least,
                 std::int64_t most, Presence presence);
void add_decimal(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name, std::int64_t least,
                 std::int64_t most, Presence presence);  // in hundredths
void add_percent(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name, Presence presence);

void add_state(json::ObjectReader& reader, service::Arguments& arguments, std::string_view name, Presence presence);
// {"state", "city"}
void add_location(json::ObjectReader& reader, service::Arguments& arguments);
// [{"substance", "quantity", "purity", "batch"?}]; optional
void add_holdings(json::ObjectReader& reader, service::Arguments& arguments);

}  // namespace tenon::business
