#include "business/operations.hpp"

#include "postgres/queries.hpp"

namespace tenon::business {

using postgres::Type;

Operations::Operations()
    : create_business(writes::registered_write("create_business")),
      update_business(writes::registered_write("update_business")),
      delete_business(writes::registered_write("delete_business")),
      read_business(writes::read("read_business", postgres::queries::read_business, {Type::uuid})),
      list_businesses(writes::read_list(
          "list_businesses", postgres::queries::list_businesses,
          {Type::text, Type::text, Type::text, Type::text, Type::text, Type::text, Type::int4, Type::int4})) {}

}  // namespace tenon::business
