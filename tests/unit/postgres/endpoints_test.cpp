// Which servers a conninfo names.
#include "postgres/endpoints.hpp"

#include <gtest/gtest.h>

namespace tenon::postgres {
namespace {

std::string listed(const std::string& conninfo) {
  std::string text;
  for (const Endpoint& endpoint : endpoints_of(conninfo)) {
    text +=
        endpoint.host + "|" + endpoint.address + "|" + endpoint.port + (endpoint.needs_resolving() ? "?" : "") + " ";
  }
  return text;
}

TEST(AConninfo, NamesItsServersInOrder) {
  const struct {
    const char* conninfo;
    const char* servers;
  } cases[] = {
      {"", ""},
      {"dbname=d", ""},
      {"host=db", "db||? "},
      {"host=db port=5433", "db||5433? "},
      {"postgres://u:p@a:1,b:2/d?target_session_attrs=read-write", "a||1? b||2? "},
      {"host=a,b port=7", "a||7? b||7? "},
      {"host=/run/pg port=7", "/run/pg||7 "},
      {"host=@abstract", "@abstract|| "},
      {"hostaddr=127.0.0.1", "|127.0.0.1| "},
      {"host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2", "a|10.0.0.1|1 b|10.0.0.2|2 "},
      {"host=/run/pg,b", "/run/pg|| b||? "},
      // Lists that do not fit each other are for libpq to complain of.
      {"host=a,b,c port=1,2", ""},
      {"host=a,b hostaddr=10.0.0.1", ""},
      {"no conninfo", ""},
  };
  for (const auto& one : cases) EXPECT_EQ(listed(one.conninfo), one.servers) << one.conninfo;
}

}  // namespace
}  // namespace tenon::postgres
