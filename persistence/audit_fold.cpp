#include "persistence/audit_fold.hpp"

#include <algorithm>

#include "persistence/effects.hpp"
#include "persistence/key_run.hpp"

namespace kontor::persistence {
namespace {

void add_payment(AuditFold& fold, const PaymentDemand& demand) {
  AuditFold::AccountSum& sum = fold.accounts[demand.account];
  if (demand.action == PaymentAction::post) {
    sum.balance += demand.amount;
    return;
  }
  ++sum.openings;
  sum.opened = Account{demand.account, demand.currency, demand.kind, demand.amount, 0, 0, 0};
}

void add_stock(AuditFold& fold, const StockDemand& demand) {
  AuditFold::ProductSum& sum = fold.products[demand.sku];
  switch (demand.action) {
    case StockAction::sell: sum.sold += demand.amount; break;
    case StockAction::take_back: sum.returned += demand.amount; break;
    case StockAction::receive: sum.received += demand.amount; break;
    case StockAction::adjust: sum.adjusted += demand.amount; break;
    case StockAction::define: ++sum.definitions; break;
    case StockAction::set_price: ++sum.prices; break;
    case StockAction::reserve: sum.reserved += demand.amount; break;
    case StockAction::redeem: sum.reserved -= demand.amount, sum.sold += demand.amount; break;
    case StockAction::release: sum.reserved -= demand.amount; break;
  }
}

void add_reservation(AuditFold& fold, const TransactionId& transaction, const Operation& operation) {
  if (const auto* reserve = std::get_if<Reserve>(&operation))
    fold.reservations.emplace(transaction, reserve->expires_at_ns);
  if (const auto* redeem = std::get_if<Redeem>(&operation))
    fold.timed.push_back({redeem->order, redeem->begun_at_ns, true});
  const auto* release = std::get_if<Release>(&operation);
  if (release && release->reason == ReleaseReason::expired)
    fold.timed.push_back({release->order, release->begun_at_ns, false});
}

/// Reads an item's outcome: from replay where it reached, else from the table, where no row means committed.
class Outcomes {
 public:
  Outcomes(const Store& store, const RecoveredShard& shard) : reader_(store), shard_(shard) {}

  Result<void> enter(Position position) {
    const auto batch = std::lower_bound(shard_.batches.begin(), shard_.batches.end(), position,
                                        [](const OrderBatch& b, Position p) { return b.position < p; });
    all_committed_ = false;
    if (batch != shard_.batches.end() && batch->position == position) {
      states_ = batch->states;
      return {};
    }
    const auto row = reader_.get(Table::outcomes, position_key(position));
    if (row.code() == Errc::not_found) return all_committed_ = true, Result<void>();
    if (!row) return row.error();
    auto stored = read_outcomes(row->payload);
    if (!stored) return stored.error();
    states_ = std::move(stored->states);
    return {};
  }
  bool committed(std::uint32_t delta) const {
    return all_committed_ || (delta < states_.size() && states_[delta] == static_cast<char>(ItemState::committed));
  }

 private:
  Store::Reader reader_;
  const RecoveredShard& shard_;
  std::string states_;
  bool all_committed_ = false;
};

Result<void> add_item(AuditFold& fold, const OrderItem& item, bool forgotten, Plan& plan_storage) {
  for (const OrderDemand& demand : item.demands) {
    if (demand.action == OrderAction::enroll || demand.action == OrderAction::reserve) continue;
    fold.amendments[demand.order].push_back({demand.action, demand.line, demand.quantity});
  }
  if (item.body.empty()) return {};  // The request is enrolled on another shard, and counted there.
  if (forgotten) {
    ++fold.keys_forgotten;
  } else {
    fold.keys.push_back(digest_of(item.demands.front().key));
  }
  ++fold.transactions;
  const auto stored = read_body(item.body);
  if (!stored) return stored.error();
  add_reservation(fold, item.transaction, stored->operation);
  const OperationKind kind = kind_of(stored->operation);
  if (kind == OperationKind::checkout || kind == OperationKind::reserve) ++fold.orders;
  if (auto known = effects_of(*stored, plan_storage); !known) return known;
  for (const PaymentDemand& demand : plan_storage.payments) add_payment(fold, demand);
  for (const StockDemand& demand : plan_storage.stocks) add_stock(fold, demand);
  return {};
}

}  // namespace

void AuditFold::merge(AuditFold&& other) {
  for (auto& [id, sum] : other.accounts) {
    AccountSum& into = accounts[id];
    into.balance += sum.balance;
    into.openings += sum.openings;
    if (sum.openings != 0) into.opened = sum.opened;
  }
  for (auto& [sku, sum] : other.products) {
    ProductSum& into = products[sku];
    into.received += sum.received, into.adjusted += sum.adjusted, into.sold += sum.sold, into.returned += sum.returned;
    into.definitions += sum.definitions, into.prices += sum.prices, into.reserved += sum.reserved;
  }
  for (auto& [order, list] : other.amendments) {
    auto& into = amendments[order];
    into.insert(into.end(), list.begin(), list.end());
  }
  keys.insert(keys.end(), other.keys.begin(), other.keys.end());
  keys_forgotten += other.keys_forgotten;
  reservations.insert(other.reservations.begin(), other.reservations.end());
  timed.insert(timed.end(), other.timed.begin(), other.timed.end());
  records += other.records, transactions += other.transactions, orders += other.orders;
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
}

Result<AuditFold> fold_orders(const Store& store, const RecoveredShard& shard, Position from, Position until) {
  AuditFold fold;
  Plan plan_storage;
  Outcomes outcomes(store, shard);
  const Store::Reader reader(store);
  const auto ages = stored_key_ages(reader);
  if (!ages) return ages.error();
  const Position horizon = ages->forgotten_before;
  Result<void> inside;
  const auto scanned = reader.scan(Stream::order, from, [&](const Record& record) {
    if (record.header.key >= until) return false;
    ++fold.records;
    inside = outcomes.enter(record.header.key);
    if (!inside) return false;
    const auto read = read_order_prepared(record.payload, [&](const OrderItem& item) {
      if (outcomes.committed(item.delta)) inside = add_item(fold, item, record.header.key < horizon, plan_storage);
      return static_cast<bool>(inside);
    });
    if (!read) inside = read;
    return static_cast<bool>(inside);
  });
  if (!scanned) return scanned.error();
  if (!inside) return inside.error();
  return fold;
}

}  // namespace kontor::persistence
