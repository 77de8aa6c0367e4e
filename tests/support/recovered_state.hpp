#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "persistence/recovery.hpp"
#include "tests/support/shop_words.hpp"

namespace kontor::testing {

/// One shard as recovery sees it, as text: everything that the next life would start from.
class RecoveredState {
 public:
  /// `orders` and `keys`: those that were ever named. `keys` of the index that `recover` filled.
  RecoveredState(const persistence::Store& store, const persistence::Format& format, const std::vector<OrderId>& orders,
                 const std::vector<IdempotencyKey>& keys)
      : store_(store), archive_(store, format.shard), index_(store, nullptr, 1'024) {
    const auto loaded = index_.load();
    if (!loaded) {
      facts["error"] = "key index: " + std::string(loaded.error().detail);
      return;
    }
    std::string why;
    auto recovered = persistence::recover(store, format, &index_, &why, persistence::Replay::in_turn);
    if (!recovered) {
      facts["error"] = why;
      return;
    }
    shard = std::move(*recovered);
    add_protocol();
    add_rows();
    add_open();
    for (const OrderId& order : orders)
      if (order.shard == format.shard) add_order(order);
    for (const IdempotencyKey& key : keys) add_key(key);
    add_outcomes();
  }

  State facts;
  persistence::RecoveredShard shard;

  /// The state of each item of the order journal.
  std::map<TransactionId, persistence::ItemState> items;

 private:
  void add_protocol() {
    facts["next"] = std::to_string(shard.next);
    facts["incarnation"] = std::to_string(shard.incarnation);
    facts["own high"] = transaction_text(shard.own_high);
    for (const auto& [transaction, sites] : shard.unacknowledged)
      facts["unacknowledged " + transaction_text(transaction)] = std::to_string(sites);
    for (const auto& [transaction, stance] : shard.stances) {
      std::string& text = facts["stance on " + transaction_text(transaction)];
      text = std::string(to_string(stance.phase)) + (stance.voted ? " voted" : "");
      for (const commit::Election& election : {stance.elected, stance.attempt})
        text += " " + std::to_string(election.round) + "." + std::to_string(election.leader);
    }
    for (const auto& doubt : shard.in_doubt)
      facts["in doubt " + transaction_text(doubt.transaction)] =
          std::to_string(doubt.voters) + " since " + std::to_string(doubt.since_ns);
  }
  void add_rows() {
    const auto& accounts = shard.payment.resource.rows();
    for (Ledger::Index i = 0; i < accounts.size(); ++i)
      facts["account " + std::to_string(i) + " " + accounts[i].id.str()] = fact(accounts[i]);
    const auto& products = shard.inventory.resource.rows();
    for (Inventory::Index i = 0; i < products.size(); ++i)
      facts["sku " + std::to_string(i) + " " + products[i].sku.str()] = fact(products[i]);
  }
  void add_open() {
    for (const auto& [transaction, promise] : shard.payment.open()) {
      std::string& text = facts["payment holds " + transaction_text(transaction)];
      if (promise.claim.creation) text += "opens " + promise.claim.creation->id.str();
      for (const auto& posting : promise.claim.postings)
        text += std::to_string(posting.row) + ": " + std::to_string(posting.amount) + " ";
    }
    for (const auto& [transaction, promise] : shard.inventory.open()) {
      std::string& text = facts["inventory holds " + transaction_text(transaction)];
      if (promise.claim.creation) text += "defines " + promise.claim.creation->sku.str();
      for (const auto& posting : promise.claim.postings)
        text += std::to_string(posting.row) + ": " + std::to_string(posting.amount) + " ";
    }
    for (const auto& [transaction, promise] : shard.order.open()) {
      std::string& text = facts["order holds " + transaction_text(transaction)];
      text += std::to_string(promise.claim.key.low) + " amends " + order_text(promise.claim.order);
    }
    for (const auto& [expires_at_ns, order] : shard.order.resource.reservations().by_expiry())
      facts["holds stock: " + reservation_text(order)] = "until " + std::to_string(expires_at_ns);
  }
  void add_order(const OrderId& order) {
    if (const OrderProgress* progress = shard.order.resource.find(order)) {
      facts[order_text(order)] = fact(*progress);
    } else if (const auto stored = archive_.progress(order)) {
      facts[order_text(order)] = fact(stored->progress);
    } else if (const auto made = archive_.made(order)) {
      facts[order_text(order)] = fact(made->progress);
    }
  }
  void add_key(const IdempotencyKey& key) {
    const KeyDigest digest = digest_of(key);
    const auto found = index_.find(digest.low);
    if (!found) {
      facts["key " + key.str()] = "error";
      return;
    }
    std::string text;
    for (const persistence::Locator& locator : *found) text += std::to_string(locator.packed) + " ";
    if (!found->empty()) facts["key " + key.str()] = text + (index_.maybe(digest.low) ? "" : "not in the filter");
  }
  void add_outcomes() {
    const persistence::Store::Reader reader(store_);
    const auto scanned = reader.scan(persistence::Stream::order, 1, [&](const persistence::Record& record) {
      const Position position = record.header.key;
      const auto read = persistence::read_order_prepared(record.payload, [&](const persistence::OrderItem& item) {
        const auto state = outcome(position, item.delta);
        items[item.transaction] = state;
        facts["outcome " + std::to_string(position) + " " + transaction_text(item.transaction)] =
            std::to_string(static_cast<int>(state));
        return true;
      });
      return static_cast<bool>(read);
    });
    if (!scanned) facts["error"] = "order journal";
  }
  persistence::ItemState outcome(Position position, std::uint32_t delta) {
    for (const persistence::OrderBatch& batch : shard.batches)
      if (batch.position == position) return static_cast<persistence::ItemState>(batch.states.at(delta));
    const auto stored = archive_.outcome(persistence::Locator::of(position, delta));
    return stored ? *stored : persistence::ItemState::absent;
  }

  const persistence::Store& store_;
  persistence::OrderArchive archive_;
  persistence::KeyIndex index_;
};

/// The lines in which two states differ.
inline std::string difference(const State& left, const State& right) {
  std::string out;
  const auto line = [&](const std::string& name, const std::string& a, const std::string& b) {
    out += "\n  " + name + ": " + a + " | " + b;
  };
  for (const auto& [name, text] : left) {
    const auto it = right.find(name);
    if (it == right.end() || it->second != text) line(name, text, it == right.end() ? "nothing" : it->second);
  }
  for (const auto& [name, text] : right)
    if (!left.contains(name)) line(name, "nothing", text);
  return out;
}

/// How what is recovered from a store with checkpoints, `cut`, differs from a replay of all its records, `whole`:
/// nothing if they agree. Two things a checkpoint may know better: which sites have acknowledged (records tell only of
/// transactions that all have), and how far a shard's transactions are settled.
inline std::string disagreement(RecoveredState& cut, RecoveredState& whole) {
  for (const auto& [transaction, sites] : cut.shard.unacknowledged) {
    const auto known = std::find_if(whole.shard.unacknowledged.begin(), whole.shard.unacknowledged.end(),
                                    [id = transaction](const auto& other) { return other.first == id; });
    if (known == whole.shard.unacknowledged.end() || (sites & ~known->second) != 0) continue;
    const std::string fact = "unacknowledged " + transaction_text(transaction);
    cut.facts[fact] = whole.facts[fact] = "some";
  }
  std::string out = cut.facts == whole.facts ? "" : difference(cut.facts, whole.facts);
  for (const auto& [shard, transaction] : whole.shard.high_water) {
    const auto known = cut.shard.high_water.find(shard);
    if (known != cut.shard.high_water.end() && known->second >= transaction) continue;
    out += "\n  high water " + transaction_text(transaction) + " is lost" +
           (known == cut.shard.high_water.end() ? "" : ", known is " + transaction_text(known->second));
  }
  return out;
}

}  // namespace kontor::testing
