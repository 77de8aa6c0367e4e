#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound in Kontor: its unit is the last word before Max, its reason stands beside it. Beyond a bound there is a
/// refusal with a code (`too_large` for one request, `overloaded` for work in flight), never growth, never silence.
namespace kontor {

// One request.
inline constexpr std::size_t kNameBytesMax = 39;  // SKU and account ids: a UUID fits, and 40 bytes pack well.
inline constexpr std::size_t kKeyBytesMax = 63;   // Idempotency keys: a UUID with a prefix fits.
inline constexpr std::size_t kLinesMax = 2'000;   // Of one request; the largest real invoice seen has 1,114.
inline constexpr std::size_t kPayeesMax = 16;     // Merchants credited by one checkout.
inline constexpr std::int64_t kQuantityUnitsMax = 1'000'000'000;             // Of one line.
inline constexpr std::int64_t kAmountMinorMax = 1'000'000'000'000'000;       // 10^15: one amount, price or total.
inline constexpr std::int64_t kBalanceMinorMax = 4'000'000'000'000'000'000;  // Below 2^62: sums of two never wrap.
inline constexpr std::int64_t kStockUnitsMax = 4'000'000'000'000'000;        // On hand, and each counter of a SKU.
inline constexpr std::uint16_t kFeeBasisPointsMax = 10'000;                  // 100 %.

inline constexpr std::int64_t kReservationNsMax = 7LL * 24 * 3'600 * 1'000'000'000;  // Seven days: no warehouse.

// One shard.
inline constexpr std::size_t kShardsMax = 64;                // A set of shards is one 64-bit word.
inline constexpr std::size_t kAccountsMax = 50'000'000;      // 5 GB of rows: all accounts of a shard live in memory.
inline constexpr std::size_t kProductsMax = 20'000'000;      // As above.
inline constexpr std::size_t kOpenTransactionsMax = 65'536;  // Admitted and not answered, per shard.
inline constexpr std::size_t kOpenBytesMax = 48u << 20;      // Of their requests: what is admitted fits the reserve.
inline constexpr std::size_t kBatchTransactionsMax = 4'096;  // Of one prepare: beyond, a batch only adds latency.
inline constexpr std::size_t kSubmitRequestsMax = 65'536;    // Of one submit call.
inline constexpr std::size_t kTombstonesMax = 65'536;        // Aborts that came before their prepare; oldest go first.
inline constexpr std::size_t kReservationsMax = 1'000'000;   // Holding stock: some 100 MB of memory.
inline constexpr std::size_t kExpiriesMax = 256;             // Reservations ended by one sweep: well under 10 ms.
inline constexpr std::size_t kEventsMax = 1'000;             // Of one look at the log: the shard's orders wait ~2 ms.
inline constexpr std::size_t kEventBytesMax = 1u << 20;      // Of their bodies, or one: what a link takes at a time.
inline constexpr std::size_t kListedMax = 1'000;             // Of one look at a list: some 100 us.
inline constexpr std::size_t kResolvingMax = 64;             // Who waits for the end of a doubt: people, not programs.
inline constexpr std::size_t kEventItemsMax = 4'096;         // Looked through for them: most may have been aborted.

// Journal.
inline constexpr std::size_t kRecordBytesMax = 64u << 20;  // Payload of one record: a full batch of long requests.
inline constexpr std::uint64_t kCheckpointJournalBytes = 128u << 20;  // Default distance of checkpoints: replay ~1-2 s.
inline constexpr std::uint64_t kMapBytesDefault = std::uint64_t{1} << 40;  // Address space, not disk.
inline constexpr std::uint64_t kReserveBytesMin = 64u << 20;               // Room kept to finish what is promised.
inline constexpr std::size_t kRowsPerBlock = 64;    // Rows stored together: about one page of the store.
inline constexpr std::size_t kBlocksPerSlice = 32;  // Captured by one message of a checkpoint: well under 1 ms.

// Idempotency keys.
inline constexpr std::chrono::hours kKeyRetentionDefault{24};  // Clients that retry give up long before.
inline constexpr std::chrono::hours kKeyRetentionMin{24};      // What the HTTP API promises, whatever it is told.
inline constexpr std::chrono::hours kKeyRetentionMax{87'600};  // Ten years: sums of ages never wrap.
inline constexpr std::int64_t kKeyMarksPerRetention = 64;      // A key is kept a 64th longer at most; 1 KB of marks.
inline constexpr std::chrono::minutes kKeyAgesStoredEvery{1};  // What a crash may take off a busy shard's age.

// Times of the shell; rules know none.
inline constexpr std::chrono::milliseconds kTickEvery{100};
inline constexpr std::uint32_t kResolveTicks = 50;                  // Five seconds: an inquiry, or two elections.
inline constexpr std::chrono::milliseconds kResendAfterMin{1'000};  // Unanswered messages; see retransmission.hpp.
inline constexpr std::chrono::milliseconds kResendAfterMax{8'000};
inline constexpr std::chrono::milliseconds kSweepPatience{2'000};  // Then expiries in flight are asked for again.
inline constexpr std::chrono::seconds kPatienceDefault{10};  // In a cluster, for the votes of a node that may be away.
inline constexpr std::chrono::seconds kDrainTimeoutMax{30};  // Orderly shutdown: then the outcome is unknown.

}  // namespace kontor
