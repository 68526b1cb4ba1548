#include "postgres/session.hpp"

#include "postgres/errors.hpp"

namespace tenon::postgres {
namespace {

PGconn* connect(const std::string& conninfo) {
  // The first dbname is expanded as a conninfo string; what stands before it is a default, what stands after it wins.
  const char* keywords[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", nullptr};
  const char* values[] = {"5", "tenon", conninfo.c_str(), "UTF8", nullptr};
  return PQconnectdbParams(keywords, values, 1);
}

void swallow_notice(void*, const PGresult*) {}

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
