#include "persistence/audit.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "domain/placement.hpp"
#include "persistence/audit_fold.hpp"
#include "persistence/key_run.hpp"
#include "persistence/shard_set.hpp"

namespace kontor::persistence {
namespace {

constexpr std::size_t kFaultsMax = 50;  // Named in the report; the rest is counted.

/// What a reservation becomes. None: the action is none of a reservation.
std::optional<OrderStatus> status_after(OrderAction action) {
  if (action == OrderAction::redeem) return OrderStatus::placed;
  if (action == OrderAction::release) return OrderStatus::released;
  if (action == OrderAction::expire) return OrderStatus::expired;
  return {};
}

/// Compares what is stored with what the order journals add up to.
class Auditor {
 public:
  Auditor(const ShardSet& set, AuditFold fold, AuditReport& report)
      : set_(set), fold_(std::move(fold)), report_(report) {}

  void run() {
    for (const ShardSet::Shard& shard : set_.shards) {
      check_open(shard.state);
      for (Ledger::Index i = 0; i < shard.state.payment.resource.rows().size(); ++i)
        check_account(shard.state.payment.resource.rows()[i], shard.state.format);
      for (Inventory::Index i = 0; i < shard.state.inventory.resource.rows().size(); ++i)
        check_product(shard.state.inventory.resource.rows()[i], shard.state.format);
    }
    for (const auto& [currency, sum] : sums_)
      if (sum != 0)
        fault("currency " + std::string(currency_code(Currency{currency})) + ": balances sum to " +
              std::to_string(sum) + ", not 0");
    check_nothing_missing();
    check_orders();
    check_reservations();
    check_keys();
  }

 private:
  void fault(std::string text) {
    ++report_.faults_total;
    if (report_.faults.size() < kFaultsMax) report_.faults.push_back(std::move(text));
  }
  template <class A, class B>
  void equal(const std::string& object, std::string_view what, const A& stored, const B& expected) {
    if (stored == expected) return;
    fault(object + ": " + std::string(what) + " is " + std::to_string(stored) + ", the order journals add up to " +
          std::to_string(expected));
  }

  void check_open(const RecoveredShard& shard) {
    const auto check = [&](std::string_view participant, const auto& open) {
      for (const auto& [transaction, unused] : open)
        fault("transaction " + transaction_text(transaction) + ": still held by " + std::string(participant) +
              " of shard " + std::to_string(shard.format.shard));
    };
    check("order", shard.order.open());
    check("inventory", shard.inventory.open());
    check("payment", shard.payment.open());
  }

  void check_account(const Account& account, const Format& format) {
    ++report_.accounts;
    const std::string name = "account " + account.id.str();
    sums_[account.currency.number] += account.balance;
    if (home_of(account.id, format.shards) != format.shard) fault(name + ": lives on a shard that does not own it");
    if (account.held != 0) fault(name + ": " + std::to_string(account.held) + " stay held");
    if (account.incoming != 0) fault(name + ": " + std::to_string(account.incoming) + " stay promised");
    if (account.kind == AccountKind::wallet && account.available() < 0)
      fault(name + ": balance " + std::to_string(account.balance) + " is below its limit");
    const auto it = fold_.accounts.find(account.id);
    if (it == fold_.accounts.end() || it->second.openings == 0) return fault(name + ": no committed request opened it");
    it->second.openings == 1 ? void() : fault(name + ": was opened more than once");
    equal(name, "balance", account.balance, it->second.balance);
    const Account& opened = it->second.opened;
    if (opened.currency != account.currency || opened.kind != account.kind ||
        opened.credit_limit != account.credit_limit)
      fault(name + ": currency, kind or limit is not as it was opened");
    fold_.accounts.erase(it);
  }

  void check_product(const Product& product, const Format& format) {
    ++report_.products;
    const std::string name = "sku " + product.sku.str();
    if (home_of(product.sku, format.shards) != format.shard) fault(name + ": lives on a shard that does not own it");
    if (product.held != 0) fault(name + ": " + std::to_string(product.held) + " units stay held");
    if (product.incoming != 0) fault(name + ": " + std::to_string(product.incoming) + " units stay promised");
    if (product.pricing) fault(name + ": a price change stays open");
    if (product.leaving != 0) fault(name + ": " + std::to_string(product.leaving) + " reserved units stay claimed");
    if (product.held < 0 || product.reserved < 0 || product.held + product.reserved > product.on_hand)
      fault(name + ": held and reserved are not between 0 and on hand");
    if (product.received + product.adjusted + product.returned != product.on_hand + product.sold)
      fault(name + ": received + adjusted + returned is not on hand + sold");
    const auto it = fold_.products.find(product.sku);
    if (it == fold_.products.end() || it->second.definitions == 0)
      return fault(name + ": no committed request defined it");
    if (it->second.definitions != 1) fault(name + ": was defined more than once");
    equal(name, "units received", product.received, it->second.received);
    equal(name, "units adjusted", product.adjusted, it->second.adjusted);
    equal(name, "units sold", product.sold, it->second.sold);
    equal(name, "units returned", product.returned, it->second.returned);
    equal(name, "units reserved", product.reserved, it->second.reserved);
    equal(name, "version", product.version, it->second.prices + 1);
    fold_.products.erase(it);
  }

  /// What was checked has been taken out; what is left has no row.
  void check_nothing_missing() {
    for (const auto& [id, unused] : fold_.accounts)
      fault("account " + id.str() + ": is in committed requests but missing");
    for (const auto& [sku, unused] : fold_.products)
      fault("sku " + sku.str() + ": is in committed requests but missing");
  }

  void check_orders() {
    for (const auto& [id, amendments] : fold_.amendments) {
      const std::string name = "order " + order_text(id);
      if (id.shard >= set_.shards.size()) {
        fault(name + ": names a shard that does not exist");
        continue;
      }
      const ShardSet::Shard& home = set_.shards[id.shard];
      const OrderArchive archive(*home.store, id.shard);
      const auto made = archive.made(id);
      if (!made) {
        fault(name + ": was amended but is not there");
        continue;
      }
      OrderProgress expected = made->progress;
      bool possible = true;
      for (const Amendment& amendment : amendments) {
        if (const auto status = status_after(amendment.action)) {
          possible = possible && std::exchange(expected.status, *status) == OrderStatus::reserved;
          continue;
        }
        LineProgress& line = expected.lines[std::min<std::size_t>(amendment.line, expected.lines.size() - 1)];
        (amendment.action == OrderAction::fulfil ? line.fulfilled : line.refunded) += amendment.quantity;
        if (amendment.action == OrderAction::cancel) expected.status = OrderStatus::cancelled;
        possible = possible && amendment.line < expected.lines.size() && line.refunded <= line.bought &&
                   line.fulfilled <= line.bought;
      }
      if (!possible) fault(name + ": more was refunded, fulfilled or released than there was");
      check_progress(name, home, archive, id, expected);
    }
  }

  /// Those that nobody ended are what expiry looks at, and no others.
  void check_reservations() {
    report_.reservations = fold_.reservations.size();
    for (const AuditFold::Timed& timed : fold_.timed) {
      const auto it = fold_.reservations.find(timed.order);
      if (it == fold_.reservations.end() || (timed.begun_at_ns < it->second) != timed.before_expiry)
        fault("reservation " + reservation_text(timed.order) + ": ended at the wrong time");
    }
    std::uint64_t open = 0, known = 0;
    for (const ShardSet::Shard& shard : set_.shards) known += shard.state.order.resource.reservations().size();
    for (const auto& [id, unused] : fold_.reservations) {
      const auto it = fold_.amendments.find(id);
      const bool ended = it != fold_.amendments.end() && std::any_of(it->second.begin(), it->second.end(), [](auto& a) {
                           return status_after(a.action).has_value();
                         });
      if (ended) continue;
      ++open;
      if (id.shard < set_.shards.size() && !set_.shards[id.shard].state.order.resource.reservations().contains(id))
        fault("reservation " + reservation_text(id) + ": holds stock and would never expire");
    }
    if (known > open) fault(std::to_string(known - open) + " reservations that ended would expire again");
  }

  void check_progress(const std::string& name, const ShardSet::Shard& home, const OrderArchive& archive,
                      const OrderId& id, const OrderProgress& expected) {
    OrderProgress stored;
    if (const OrderProgress* replayed = home.state.order.resource.find(id)) {
      stored = *replayed;
    } else if (auto row = archive.progress(id)) {
      stored = std::move(row->progress);
    } else if (row.code() != Errc::not_found) {
      return fault(name + ": its progress cannot be read: " + std::string(row.error().detail));
    } else {
      return fault(name + ": was amended but its progress is missing");
    }
    if (stored.lines != expected.lines || stored.status != expected.status)
      fault(name + ": its progress is not what its committed amendments add up to");
  }

  void check_keys() {
    auto& keys = fold_.keys;
    report_.keys = keys.size() + fold_.keys_forgotten;
    report_.keys_forgotten = fold_.keys_forgotten;
    std::sort(keys.begin(), keys.end(),
              [](const KeyDigest& a, const KeyDigest& b) { return a.low != b.low ? a.low < b.low : a.high < b.high; });
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    for (const ShardSet::Shard& shard : set_.shards) {
      const Store::Reader reader(*shard.store);
      if (const auto ages = stored_key_ages(reader); !ages || ages->forgotten_before > shard.state.next)
        fault("shard " + std::to_string(shard.state.format.shard) + ": forgets idempotency keys that are yet to come");
    }
    if (twice != keys.end()) fault("an idempotency key had two effects, and the first was not forgotten");
  }

  const ShardSet& set_;
  AuditFold fold_;
  AuditReport& report_;
  std::map<std::uint16_t, Minor> sums_;
};

/// Folds one shard's order journal on two threads, each half of it.
Result<AuditFold> fold_shard(const ShardSet::Shard& shard) {
  const Position last = shard.state.next, middle = last / 2;
  Result<AuditFold> upper = Error{Errc::io_error, "not run"};
  std::jthread thread([&] { upper = fold_orders(*shard.store, shard.state, middle, last); });
  Result<AuditFold> lower = fold_orders(*shard.store, shard.state, 1, middle);
  thread.join();
  if (!lower) return lower;
  if (!upper) return upper;
  lower->merge(std::move(*upper));
  return lower;
}

}  // namespace

Result<AuditReport> audit(const ShardSet& set, std::string* explanation) {
  AuditReport report;
  report.shards = set.shards.size();
  report.in_doubt = set.in_doubt;
  AuditFold all;
  for (const ShardSet::Shard& shard : set.shards) {
    auto fold = fold_shard(shard);
    if (!fold) {
      if (explanation)
        *explanation = shard.store->dir().string() + ": order journal: " + std::string(fold.error().detail);
      return fold.error();
    }
    all.merge(std::move(*fold));
    report.open_transactions += shard.state.presumed_aborted + shard.state.in_doubt.size();
    report.records += shard.state.records;
  }
  report.records += all.records;
  report.transactions = all.transactions;
  report.orders = all.orders;
  Auditor(set, std::move(all), report).run();
  return report;
}

Result<AuditReport> audit(std::span<const std::filesystem::path> dirs, std::string* explanation) {
  const auto started = std::chrono::steady_clock::now();
  auto set = ShardSet::open(dirs, explanation);
  if (!set) return set.error();
  auto report = audit(*set, explanation);
  if (report) report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return report;
}

}  // namespace kontor::persistence
