// Revoking tokens over HTTP, for admins: /api/token-revocations.
#pragma once

#include <vector>

#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon {

inline constexpr std::string_view revocation_scopes[] = {"token-revocation:create", "token-revocation:lift"};

struct RevocationOperations {
  RevocationOperations();
  writes::Operation revoke;
  writes::Operation lift;
  writes::Operation list;
};

// `operations` outlives the routes.
[[nodiscard]] std::vector<service::Route> revocation_routes(const RevocationOperations& operations);

// What the operation `revoke` takes, from the members of a request or of a command line: validation_failed with every
// rule that is broken.
[[nodiscard]] Result<std::string> revocation_arguments(const json::Object& wanted);

}  // namespace tenon
