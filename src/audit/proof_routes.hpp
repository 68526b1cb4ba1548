// Proofs over HTTP, for those who would rather not take our word.
#pragma once

#include <memory>
#include <vector>

#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::audit {

// SQL: sql/queries.
struct ProofOperations {
  ProofOperations();
  writes::Operation leaf;        // column: id
  writes::Operation tiles;       // column: "LEVEL/INDEX ..."
  writes::Operation checkpoint;  // column: anything
};

[[nodiscard]] std::vector<service::Route> proof_routes(const std::shared_ptr<const ProofOperations>& operations);

}  // namespace tenon::audit
