#include "audit/proof_routes.hpp"

#include <charconv>
#include <map>
#include <stdexcept>

#include "audit/exported.hpp"
#include "audit/prover.hpp"
#include "audit/routes.hpp"
#include "encoding/json.hpp"
#include "postgres/queries.hpp"
#include "service/answer.hpp"
#include "service/service.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;
using http::Method;
using http::Response;
using postgres::Type;
using service::Here;
using service::Incoming;
using writes::Call;

using SharedOperations = std::shared_ptr<const ProofOperations>;

Response text_answer(std::string text) {
  Response response(200);
  response.add("Content-Type", "text/plain; charset=utf-8");
  response.add("Cache-Control", "no-store");
  response.set_body(std::move(text));
  return response;
}

// The members of a reply's body that are strings.
class Members {
 public:
  explicit Members(const std::string& body) : document_(json::parse(body)) {
    if (!document_ || document_->object() == nullptr) throw std::runtime_error("the database answered no object");
  }
  [[nodiscard]] std::string text(std::string_view name) const {
    const json::Value* value = find(*document_->object(), name);
    return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
  }
  [[nodiscard]] std::uint64_t number(std::string_view name) const {
    const std::string digits = text(name);
    std::uint64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
  }

 private:
  Result<json::Value> document_;
};

std::string unhex(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

std::string names_of(const std::vector<TileId>& tiles) {
  std::string names;
  for (const TileId id : tiles)
    names += (names.empty() ? "" : " ") + std::to_string(id.level) + "/" + std::to_string(id.index);
  return names;
}

Response not_as_sealed() {
  return Response::refusal(problem(ProblemCode::internal_error, "The entry or the tree is not as it was sealed."));
}

// The signature is the client's to check: the node that answers need not have the key.
bool leads_to_its_root(Hasher& hasher, const Proof& proof) {
  const auto checkpoint = Checkpoint::parse(std::string_view(proof.note).substr(0, proof.note.rfind("\n\n") + 1));
  return checkpoint && verify_inclusion(hasher, proof.index, checkpoint->size, hasher.leaf(proof.leaf), proof.hashes,
                                        checkpoint->root);
}

Proof make_proof(Hasher& hasher, ExportedEntry entry, std::uint64_t index, std::uint64_t size,
                 const std::vector<TileId>& wanted, const Members& tiles, std::string note) {
  std::map<TileId, std::string> hashes;
  for (const TileId tile : wanted) hashes[tile] = unhex(tiles.text(names_of({tile})));
  return {.leaf = std::move(entry.bytes),
          .index = index,
          .hashes = hashes_of(hasher, inclusion_ranges(index, size),
                              [&hashes](TileId tile) { return std::string_view(hashes[tile]); }),
          .note = std::move(note)};
}

Call call(const writes::Operation& operation, writes::Argument argument) {
  Call made{.operation = &operation, .arguments = {}, .affinity = 0};
  made.arguments.push_back(std::move(argument));
  return made;
}

// Two questions: the entry with its tile and the checkpoint, then the tiles of the path.
asio::awaitable<Response> proof(Here here, const Incoming& in, SharedOperations op) {
  const auto id = entry_id(in);
  if (!id) co_return Response::refusal(id.error());
  const Result<writes::Reply> found = co_await here.service.ask(here.context, in, call(op->leaf, *id));
  if (!found) co_return Response::refusal(found.error());
  if (found->problem) co_return service::answer(*found, found->body);
  const Members members(found->body);
  auto entry = parse_export_line(found->body);
  if (!entry) co_return not_as_sealed();
  Hasher hasher;
  const std::uint64_t size = members.number("size");
  const auto index = index_in_tile(members.number("tile"), unhex(members.text("hashes")), hasher.leaf(entry->bytes));
  if (!index || *index >= size) co_return not_as_sealed();

  const std::vector<TileId> wanted = tiles_of(inclusion_ranges(*index, size));
  const Result<writes::Reply> stored = co_await here.service.ask(here.context, in, call(op->tiles, names_of(wanted)));
  if (!stored) co_return Response::refusal(stored.error());
  const Proof made =
      make_proof(hasher, *std::move(entry), *index, size, wanted, Members(stored->body), members.text("note"));
  if (!leads_to_its_root(hasher, made)) co_return not_as_sealed();
  co_return text_answer(made.text());
}

asio::awaitable<Response> newest(Here here, const Incoming& in, SharedOperations op, std::string_view member) {
  const Result<writes::Reply> found =
      co_await here.service.ask(here.context, in, call(op->checkpoint, std::int64_t{0}));
  if (!found) co_return Response::refusal(found.error());
  if (found->problem) co_return service::answer(*found, found->body);
  std::string text = Members(found->body).text(member);
  if (!text.ends_with('\n')) text += '\n';
  co_return text_answer(std::move(text));
}

}  // namespace

ProofOperations::ProofOperations()
    : leaf(writes::read_list("read_audit_leaf", postgres::queries::read_audit_leaf, {Type::int8})),
      tiles(writes::read_list("read_audit_tiles", postgres::queries::read_audit_tiles, {Type::text})),
      checkpoint(writes::read_list("read_audit_checkpoint", postgres::queries::read_audit_checkpoint, {Type::int8})) {}

std::vector<service::Route> proof_routes(const SharedOperations& op) {
  const service::Policy auditors{.roles = service::roles::auditor, .address_limit = "audit-read"};
  // A checkpoint tells nothing but that there is a log, and is there to be kept by many.
  const service::Policy everybody{.roles = service::roles::authenticated, .address_limit = "audit-read"};
  return {
      {Method::get, "/api/audit-logs/checkpoint", everybody,
       service::DirectHandler([op](Here here, const Incoming& in) { return newest(here, in, op, "note"); })},
      {Method::get, "/api/audit-logs/key", everybody,
       service::DirectHandler([op](Here here, const Incoming& in) { return newest(here, in, op, "key"); })},
      {Method::get, "/api/audit-logs/{id}/proof", auditors,
       service::DirectHandler([op](Here here, const Incoming& in) { return proof(here, in, op); })},
  };
}

}  // namespace tenon::audit
