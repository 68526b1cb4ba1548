#include "crime/operations.hpp"

#include "postgres/queries.hpp"

namespace tenon::crime {

namespace queries = postgres::queries;
using postgres::Type;

Operations::Operations()
    : create_facility(writes::registered_write("create_facility")),
      convert_facility(writes::registered_write("convert_facility")),
      create_market_item(writes::registered_write("create_market_item")),
      purchase_market_item(writes::registered_write("purchase_market_item")),
      create_channel(writes::registered_write("create_channel")),
      put_legislation(writes::registered_write("put_legislation")),
      list_facilities(
          writes::read_list("list_facilities", queries::list_facilities, {Type::text, Type::uuid, Type::int4})),
      read_market_item(writes::read("read_market_item", queries::read_market_item, {Type::uuid})),
      list_market_items(writes::read_list("list_market_items", queries::list_market_items,
                                          {Type::text, Type::text, Type::text, Type::text, Type::uuid, Type::int4})),
      list_channels(writes::read_list("list_channels", queries::list_channels, {Type::text, Type::uuid, Type::int4})),
      list_legislation(writes::read_list("list_legislation", queries::list_legislation,
                                         {Type::text, Type::text, Type::text, Type::text, Type::text, Type::int4})) {}

}  // namespace tenon::crime
