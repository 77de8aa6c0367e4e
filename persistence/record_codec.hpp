#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/commit/stance.hpp"
#include "domain/commit/vote.hpp"
#include "domain/demands.hpp"
#include "persistence/operation_codec.hpp"
#include "persistence/record.hpp"

/// The payloads of journal records. Grammar (alphabet in bytes.hpp; `*` repeats to the end or as counted before it):
///
///   transaction       := shard: varint, incarnation: varint, sequence: varint
///   batch             := shard: u16, incarnation: u32, first: u64          (sequence = first + delta)
///   payment_prepared  := batch, { delta: varint, n: varint, payment[n] }*
///   inventory_prepared:= batch, { delta: varint, n: varint, stock[n] }*
///   order_prepared    := own_incarnation: u32, own_sequence: u64, batch, { delta: varint, size: varint, item[size] }*
///   item              := n: varint, { action: u8, enroll | amendment | reserve }[n]
///   enroll            := kind: u8, fingerprint: u64, key: text, body: sized
///   amendment         := order: transaction, expected_version: varint, line: varint, quantity: varint
///   reserve           := expires_at: u64                            (Unix time in ns)
///   payment_open, inventory_open := decided: u64, { transaction, prepared: u64, n: varint, demand[n] }*
///   decided           := batch, n: varint, { step: varint }[n], { index: varint, sites: varint }*
///   step              := (sequence - previous sequence) << 1 | commit      (previous starts at first)
///   learned           := { transaction, commit: u8 }*
///   ended             := { transaction }*
///   opened            := shard: u16, incarnation: u32
///   asked             := { transaction, count: varint, voters: varint, since: u64 }*     (count from there; Unix ns)
///   stances           := { transaction, stance }*
///   stance            := protocol: u8, phase: u8, voted: u8, sites: varint, voters: varint, election[2]
///   election          := round: varint, leader: varint                     (elected, attempt)
namespace kontor::persistence {

/// Which coordinator's transactions a prepared record holds.
struct BatchHead {
  ShardId shard = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t first = 0;
  TransactionId at(std::uint64_t delta) const { return {shard, incarnation, first + delta}; }
};

/// Fails on a shard that cannot be, and on "no transaction".
BatchHead read_batch_head(ByteReader& in);

void write_demand(ByteWriter& out, const PaymentDemand& demand);
void write_demand(ByteWriter& out, const StockDemand& demand);
void read_demand(ByteReader& in, PaymentDemand& demand);
void read_demand(ByteReader& in, StockDemand& demand);

/// Writes payment_prepared and inventory_prepared, item by item: only yes votes are written.
class PreparedWriter {
 public:
  PreparedWriter(const BatchHead& head, std::size_t expected_bytes);
  template <class Demand>
  void item(std::uint32_t delta, std::span<const Demand> demands) {
    out_.varint(delta), out_.varint(demands.size());
    for (const Demand& demand : demands) write_demand(out_, demand);
    ++items_;
  }
  std::size_t items() const { return items_; }
  std::string take() { return out_.take(); }

 private:
  ByteWriter out_;
  std::size_t items_ = 0;
};

/// Calls `visit(transaction, demands)` for each item. Errors: corrupt_journal.
template <class Demand, class Visit>
Result<void> read_prepared(std::string_view payload, const Visit& visit) {
  ByteReader in(payload);
  const BatchHead head = read_batch_head(in);
  std::vector<Demand> demands;
  while (in.ok() && !in.done()) {
    const std::uint64_t delta = in.varint();
    demands.resize(in.count(4));
    for (Demand& demand : demands) read_demand(in, demand);
    if (in.ok()) visit(head.at(delta), std::span<const Demand>(demands));
  }
  if (!in.done()) return Error{Errc::corrupt_journal, "prepared"};
  return {};
}

class OrderPreparedWriter {
 public:
  /// `own` is the highest transaction of the record's own shard in this record or any before it.
  OrderPreparedWriter(const TransactionId& own, const BatchHead& head, std::size_t expected_bytes);
  /// `bodies` is what the demands' body offsets point into.
  void item(std::uint32_t delta, std::span<const OrderDemand> demands, std::string_view bodies);
  void own(const TransactionId& own);
  std::size_t items() const { return items_; }
  std::string take() { return out_.take(); }

 private:
  ByteWriter out_;
  ByteWriter item_;
  std::size_t items_ = 0;
};

/// One item of an order_prepared record.
struct OrderItem {
  TransactionId transaction;
  std::uint32_t delta = 0;
  std::span<const OrderDemand> demands;
  std::string_view body;  ///< Of the enrolment; empty when the key lives on another shard.
};
struct OrderPreparedHead {
  TransactionId own;
  BatchHead batch;
};
Result<OrderPreparedHead> read_order_head(std::string_view payload);
/// Until `visit` returns false. Errors: corrupt_journal.
Result<void> read_order_prepared(std::string_view payload, const std::function<bool(const OrderItem&)>& visit);
/// Only the item with this delta. Errors: not_found, corrupt_journal. The item's demands live in `storage`.
Result<OrderItem> read_order_item(std::string_view payload, std::uint32_t delta, std::vector<OrderDemand>& storage);

/// One promise in a payment_open or inventory_open record.
class OpenWriter {
 public:
  explicit OpenWriter(Position decided) { out_.fixed(decided); }
  template <class Demand>
  void item(const TransactionId& transaction, Position prepared, std::span<const Demand> demands) {
    write_transaction(out_, transaction), out_.fixed(prepared), out_.varint(demands.size());
    for (const Demand& demand : demands) write_demand(out_, demand);
  }
  std::string take() { return out_.take(); }

 private:
  ByteWriter out_;
};
/// Calls `visit(transaction, prepared, demands)`; returns the position `decided`. Errors: corrupt_journal.
template <class Demand, class Visit>
Result<Position> read_open(std::string_view payload, const Visit& visit) {
  ByteReader in(payload);
  const auto decided = in.fixed<std::uint64_t>();
  std::vector<Demand> demands;
  while (in.ok() && !in.done()) {
    const TransactionId transaction = read_transaction(in);
    const auto prepared = in.fixed<std::uint64_t>();
    demands.resize(in.count(4));
    for (Demand& demand : demands) read_demand(in, demand);
    if (in.ok()) visit(transaction, prepared, std::span<const Demand>(demands));
  }
  if (!in.done()) return Error{Errc::corrupt_journal, "open"};
  return decided;
}

/// A decision of an own transaction, with the other sites that must acknowledge it.
struct OwnDecision {
  TransactionId transaction;
  bool commit = false;
  std::uint64_t sites = 0;  ///< Without the coordinator's own; only for commits.
};
std::string write_decided(ShardId shard, std::uint32_t incarnation, std::span<const OwnDecision> decisions);
Result<std::vector<OwnDecision>> read_decided(std::string_view payload);

std::string write_learned(std::span<const commit::Decision> decisions);
Result<std::vector<commit::Decision>> read_learned(std::string_view payload);

std::string write_ended(std::span<const TransactionId> transactions);
Result<std::vector<TransactionId>> read_ended(std::string_view payload);

/// Transactions that another shard asked this site to promise, one after the other. No rule needs it: it is for people,
/// should that shard be gone after a restart.
struct Asked {
  TransactionId first;
  std::uint32_t count = 0;
  std::uint64_t voters = 0;   ///< All sites that vote on each.
  std::int64_t since_ns = 0;  ///< Unix time.
  friend bool operator==(const Asked&, const Asked&) = default;
};
/// Adds one to a list of them, to the last one's if it goes on with the same.
void add_asked(std::vector<Asked>& list, const TransactionId& transaction, std::uint64_t voters, std::int64_t since_ns);
std::string write_asked(std::span<const Asked> asked);
Result<std::vector<Asked>> read_asked(std::string_view payload);

using Stances = std::vector<std::pair<TransactionId, commit::Stance>>;
void write_stance(ByteWriter& out, const commit::Stance& stance);
commit::Stance read_stance(ByteReader& in);
std::string write_stances(std::span<const Stances::value_type> stances);
Result<Stances> read_stances(std::string_view payload);

std::string write_opened(ShardId shard, std::uint32_t incarnation);
Result<TransactionId> read_opened(std::string_view payload);  ///< With sequence 0.

}  // namespace kontor::persistence
