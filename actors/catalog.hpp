#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <shared_mutex>
#include <span>

#include "domain/inventory.hpp"
#include "domain/plan.hpp"

namespace kontor::actors {

/// The price list that planning reads: a cache of every product's price and version. It may be stale; the version is
/// validated at prepare, so a stale price costs a refusal and never a wrong charge. Any thread.
class Catalog {
public:
  /// The authority speaks: the inventory actor, after a commit or at the start. Older versions are ignored.
  void set(std::span<const Product> products);
  /// A transaction that defines or prices `sku` committed: its caller must not see the list without it.
  void listed(const Sku& sku, Money price, bool first);
  std::size_t size() const;

  /// A view for planning many requests under one shared lock.
  class View : public PriceList {
  public:
    explicit View(const Catalog& catalog) : lock_(catalog.mutex_), prices_(catalog.prices_) {}
    const ListedPrice* find(const Sku& sku) const override {
      const auto it = prices_.find(sku);
      return it == prices_.end() ? nullptr : &it->second;
    }

  private:
    std::shared_lock<std::shared_mutex> lock_;
    const boost::unordered_flat_map<Sku, ListedPrice>& prices_;
  };

private:
  mutable std::shared_mutex mutex_;
  boost::unordered_flat_map<Sku, ListedPrice> prices_;
};

}  // namespace kontor::actors
