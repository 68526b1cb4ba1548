// Every bound on input and time, in one place; units last. Settings may lower or raise those marked (setting).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tenon::limits {

using std::chrono::milliseconds;
using std::chrono::seconds;

// HTTP input.
inline constexpr std::size_t start_line_bytes_max = 8 * 1024;
inline constexpr std::size_t header_line_bytes_max = 8 * 1024;
inline constexpr std::size_t header_bytes_max = 32 * 1024;  // start line and all header lines together
inline constexpr std::size_t header_count_max = 100;
inline constexpr std::size_t body_bytes_max = 256 * 1024;
inline constexpr std::size_t chunk_extension_bytes_max = 256;
inline constexpr std::size_t trailer_bytes_max = 4 * 1024;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr std::size_t json_members_max = 10'000;  // members and elements of one document together

// HTTP time (settings).
inline constexpr milliseconds header_deadline{10'000};  // from the first byte of a request to the end of its header
inline constexpr milliseconds body_deadline{20'000};
inline constexpr milliseconds idle_deadline{60'000};  // between requests of one connection
inline constexpr milliseconds write_deadline{20'000};
inline constexpr milliseconds request_deadline{10'000};  // from the whole request to its answer
inline constexpr milliseconds stop_deadline{15'000};     // a graceful stop waits this long for what is in flight
static_assert(stop_deadline > request_deadline, "a stop must be able to finish what was admitted just before it");

// Connections (settings).
inline constexpr std::size_t connections_max = 10'000;
inline constexpr std::size_t connections_per_peer_max = 4'000;

// Identity.
inline constexpr std::size_t bearer_token_bytes_max = 8 * 1024;
inline constexpr std::size_t subject_bytes_max = 200;
inline constexpr std::size_t secret_bytes_min = 32;
inline constexpr std::size_t key_id_bytes_max = 200;    // `kid`
inline constexpr std::size_t token_id_bytes_max = 200;  // `jti`
inline constexpr std::size_t key_set_bytes_max = 256 * 1024;
inline constexpr std::size_t key_set_keys_max = 100;
inline constexpr milliseconds key_set_deadline{5'000};           // to fetch one
inline constexpr seconds key_set_refresh{300};                   // (setting)
inline constexpr seconds key_set_refresh_after_unknown_key{10};  // at most once in so long
inline constexpr seconds key_set_retry_max{60};                  // between attempts while fetching fails
inline constexpr milliseconds revocation_refresh{500};           // how often a node asks what was revoked
inline constexpr std::size_t revocations_max = 1'000'000;        // in force, which every node keeps in memory

// Idempotency.
inline constexpr std::size_t idempotency_key_bytes_max = 255;
inline constexpr seconds key_lifetime{60};  // (setting, per scope)
inline constexpr seconds key_lifetime_max{7 * 24 * 3600};
inline constexpr std::size_t live_keys_per_user_max = 100'000;      // per node (setting)
inline constexpr std::size_t reply_cache_bytes = 64 * 1024 * 1024;  // per node (setting)
static_assert(
    key_lifetime > 2 * request_deadline,
    "a node that lost a COMMIT's answer asks again by key until the request's deadline: the key must outlive it");

// Signed requests.
inline constexpr seconds signing_key_cache{5};              // how long a key that was read is believed
inline constexpr std::size_t signing_keys_cached = 10'000;  // per node
inline constexpr seconds signature_window_max{300};         // without a longer key lifetime than that to allow more
inline constexpr seconds signature_skew{5};                 // (setting)
inline constexpr seconds signature_skew_max{60};            // what tenon.admit_signatures takes of a `created` ahead

// PostgreSQL time.
inline constexpr milliseconds connect_deadline{5'000};
inline constexpr milliseconds lock_deadline{3'000};       // lock_timeout of the node's role
inline constexpr milliseconds statement_deadline{8'000};  // statement_timeout of the node's role
static_assert(lock_deadline < statement_deadline && statement_deadline < request_deadline,
              "a statement gives up before the request that waits for it, so that its outcome can still be told");

// Rate limits.
inline constexpr std::size_t limited_subjects_max = 1'000'000;  // buckets in memory, 40 bytes each

// Redis.
inline constexpr std::size_t redis_reply_bytes_max = 64 * 1024;
inline constexpr std::size_t redis_reply_elements_max = 1'024;  // of one array
inline constexpr std::size_t redis_calls_max = 16'384;          // waiting for one connection's answers
inline constexpr milliseconds redis_connect_deadline{1'000};    // from looking up the name to being logged in

// Write lanes.
inline constexpr std::size_t batch_commands_max = 512;  // (setting)
inline constexpr std::size_t lane_queue_max = 4'096;    // (setting) commands waiting in one lane before 503
inline constexpr std::size_t audit_id_block = 1'024;    // ids one batch takes from the sequence at a time
static_assert(batch_commands_max < audit_id_block, "each command of a batch writes at most one entry of the block");

}  // namespace tenon::limits
