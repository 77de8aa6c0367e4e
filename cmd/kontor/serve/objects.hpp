#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "cmd/kontor/serve/read_cache.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kCachedProductsMax = 16'384;  // 3 MB; the products that most visitors look at.
inline constexpr std::size_t kCachedAccountsMax = 16'384;  // 3 MB.
inline constexpr std::size_t kCachedOrdersMax = 4'096;     // 24 MB at most:
inline constexpr std::size_t kCachedOrderLinesMax = 64;    // longer orders are read each time.

/// What an operation reads or changes, as far as it names it.
struct Touched {
  std::vector<AccountId> accounts;
  std::vector<Sku> skus;
  std::optional<OrderId> order;  ///< Placed, or amended: then its parties and products are touched, too.
};
Touched touched_by(const Operation& operation, const TransactionId& transaction);

/// Products, accounts and orders of an engine, read through caches. Any thread. The engine outlives it, and answers no
/// read of it after its end.
class Objects {
 public:
  /// `keeps`: false in a cluster, where other nodes tell of commits that this one has not heard of.
  explicit Objects(Engine& engine, bool keeps = true);

  void product(const Sku& sku, OnRead<Product> then) {
    keeps_ ? products_.read(sku, std::move(then)) : engine_.product(sku, std::move(then));
  }
  void account(const AccountId& id, OnRead<Account> then) {
    keeps_ ? accounts_.read(id, std::move(then)) : engine_.account(id, std::move(then));
  }
  void order(const OrderId& id, OnRead<Order> then) {
    keeps_ ? orders_.read(id, std::move(then)) : engine_.order(id, std::move(then));
  }

  /// Forgets what `operation` touched, whatever became of it. Before anybody is told of its outcome. An order: it must
  /// be asked what else was touched, by forget_parties.
  std::optional<OrderId> forget(const Operation& operation, const TransactionId& transaction);
  /// `then` is called on an engine thread when what `order` touches is forgotten.
  void forget_parties(const OrderId& order, std::function<void()> then);
  /// The same of what the log tells.
  void forget(const Event& event);
  /// The same of what was read past the caches.
  void forget(const Order& order);
  void forget(const Product& product) { products_.forget(product.sku); }

  ReadCache<Sku, Product>::Counters products() const { return products_.counters(); }
  ReadCache<AccountId, Account>::Counters accounts() const { return accounts_.counters(); }
  ReadCache<OrderId, Order>::Counters orders() const { return orders_.counters(); }

 private:
  bool idle() const { return products_.idle() && accounts_.idle() && orders_.idle(); }
  void forget(const Touched& touched);

  Engine& engine_;
  const bool keeps_;
  ReadCache<Sku, Product> products_;
  ReadCache<AccountId, Account> accounts_;
  ReadCache<OrderId, Order> orders_;
};

}  // namespace kontor::cmd::serve
