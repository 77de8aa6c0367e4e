#pragma once
#include <map>
#include <vector>

#include "domain/commit/participant.hpp"
#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "tests/domain/values.hpp"

/// The code under test, put together as the actors do it, without actors and without a disk.
namespace kontor::tests {

/// Three participants of one shard, and a shell that plans, asks all three, and remembers what was committed.
class Shop {
 public:
  /// What came of the votes. `open`: all said yes, and the decision is the test's to make.
  struct Begun {
    TransactionId transaction;
    Errc refusal = Errc::none;
    TransactionId repeat_of;
    bool open = false;
  };

  /// `now_ns` is when it begins.
  Begun begin(const Request& request, std::int64_t now_ns);
  /// A prepare that comes again: answered yes without a change. False if the transaction is not open.
  bool prepare_again(const TransactionId& transaction) const;
  void settle(const TransactionId& transaction, bool commit);

  /// The price list and the orders' snapshot learn what is committed by now.
  void refresh();
  /// Orders that nobody holds leave memory for the store, as after a checkpoint.
  void checkpoint();

  const Ledger& ledger() const { return payment_.resource; }
  const Inventory& inventory() const { return inventory_.resource; }
  const OrderBook& book() const { return order_.resource; }
  /// An order that was committed, as it is now.
  Order order(const OrderId& id) const;
  std::size_t open() const { return open_.size(); }

 private:
  struct Pending {
    Request request;
    std::optional<Order> order;  ///< That it makes, with resolved prices.
  };
  Result<void> plan_request(const Request& request, Plan& plan, std::int64_t now_ns) const;
  std::vector<OrderDemand> order_demands(const Request& request, const Plan& plan) const;
  void load_order(const OrderId& id);
  Begun vote(const TransactionId& id, const Request& request, const Plan& plan);

  commit::Participant<Ledger> payment_;
  commit::Participant<Inventory> inventory_;
  commit::Participant<OrderBook> order_;
  Position position_ = 0;
  std::uint64_t sequence_ = 0;
  Prices prices_;
  std::map<std::string, Enrolled> committed_keys_;
  std::map<OrderId, Order> made_;                                 ///< The order journal.
  std::map<OrderId, std::pair<OrderProgress, Position>> stored_;  ///< The table of orders.
  std::map<OrderId, OrderProgress> snapshot_;                     ///< What amendments are planned against; may be old.
  std::map<TransactionId, Pending> open_;
};

}  // namespace kontor::tests
