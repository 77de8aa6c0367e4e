#pragma once
#include <deque>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <span>

#include "domain/inventory.hpp"
#include "domain/name_index.hpp"
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
  /// Their authority may have said something that was not heard: they are unknown until it speaks again.
  void forget(const std::function<bool(const Sku&)>& which);
  std::size_t size() const;

  /// A view for planning many requests under one shared lock.
  class View : public PriceList {
   public:
    explicit View(const Catalog& catalog) : lock_(catalog.mutex_), catalog_(catalog) {}
    const ListedPrice* find(const Sku& sku) const override { return catalog_.find(sku); }
    /// A hint that `checkout` will be planned soon.
    void prefetch(const Checkout& checkout) const;

   private:
    std::shared_lock<std::shared_mutex> lock_;
    const Catalog& catalog_;
  };

 private:
  struct Entry {
    Sku sku;
    ListedPrice listed;
  };
  const ListedPrice* find(const Sku& sku) const;
  ListedPrice& entry(const Sku& sku);  ///< Made when missing, with version 0.

  mutable std::shared_mutex mutex_;
  NameIndex<Sku> by_sku_;
  std::deque<Entry> entries_;
};

}  // namespace kontor::actors
