#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "domain/commit/participant.hpp"
#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "domain/order.hpp"
#include "persistence/key_index.hpp"
#include "persistence/order_archive.hpp"

/// From a shard's tables and journals back to the state it had, through the same `hold` and `settle` that ran before.
///
/// Each participant replays its own journal from its checkpoint, interleaved by position with the decisions in the
/// coordinator's journal: a decision record on disk proves the votes before it. A row of a checkpoint carries the
/// positions up to which it has its participant's events in (AsOf), so replay applies each event to each row once.
/// An own transaction that no decision record names is aborted by the `opened` record of the next incarnation.
namespace kontor::persistence {

/// The states of one order_prepared record's items, until a checkpoint has them for good.
struct OrderBatch {
  Position position = 0;
  BatchHead head;
  std::string states;  ///< One ItemState a byte, by delta.
  std::uint32_t undecided = 0;
  bool stored = false;   ///< A bitmap is in the table.
  bool changed = false;  ///< Since the last checkpoint.
};

/// Takes in an item's decision. Returns its delta, or nothing when the batch does not hold it undecided.
std::optional<std::uint32_t> settle_item(OrderBatch& batch, const commit::Decision& decision);

/// Prepared here for another shard, decision not known.
struct InDoubt {
  TransactionId transaction;
  std::uint64_t voters = 0;   ///< All sites that vote on it; 0: not known.
  std::int64_t since_ns = 0;  ///< When this site was asked, in Unix time; 0: not known.
};

struct RecoveredShard {
  Format format;
  commit::Participant<OrderBook> order;
  commit::Participant<Inventory> inventory;
  commit::Participant<Ledger> payment;

  std::deque<OrderBatch> batches;  ///< Ascending by position.
  TransactionId own_high;          ///< Highest own transaction in the order journal.
  std::uint32_t incarnation = 1;   ///< Of the life that begins now.
  std::vector<std::pair<TransactionId, std::uint64_t>> unacknowledged;
  std::map<ShardId, TransactionId> high_water;
  std::vector<InDoubt> in_doubt;     ///< Ascending.
  Stances stances;                   ///< Three-phase transactions that this site has not forgotten.
  Position next = 1;                 ///< The first free position; `opened` must be appended there, before all else.
  Position appended[kStreams] = {};  ///< Last own position of each stream.
  bool fresh = false;                ///< The store was empty: its format must be written.

  // What was replayed. Bytes: of records, as Journal counts what is written.
  std::uint64_t bytes = 0;
  std::uint64_t records = 0, transactions = 0, committed = 0, aborted = 0, presumed_aborted = 0;
};

/// How the three participants' journals are replayed.
enum class Replay : std::uint8_t {
  side_by_side,  ///< On three threads.
  in_turn,       ///< On the caller's own: a simulator has no other.
};

/// Rebuilds a shard. Changes nothing in the store. `keys` (may be null) gets the keys that are not in its runs yet.
/// `expected` names shard and count for a fresh store, and is compared with the format of another.
/// Errors: corrupt_journal, incompatible_format; `explanation` gets stream and position.
Result<RecoveredShard> recover(const Store& store, const Format& expected, KeyIndex* keys,
                               std::string* explanation = nullptr, Replay replay = Replay::side_by_side);

}  // namespace kontor::persistence
