// Verification beside raw SHA-256 of the same bytes, and what a proof takes in a big tree. On a PostgreSQL of its own.
//
//   bench_audit [ENTRIES, 1000000] [ROUNDS, 3] [LEAVES OF THE BIG TREE, 10000000]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "audit/prover.hpp"
#include "audit/tile.hpp"
#include "audit/verifier.hpp"
#include "support/audit_log.hpp"
#include "support/cluster.hpp"

namespace {

using namespace tenon;
using namespace tenon::test;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

std::uint64_t argument(int argc, char** argv, int number, std::uint64_t otherwise) {
  return argc > number ? std::stoull(argv[number]) : otherwise;
}

std::string migrated(const std::string& name) {
  std::string conninfo = shared_cluster().make_database(name);
  shared_cluster().migrate(name);
  return conninfo;
}

// All leaves of the log, one after another, and where each ends.
struct Bytes {
  std::string all;
  std::vector<std::size_t> ends;
};

Bytes bytes_of(const std::string& conninfo) {
  Bytes bytes;
  audit::LogReader reader(conninfo);
  reader.entries({}, [&](const audit::Entry& entry) {
    audit::append_leaf(bytes.all, entry);
    bytes.ends.push_back(bytes.all.size());
  });
  return bytes;
}

double hash_all(const Bytes& bytes) {
  audit::Hasher hasher;
  std::uint64_t sum = 0;  // so that nothing is optimised away
  const Clock::time_point begin = Clock::now();
  std::size_t at = 0;
  for (const std::size_t end : bytes.ends) {
    sum += hasher.plain(std::string_view(bytes.all).substr(at, end - at))[0];
    at = end;
  }
  const double took = seconds_since(begin);
  if (sum == 0) std::puts("");
  return static_cast<double>(bytes.ends.size()) / took;
}

double verify_all(const std::string& conninfo, const HandMadeLog& log, unsigned threads) {
  const audit::VerifySettings settings{
      .conninfo = conninfo, .key = log.signer().verifier(), .key_from = "--key", .threads = threads};
  const audit::Verified verified = audit::verify(settings, [](std::uint64_t, std::uint64_t) {});
  if (!verified.report.holds()) {
    std::fputs(verified.report.text().c_str(), stderr);
    std::exit(1);
  }
  return static_cast<double>(verified.report.entries) / verified.report.seconds;
}

void compare_verification(std::uint64_t entries, std::uint64_t rounds) {
  const std::string conninfo = migrated("bench_verify");
  HandMadeLog log(conninfo);
  for (std::uint64_t made = 0; made < entries; made += 100'000)
    log.append(std::min<std::uint64_t>(100'000, entries - made));
  log.seal(50);
  query(conninfo, "VACUUM ANALYZE");
  const Bytes bytes = bytes_of(shared_cluster().edge("bench_verify"));
  std::vector<double> raw;
  std::vector<double> one;
  std::vector<double> two;
  std::vector<double> four;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    raw.push_back(hash_all(bytes));
    one.push_back(verify_all(shared_cluster().edge("bench_verify"), log, 1));
    two.push_back(verify_all(shared_cluster().edge("bench_verify"), log, 2));
    four.push_back(verify_all(shared_cluster().edge("bench_verify"), log, 4));
  }
  std::printf("%llu entries, %.0f bytes a leaf; entries a second, medians of %llu rounds\n",
              static_cast<unsigned long long>(entries),
              static_cast<double>(bytes.all.size()) / static_cast<double>(bytes.ends.size()),
              static_cast<unsigned long long>(rounds));
  std::printf("  raw SHA-256, one thread   %10.0f\n", median(raw));
  std::printf("  verify --connections 1    %10.0f   ratio %.2f\n", median(one), median(one) / median(raw));
  std::printf("  verify --connections 2    %10.0f   ratio %.2f\n", median(two), median(two) / median(raw));
  std::printf("  verify --connections 4    %10.0f   ratio %.2f\n", median(four), median(four) / median(raw));
}

// A tree of that many leaves, of which only every thousandth has an entry: what a proof reads is there, and as big.
void time_proofs(std::uint64_t leaves) {
  const std::string conninfo = migrated("bench_proofs");
  HandMadeLog log(conninfo);
  const std::vector<std::int64_t> ids = log.seal_sparsely(leaves, 1'000);
  query(conninfo, "VACUUM ANALYZE");
  audit::LogReader reader(shared_cluster().edge("bench_proofs"));
  std::vector<double> milliseconds;
  std::uint64_t random = 1;
  for (int i = 0; i < 2'000; ++i) {
    random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    const Clock::time_point begin = Clock::now();
    const auto proof = audit::prove(reader, log.signer().verifier(), ids[(random >> 33) % ids.size()]);
    milliseconds.push_back(1'000 * seconds_since(begin));
    if (!proof) {
      std::fprintf(stderr, "%s\n", proof.error().c_str());
      std::exit(1);
    }
  }
  std::ranges::sort(milliseconds);
  std::printf("proofs in a tree of %llu leaves, by the command's road, checked: p50 %.2f ms, p99 %.2f ms\n",
              static_cast<unsigned long long>(leaves), milliseconds[milliseconds.size() / 2],
              milliseconds[milliseconds.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t entries = argument(argc, argv, 1, 1'000'000);
  const std::uint64_t rounds = std::max<std::uint64_t>(1, argument(argc, argv, 2, 3));
  const std::uint64_t leaves = argument(argc, argv, 3, 10'000'000);
  if (entries > 0) compare_verification(entries, rounds);
  if (leaves > 0) time_proofs(leaves);
}
