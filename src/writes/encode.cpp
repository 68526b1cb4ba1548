#include "writes/encode.hpp"

#include <algorithm>
#include <array>

#include "writes/defects.hpp"

namespace tenon::writes {
namespace {

using postgres::Type;

constexpr std::array envelope_types{Type::uuid,  Type::text, Type::text, Type::text,
                                    Type::bytea, Type::int4, Type::text, Type::text};
constexpr std::array signature_types{Type::uuid, Type::uuid, Type::uuid, Type::timestamptz};

void add_signature(std::span<postgres::ArrayParameter> columns, const std::optional<SignedBy>& signature) {
  if (!signature) {
    for (postgres::ArrayParameter& column : columns) column.add_null();
    return;
  }
  columns[0].add(signature->nonce);
  columns[1].add(signature->attempt);
  columns[2].add(signature->key);
  columns[3].add(signature->created);
}

}  // namespace

bool is_any_signed(std::span<const std::shared_ptr<Command>> batch) noexcept {
  return std::ranges::any_of(batch, [](const auto& command) { return command->envelope.signature.has_value(); });
}

void encode_batch(std::span<const std::shared_ptr<Command>> batch, std::vector<postgres::ArrayParameter>& columns,
                  postgres::Parameters& parameters) {
  const Operation& operation = *batch.front()->call.operation;
  const bool write = operation.kind == Operation::Kind::write;
  const std::size_t envelope = write ? envelope_types.size() : 0;
  columns.clear();
  for (std::size_t i = 0; i < envelope; ++i) columns.emplace_back(envelope_types[i]);
  for (const Type type : operation.columns) columns.emplace_back(type);
  const std::size_t signature = columns.size();
  if (is_any_signed(batch)) {
    for (const Type type : signature_types) columns.emplace_back(type);
  }

  for (const auto& command : batch) {
    if (write) {
      const Envelope& e = command->envelope;
      columns[0].add(e.claim);
      columns[1].add(std::string_view(e.scope));
      columns[2].add(std::string_view(e.user));
      columns[3].add(std::string_view(e.key));
      columns[4].add(as_text(e.fingerprint));
      columns[5].add(std::int64_t{defects::lifetime_of(e)});
      columns[6].add(std::string_view(e.role));
      columns[7].add(std::string_view(e.request_id));
    }
    for (std::size_t i = 0; i < operation.columns.size(); ++i) {
      postgres::ArrayParameter& column = columns[envelope + i];
      std::visit(
          [&column]<class T>(const T& value) {
            if constexpr (std::is_same_v<T, std::monostate>) {
              column.add_null();
            } else if constexpr (std::is_same_v<T, std::string>) {
              column.add(std::string_view(value));
            } else {
              column.add(value);
            }
          },
          command->call.arguments.at(i));
    }
    if (signature < columns.size()) add_signature(std::span(columns).subspan(signature), command->envelope.signature);
  }
  parameters = postgres::Parameters();
  for (auto& column : columns) parameters.add(column);
}

}  // namespace tenon::writes
