#pragma once
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "tests/simulation/options.hpp"

namespace kontor::sim {

/// What each product and each account was, one committed change after the other, in the order in which its shard has
/// them on record. A read is linearizable if it shows the state after some prefix of that order: one that has all that
/// was answered, and all that was read, before it began. Linearizability is local (Herlihy, Wing 1990, theorem 1), so
/// each object is looked at by itself.
class History {
 public:
  /// From prepared records, as they become durable.
  void promised(ShardId shard, const TransactionId& transaction, std::span<const StockDemand> demands);
  void promised(ShardId shard, const TransactionId& transaction, std::span<const PaymentDemand> demands);
  /// The commit is on record at the shard.
  void committed(ShardId shard, const TransactionId& transaction);

  /// A client heard that it committed: no later read may miss it.
  void answered(const TransactionId& transaction);
  /// The shortest prefix that a read of the object which begins now may show.
  std::size_t floor(const std::string& object) const;
  /// What a read showed that began when the floor was `floor`. Empty: as it must be; else what is wrong.
  std::string read(const Product& product, std::size_t floor) { return read(name(product.sku), fact(product), floor); }
  std::string read(const Account& account, std::size_t floor) { return read(name(account.id), fact(account), floor); }

  static std::string name(const Sku& sku) { return "sku " + std::string(sku.str()); }
  static std::string name(const AccountId& account) { return "account " + std::string(account.str()); }

 private:
  /// Without promises: those come and go unordered.
  using Fact = std::vector<std::int64_t>;
  static Fact fact(const Product& product);
  static Fact fact(const Account& account) { return {account.balance}; }
  struct Object {
    std::vector<Fact> states{Fact{}};  ///< After each change; the first: it does not exist.
    std::size_t floor = 0;
  };
  struct Promise {
    std::vector<StockDemand> stocks;
    std::vector<PaymentDemand> payments;
  };
  std::string read(const std::string& object, const Fact& seen, std::size_t floor);
  void change(const std::string& object, Fact to, const TransactionId& by);

  boost::unordered_flat_map<std::pair<ShardId, TransactionId>, Promise> promises_;
  boost::unordered_flat_map<std::string, Object> objects_;
  boost::unordered_flat_map<TransactionId, std::vector<std::pair<std::string, std::size_t>>>
      changes_;  ///< Object, and its prefix.
};

}  // namespace kontor::sim
