#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/latency.hpp"
#include "domain/demands.hpp"
#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "domain/operations.hpp"
#include "domain/order.hpp"

namespace kontor::actors {
class Cluster;
}

/// The in-process face of Kontor: open a directory, submit requests, read state, close. Links without CAF's headers.
namespace kontor {

struct EngineOptions {
  std::filesystem::path dir;                   ///< Made when missing.
  std::uint16_t shards = 0;                    ///< 0: as the directory was made, 1 for a new one. Fixed at creation.
  std::uint64_t map_bytes = kMapBytesDefault;  ///< Upper bound of each shard's file.
  std::uint64_t reserve_bytes = kReserveBytesMin;                    ///< Kept free to finish what is promised.
  std::uint64_t checkpoint_journal_bytes = kCheckpointJournalBytes;  ///< Journal written between checkpoints; 0: never.
  std::size_t open_transactions_max = kOpenTransactionsMax;          ///< Admitted and unanswered; beyond: overloaded.
  commit::Protocol protocol = commit::Protocol::two_phase;           ///< Of requests that name none.
  /// How long an idempotency key is kept after its effect, in time that its shard has run; 0: for ever. At most a 64th
  /// longer, and up to kKeyRetentionMax. What was forgotten under a shorter one stays forgotten.
  std::chrono::nanoseconds key_retention = kKeyRetentionDefault;
  std::size_t worker_threads = 0;  ///< Of the actors; 0: as many as there are cores.
  /// Several machines: the directory holds this node's shards only, and all members reach each other. None: all shards
  /// are here. See actors/cluster/node.hpp.
  std::shared_ptr<actors::Cluster> cluster;
  /// The journal failed and the outcome of its last write is unknown. Must not return; default: print to standard
  /// error and end the process with exit code 74. Recovery at the next open decides.
  std::function<void(const std::string& explanation)> on_fatal;
};

enum class Verdict : std::uint8_t {
  committed,  ///< All of it happened and is durable.
  aborted,    ///< Nothing of it happened, nor will; `error` says why.
  unknown,    ///< Not known here (`error` says why): ask by sending the same request with the same key.
};
std::string_view to_string(Verdict verdict);

/// What became of one request.
struct Outcome {
  std::uint32_t index = 0;  ///< Which request of the submit call.
  Verdict verdict = Verdict::unknown;
  bool replayed = false;      ///< The key had its effect before: `transaction` is that earlier one.
  TransactionId transaction;  ///< Also the order's id for a checkout. None when refused before a transaction began.
  Error error;
};

/// Called once or several times until every request of a submit has its outcome, on an engine thread: must not block
/// and must not call `close`.
using OnOutcomes = std::function<void(std::span<const Outcome>)>;

/// What the journal keeps of one transaction for ever: the request, and what became of it.
struct TransactionRecord {
  TransactionId id;
  Verdict verdict = Verdict::unknown;  ///< unknown: promised, and the decision is not known yet.
  IdempotencyKey key;
  std::int64_t enrolled_at_ns = 0;  ///< Unix time.
  Operation operation;              ///< With the prices that its lines were charged.
};

/// A stretch of a shard's products.
struct ProductPage {
  std::vector<Product> products;  ///< As they were defined, one after the other.
  bool more = false;              ///< Beyond the last one, or before the first where that was asked.
};

/// A stretch of a shard's accounts.
struct AccountPage {
  std::vector<Account> accounts;  ///< As they were opened, one after the other.
  bool more = false;
};

/// A committed transaction in the log of its shard.
struct Event {
  std::uint64_t place = 0;  ///< Ascending, with gaps; never changes.
  TransactionRecord record;
  /// Of a cancel, refund or fulfilment: what it did. Of all others the operation tells (persistence/effects.hpp).
  std::vector<PaymentDemand> payments;
  std::vector<StockDemand> stocks;
};
/// A stretch of a shard's log.
struct EventPage {
  std::vector<Event> events;
  std::uint64_t reached = 0;  ///< All that committed up to here was told; the next page begins after it.
  bool more = false;          ///< It may have more already.
  bool held_up = false;       ///< It ends before a transaction whose decision is not known.
  /// Nothing that was answered as committed before this was asked lies beyond; may be past the log's end.
  std::uint64_t newest = 0;
};

/// Called once with what was read, on an engine thread: must not block and must not call `close`.
template <class Value>
using OnRead = std::function<void(const Result<Value>&)>;

/// A transaction that was promised here and whose decision is not known here. Sets of shards are masks.
struct Doubt {
  TransactionId transaction;
  commit::Protocol protocol = commit::Protocol::two_phase;
  std::int64_t since_ns = 0;       ///< Unix time at which it was noticed, up to a second late; 0: not yet.
  std::uint64_t here = 0;          ///< Shards of this node that hold a promise of it.
  std::uint64_t voters = 0;        ///< Its participants. 0: only the coordinator knows (two-phase, after a restart).
  std::uint64_t witnesses = 0;     ///< Three-phase: sites that hold no promise and help to end it.
  std::uint64_t out_of_reach = 0;  ///< Of all these and the coordinator: those that this node has no link to.
};
/// A stretch of them, ascending.
struct DoubtPage {
  std::vector<Doubt> doubts;
  bool more = false;
};

/// What recovery found and did when the directory was opened, over all shards.
struct RecoveryReport {
  std::uint64_t records = 0;       ///< Journal records replayed.
  std::uint64_t transactions = 0;  ///< Prepared transactions in them.
  std::uint64_t committed = 0;     ///< Of these, by a decision on record.
  std::uint64_t aborted = 0;       ///< Of these, by a decision, or presumed: no decision on record.
  std::uint64_t in_doubt = 0;      ///< Resolved by asking another shard.
  double seconds = 0;
};

/// How long the phases of a commit took, each batch once for each phase: nothing is measured for one transaction.
struct PhaseLatencies {
  LatencyCounts voting;     ///< From its prepare to the votes on which something of it is decided.
  LatencyCounts deciding;   ///< From there until the decision is durable.
  LatencyCounts answering;  ///< From the batch's last durable decision until all of its callers are answered.
};

/// Running totals since open, over all shards. Any thread may ask at any time.
struct EngineCounters {
  std::uint64_t submitted = 0, committed = 0, aborted = 0, unknown = 0, replayed = 0;
  std::uint64_t prepared = 0;        ///< Transactions whose every vote was yes: P1 = prepared / begun.
  std::uint64_t begun = 0;           ///< Transactions that reached their participants.
  std::uint64_t open = 0;            ///< Admitted and not answered.
  std::uint64_t in_doubt = 0;        ///< Prepared here for another shard, decision not known.
  std::uint64_t reservations = 0;    ///< That hold stock.
  std::uint64_t expired = 0;         ///< Reservations released because they were late.
  std::uint64_t keys_kept = 0;       ///< Idempotency keys in the index; of those that are forgotten some, for a while.
  std::uint64_t keys_forgotten = 0;  ///< That left it since open: their retention had passed.
  std::uint64_t journal_commits = 0, journal_records = 0, journal_bytes = 0, checkpoints = 0;
  bool storage_full = false;

  static constexpr std::size_t kCodes = 64;             ///< Above every Errc.
  std::array<std::uint64_t, kCodes> aborted_by_code{};  ///< By Errc; their sum is `aborted`.
  std::uint64_t open_max = 0;                           ///< Bound of `open`: beyond, `overloaded`.
  std::uint64_t open_bytes = 0, open_bytes_max = 0;     ///< Likewise, of the requests that are open.
  std::uint64_t gathered = 0;                           ///< Of `open`, those that wait for the next batch.
  std::int64_t oldest_doubt_ns = 0;                     ///< How long one has been in doubt by now; 0: none is.
  std::uint64_t journal_sync_ns = 0;                    ///< Spent in commits of the journals.
  std::uint64_t journal_queued_bytes = 0;               ///< Written by actors, not yet by the journals.
  PhaseLatencies phases;
};

/// One engine on one directory. All members may be called from any thread unless said otherwise.
class Engine {
 public:
  /// Recovers and starts. Errors: directory_in_use, corrupt_journal, incompatible_format, io_error, invalid_argument;
  /// `explanation` gets a sentence for people.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options, std::string* explanation = nullptr);
  /// Closes.
  ~Engine();

  /// Submits `requests` (copied before it returns; at most kSubmitRequestsMax). Each is its own transaction; they begin
  /// in order, but two that touch the same objects may be refused or succeed independently.
  void submit(std::span<const Request> requests, OnOutcomes on_outcomes);
  /// One request.
  std::future<Outcome> submit(Request request);

  /// Reads answer when what they saw is durable. Errors: unknown_account, unknown_sku, unknown_order, shutting_down.
  std::future<Result<Account>> account(const AccountId& id);
  std::future<Result<Product>> product(const Sku& sku);
  std::future<Result<Order>> order(const OrderId& id);
  /// The same without a future. A refusal to read at all (shutting_down) comes before these return.
  void account(const AccountId& id, OnRead<Account> then);
  void product(const Sku& sku, OnRead<Product> then);
  void order(const OrderId& id, OnRead<Order> then);
  /// Any transaction that was promised and is durable. Errors: not_found (it never was, or it was refused before),
  /// shutting_down.
  void transaction(const TransactionId& id, OnRead<TransactionRecord> then);

  enum class Direction : std::uint8_t { onwards, back };
  /// The products of a shard, in the order in which they were defined: `most` (up to kListedMax) after `from`, or
  /// before it, or from the end that the direction begins at. Errors: unknown_sku (`from` is not of this shard),
  /// invalid_argument, shutting_down.
  void products(ShardId shard, const std::optional<Sku>& from, Direction direction, std::size_t most,
                OnRead<ProductPage> then);
  /// The accounts of a shard, in the order in which they were opened: `most` (up to kListedMax) after `from`. Errors:
  /// unknown_account (`from` is not of this shard), invalid_argument, shutting_down.
  void accounts(ShardId shard, const std::optional<AccountId>& from, std::size_t most, OnRead<AccountPage> then);
  /// The log of a shard: what committed, in the order in which it was enrolled, each once; durable, and the same after
  /// a restart. It ends before the first transaction whose decision is not known, so that nothing is passed over.
  /// `after`: 0, or a page's `reached`; `most`: up to kEventsMax. Errors: invalid_argument, corrupt_journal,
  /// shutting_down.
  void events(ShardId shard, std::uint64_t after, std::size_t most, OnRead<EventPage> then);

  /// What is in doubt on the shards of this node: `most` (up to kListedMax) after `from`. Errors: invalid_argument,
  /// shutting_down.
  void doubts(const std::optional<TransactionId>& from, std::size_t most, OnRead<DoubtPage> then);
  /// Asks now what the timers ask anyway: the coordinator of a two-phase transaction, a majority of the sites of a
  /// three-phase one. Tells whether it committed; decides nothing that the protocol does not. Errors: not_found (not in
  /// doubt here), shard_unreachable (whoever knows is out of reach), request_in_progress (its votes are awaited),
  /// outcome_unknown (no end within kResolveTicks), overloaded, shutting_down.
  void resolve(const TransactionId& id, OnRead<bool> then);

  const RecoveryReport& recovery() const;
  EngineCounters counters() const;
  std::uint16_t shards() const;
  const std::filesystem::path& dir() const;
  /// Writes a checkpoint now on every shard and waits for it. For tests and before a planned stop.
  void checkpoint();

  /// Refuses new work, answers everything in flight (what cannot be finished in kDrainTimeoutMax: unknown), stops.
  void close();

 private:
  Engine();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor
