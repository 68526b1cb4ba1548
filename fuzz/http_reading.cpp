#include "fuzz/http_reading.hpp"

#include <algorithm>
#include <cstring>

#include "fuzz/target.hpp"
#include "http/framer.hpp"

namespace tenon::fuzz {
namespace {

using Progress = http::Framer::Progress;
using End = ReferenceReading::End;

ReferenceRequest copy_of(http::Framer& framer) {
  const http::Request& request = framer.request();
  ReferenceRequest copy{.method = std::string(http::name_of(request.method)), .target = std::string(request.target)};
  for (const http::Header& header : request.headers) copy.headers.emplace_back(header.name, header.value);
  copy.body = request.body;
  copy.last = !framer.keeps_alive();
  const std::string_view target = request.target;
  check(request.path == target.substr(0, target.find('?')), "the path is the target up to its question mark");
  check(target.size() - request.path.size() == (request.path.size() == target.size() ? 0 : request.query.size() + 1),
        "path and query are the target");
  return copy;
}

}  // namespace

ReferenceReading read_by_framer(std::string_view bytes, bool in_pieces) {
  http::Framer framer(fuzz_body_bytes_max);
  ReferenceReading reading;
  Pieces pieces(bytes);
  while (!pieces.empty()) {
    const std::span<char> room = framer.room();
    check(!room.empty(), "there is always room");
    const std::string_view piece = in_pieces ? pieces.next(room.size()) : pieces.take(room.size());
    std::memcpy(room.data(), piece.data(), piece.size());
    framer.received(piece.size());
    for (Progress progress = framer.advance(); progress != Progress::idle; progress = framer.advance()) {
      reading.end = progress == Progress::refused ? End::refused : End::inside;
      if (progress == Progress::refused) return reading;
      static_cast<void>(framer.take_continue());
      if (progress != Progress::complete) break;
      reading.requests.push_back(copy_of(framer));
      framer.release();
      reading.end = End::between;
      if (reading.requests.back().last) return reading;
    }
  }
  return reading;
}

void check_readings(const ReferenceReading& ours, const ReferenceReading& reference) {
  check(ours.requests.size() <= reference.requests.size(), "a request is executed that the reference does not see");
  check(std::ranges::equal(ours.requests, std::span(reference.requests).first(ours.requests.size())),
        "a request is executed that the reference reads otherwise");
  check(ours.requests.size() == reference.requests.size(), "a request of the reference is not executed");
  // A head without an end may be given up sooner or later; who is in the middle of one executes nothing.
  check((ours.end == End::between) == (reference.end == End::between), "the ends differ");
}

}  // namespace tenon::fuzz
