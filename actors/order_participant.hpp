#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "actors/fabric.hpp"
#include "domain/key_retention.hpp"
#include "persistence/order_archive.hpp"
#include "persistence/recovery.hpp"

namespace kontor::actors {

/// What the order actor does, without being an actor: keeps the idempotency keys and the orders of a shard.
class OrderParticipant {
 public:
  /// `keys` writes its runs through the same journal as `site`.
  OrderParticipant(Site site, const persistence::Store& store, std::unique_ptr<persistence::KeyIndex> keys,
                   persistence::RecoveredShard& recovered, Position decided);

  /// Decides and holds each item, appends one record with all yes votes.
  Votes prepare(const BatchPtr& batch);
  void decide(const Decide::List& list);

  void capture();
  Left slice();  ///< Stores some of what changed.

  /// An order as it is now. Errors: unknown_order, corrupt_journal.
  Result<Order> order(const OrderId& id);
  /// A request that was enrolled here and is durable. Errors: not_found, corrupt_journal.
  Result<TransactionRecord> transaction(const TransactionId& id) const;
  /// Reservations that expired by `now_ns` and that nobody is ending, up to kExpiriesMax.
  std::vector<OrderId> due(std::int64_t now_ns) const { return state_.resource.due(now_ns, kExpiriesMax); }
  /// What was enrolled here after a place and is committed, up to the first of which that is not known. Errors:
  /// corrupt_journal.
  Result<EventPage> events(persistence::Locator after, std::size_t most) const;

 private:
  struct Capturing {
    Position replay_from = 0;
    std::vector<OrderId> orders;
    Reservations::Changes reservations;
    std::vector<std::pair<Position, std::string>> bitmaps;
    std::vector<Position> obsolete;  ///< Bitmaps of batches that are committed as a whole: none says the same.
    std::size_t next = 0;
    bool active = false;
  };

  /// Forgets the keys that are old enough.
  void age_keys();
  /// All that was enrolled before this is decided.
  Position decided_before();
  void show_keys();
  Result<const persistence::ArchivedRequest*> committed_use(const IdempotencyKey& key, const KeyDigest& digest);
  Result<void> load(const OrderId& order);
  Result<persistence::StoredProgress> stored_progress(const OrderId& order, OrderProgress as_made) const;
  /// What became of an enrolled request. Errors: corrupt_journal.
  Result<persistence::ItemState> state_of(const persistence::ArchivedRequest& request) const;
  /// The batch of this record, unless it is stored for good.
  const persistence::OrderBatch* recent(Position position) const;
  /// An order as it was made. Errors: unknown_order, corrupt_journal.
  Result<Order> made(const OrderId& order) const;
  bool slice_reservations();
  commit::Refusal* vote(const BatchPtr& batch, std::uint32_t index, std::span<const OrderDemand> demands,
                        const KeyDigest& digest, Votes& votes);
  persistence::OrderBatch* batch_of(Position prepared);
  void prefetch(std::span<const commit::Decision> coming) const;

  Site site_;
  persistence::OrderArchive archive_;
  std::unique_ptr<persistence::KeyIndex> keys_;
  KeyRetention retention_;
  std::int64_t begun_ns_ = 0;  ///< By the steady clock: this life.
  commit::Participant<OrderBook> state_;
  std::deque<persistence::OrderBatch> batches_;  ///< Not yet stored for good; ascending by position.
  Position stored_below_ = 0;                    ///< Batches below are stored when the running checkpoint is durable.
  std::size_t decided_ = 0;                      ///< So many of them, from the front, are decided.
  std::size_t hint_ = 0;                         ///< Where the last decision's batch was.
  TransactionId own_high_;
  std::uint64_t newest_ = 0;  ///< Place of the last commit; past the log's end for what an earlier life committed.
  persistence::AsOf as_of_;
  std::size_t bytes_expected_ = 4096;
  std::vector<KeyDigest> digests_;  ///< Of the batch being prepared, item by item.
  persistence::ArchivedRequest found_;
  Capturing capturing_;
};

}  // namespace kontor::actors
