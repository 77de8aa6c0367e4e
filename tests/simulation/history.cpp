#include "tests/simulation/history.hpp"

#include <algorithm>

namespace kontor::sim {
namespace {

enum Field : std::size_t { price, version, on_hand, sold, received, adjusted, returned, reserved, kFields };

}  // namespace

History::Fact History::fact(const Product& p) {
  return {p.price,   static_cast<std::int64_t>(p.version), p.on_hand, p.sold, p.received, p.adjusted, p.returned,
          p.reserved};
}

void History::promised(ShardId shard, const TransactionId& transaction, std::span<const StockDemand> demands) {
  promises_[{shard, transaction}].stocks.assign(demands.begin(), demands.end());
}
void History::promised(ShardId shard, const TransactionId& transaction, std::span<const PaymentDemand> demands) {
  promises_[{shard, transaction}].payments.assign(demands.begin(), demands.end());
}

void History::committed(ShardId shard, const TransactionId& transaction) {
  const auto found = promises_.find({shard, transaction});
  if (found == promises_.end()) return;  // Nothing of it lives here, or it is on record already.
  const Promise promise = std::move(found->second);
  promises_.erase(found);
  // One change of each object, however many demands it takes: a few.
  std::vector<std::pair<std::string, Fact>> to;
  const auto now = [&](std::string object) -> Fact& {
    const auto known = std::find_if(to.begin(), to.end(), [&](const auto& other) { return other.first == object; });
    if (known != to.end()) return known->second;
    const Fact& last = objects_[object].states.back();
    return to.emplace_back(std::move(object), last).second;
  };
  for (const StockDemand& demand : promise.stocks) {
    Fact& fact = now(name(demand.sku));
    fact.resize(kFields);
    const std::int64_t amount = demand.amount;
    switch (demand.action) {
      case StockAction::sell: fact[on_hand] -= amount, fact[sold] += amount; break;
      case StockAction::take_back: fact[on_hand] += amount, fact[returned] += amount; break;
      case StockAction::receive: fact[on_hand] += amount, fact[received] += amount; break;
      case StockAction::adjust: fact[on_hand] += amount, fact[adjusted] += amount; break;
      case StockAction::reserve: fact[reserved] += amount; break;
      case StockAction::redeem: fact[reserved] -= amount, fact[on_hand] -= amount, fact[sold] += amount; break;
      case StockAction::release: fact[reserved] -= amount; break;
      case StockAction::define:
      case StockAction::set_price: fact[price] = amount, ++fact[version]; break;
    }
  }
  for (const PaymentDemand& demand : promise.payments) {
    Fact& fact = now(name(demand.account));
    fact.resize(1);
    if (demand.action == PaymentAction::post) fact[0] += demand.amount;
  }
  for (auto& [object, fact] : to) change(object, std::move(fact), transaction);
}

void History::change(const std::string& object, Fact to, const TransactionId& by) {
  std::vector<Fact>& states = objects_[object].states;
  changes_[by].emplace_back(object, states.size());
  states.push_back(std::move(to));
}

void History::answered(const TransactionId& transaction) {
  const auto found = changes_.find(transaction);
  if (found == changes_.end()) return;
  for (const auto& [name, prefix] : found->second) {
    Object& object = objects_[name];
    object.floor = std::max(object.floor, prefix);
  }
  changes_.erase(found);
}

std::size_t History::floor(const std::string& object) const {
  const auto it = objects_.find(object);
  return it == objects_.end() ? 0 : it->second.floor;
}

std::string History::read(const std::string& name, const Fact& seen, std::size_t floor) {
  Object& object = objects_[name];
  const auto begin = object.states.begin() + static_cast<std::ptrdiff_t>(floor);
  const auto found = std::find(begin, object.states.end(), seen);
  if (found == object.states.end()) {
    std::string out = name + " was read as";
    for (const std::int64_t field : seen) out += " " + std::to_string(field);
    out += ", which it was not since change " + std::to_string(floor) + ":";
    for (auto it = begin; it != object.states.end(); ++it) {
      out += " |";
      for (const std::int64_t field : *it) out += " " + std::to_string(field);
    }
    return out;
  }
  // Seen once, it is seen by all who look later. Of equal states it was the first, as far as anybody can tell.
  object.floor = std::max(object.floor, static_cast<std::size_t>(found - object.states.begin()));
  return {};
}

}  // namespace kontor::sim
