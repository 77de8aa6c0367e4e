#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "domain/order.hpp"
#include "persistence/key_index.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::persistence {

/// An enrolled request as the order journal keeps it.
struct ArchivedRequest {
  TransactionId transaction;
  Locator locator;
  std::int64_t written_at_ns = 0;
  IdempotencyKey key;
  std::uint64_t fingerprint = 0;
  std::string body;  ///< For read_body.
};

/// The request that an item enrols. None: it only amends an order.
std::optional<ArchivedRequest> request_of(const OrderItem& item, const RecordHeader& header);

/// Reads the order journal, which is never truncated: it is where orders live. Whether a request committed is not said
/// here but by its decision: see `outcome`.
class OrderArchive {
 public:
  OrderArchive(const Store& store, ShardId shard) : store_(store), shard_(shard) {}

  /// Errors: not_found, corrupt_journal.
  Result<ArchivedRequest> at(Locator locator) const;
  /// By the transaction that enrolled it, which this shard coordinated. About 20 looks at how records begin, and one is
  /// read; what is not found is looked for again in records that are read whole.
  Result<ArchivedRequest> find(const TransactionId& transaction) const;
  /// What the last checkpoint knew of an item; `committed` where it kept no bitmap. Errors: corrupt_journal.
  Result<ItemState> outcome(Locator locator) const;
  /// The same of all items of a record, by delta; empty: all are committed.
  Result<std::string> outcomes(Position position) const;
  /// Calls `visit` for each record at or after `from`, in order, until it returns false. Errors: corrupt_journal.
  Result<void> scan(Position from, const std::function<bool(const Record&)>& visit) const;
  /// An order as it was made. Errors: unknown_order (no such checkout or reservation; committed or not),
  /// corrupt_journal.
  Result<Order> made(const OrderId& order) const;
  /// What became of an order, as of the last checkpoint. Errors: not_found (never amended before it), corrupt_journal.
  Result<StoredProgress> progress(const OrderId& order) const;

 private:
  const Store& store_;
  ShardId shard_;
};

}  // namespace kontor::persistence
