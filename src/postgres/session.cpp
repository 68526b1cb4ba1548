#include "postgres/session.hpp"

#include <array>

#include "base/limits.hpp"
#include "postgres/errors.hpp"

namespace tenon::postgres {
namespace {

PGconn* connect(const std::string& conninfo) {
  // The first dbname is expanded as a conninfo string; what stands before it is a default, what stands after it wins.
  const std::string undelivered_most = std::to_string(limits::request_deadline.count());  // as in connection.cpp
  const char* keywords[] = {"connect_timeout", "fallback_application_name", "tcp_user_timeout",
                            "dbname",          "client_encoding",           nullptr};
  const char* values[] = {"5", "tenon", undelivered_most.c_str(), conninfo.c_str(), "UTF8", nullptr};
  return PQconnectdbParams(keywords, values, 1);
}

void swallow_notice(void*, const PGresult*) {}

// COPY's binary format: a header before the first row, then rows of a 16-bit count and fields of a 32-bit length each,
// at last a count of -1.
constexpr std::string_view copy_signature{"PGCOPY\n\377\r\n\0", 11};

class CopyReader {
 public:
  void take(std::string_view bytes, const std::function<void(Session::Columns)>& each) {
    rest_ = bytes;
    if (first_) {
      if (read_bytes(copy_signature.size()) != copy_signature) throw std::runtime_error("this is no binary COPY");
      (void)read_number(4);  // flags
      (void)read_bytes(read_number(4));
      first_ = false;
      if (rest_.empty()) return;
    }
    const std::uint64_t count = read_number(2);
    if (count == 0xFFFF) return;
    columns_.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t length = read_number(4);
      columns_.push_back(length == 0xFFFFFFFF ? std::nullopt : std::optional(read_bytes(length)));
    }
    each(columns_);
  }

 private:
  std::string_view read_bytes(std::size_t bytes) {
    if (rest_.size() < bytes) throw std::runtime_error("a row of a binary COPY is too short");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::uint64_t read_number(std::size_t bytes) {
    std::uint64_t number = 0;
    for (const char byte : read_bytes(bytes)) number = number << 8 | static_cast<std::uint8_t>(byte);
    return number;
  }
  bool first_ = true;
  std::string_view rest_;
  std::vector<std::optional<std::string_view>> columns_;
};

Rows checked(PGconn* connection, PGresult* result) {
  if (result == nullptr) throw ConnectionError(message_of(connection));
  Rows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) throw_error_of(result);
  if (PQstatus(connection) != CONNECTION_OK) throw ConnectionError(message_of(connection));
  return rows;
}

}  // namespace

Session::Session(const std::string& conninfo) : connection_(connect(conninfo), PQfinish) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw ConnectionError(message_of(connection_.get()));
  PQsetNoticeReceiver(connection_.get(), swallow_notice, nullptr);
}

Rows Session::script(const std::string& sql) {
  return checked(connection_.get(), PQexec(connection_.get(), sql.c_str()));
}

Rows Session::execute(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  return checked(connection_.get(), PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                                 nullptr, values.data(), nullptr, nullptr, 0));
}

Rows Session::fetch(const std::string& sql, const Parameters& parameters) {
  return checked(connection_.get(),
                 PQexecParams(connection_.get(), sql.c_str(), parameters.count(), parameters.types().data(),
                              parameters.values().data(), parameters.lengths().data(), parameters.formats().data(), 1));
}

void Session::stream(const std::string& query, const std::function<void(Columns)>& each) {
  PGconn* connection = connection_.get();
  (void)checked(connection, PQexec(connection, ("COPY (" + query + ") TO STDOUT (FORMAT binary)").c_str()));
  CopyReader reader;
  char* bytes = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection, &bytes, 0)) > 0) {
    const std::unique_ptr<char, void (*)(void*)> row(bytes, PQfreemem);
    reader.take({bytes, static_cast<std::size_t>(size)}, each);
  }
  if (size == -2) throw ConnectionError(message_of(connection));
  while (PGresult* result = PQgetResult(connection)) (void)checked(connection, result);
}

PGTransactionStatusType Session::transaction_status() const noexcept { return PQtransactionStatus(connection_.get()); }

std::string conninfo_value(const std::string& value) {
  std::string quoted = "'";
  for (const char character : value) {
    if (character == '\'' || character == '\\') quoted.push_back('\\');
    quoted.push_back(character);
  }
  quoted.push_back('\'');
  return quoted;
}

}  // namespace tenon::postgres
