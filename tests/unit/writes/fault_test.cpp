// Whose fault an error of the database is.
#include "writes/fault.hpp"

#include <gtest/gtest.h>

namespace tenon::writes {
namespace {

TEST(Fault, IsToldByTheSqlstate) {
  const struct {
    std::string_view sqlstate;
    Fault fault;
  } rows[] = {{"TN001", Fault::collision},   {"40001", Fault::contention},  {"40P01", Fault::contention},
              {"55P03", Fault::contention},  {"57014", Fault::contention},  {"25006", Fault::demoted},
              {"53100", Fault::unavailable}, {"53300", Fault::unavailable}, {"57P01", Fault::unavailable},
              {"58030", Fault::unavailable}, {"22003", Fault::command},     {"42501", Fault::command},
              {"TN010", Fault::command},     {"", Fault::command}};
  for (const auto& row : rows) EXPECT_EQ(classify(row.sqlstate), row.fault) << row.sqlstate;
}

}  // namespace
}  // namespace tenon::writes
