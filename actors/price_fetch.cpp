#include "actors/price_fetch.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "domain/placement.hpp"

namespace kontor::actors {

void fetch_prices(Fabric& fabric, std::vector<Unpriced> checkouts,
                  std::function<void(std::span<const Unpriced>)> then) {
  std::set<Sku> wanted;
  {
    const Catalog::View prices(fabric.catalog);
    for (const Unpriced& checkout : checkouts)
      for (const Line& line : std::get<Checkout>(checkout.request.operation).lines)
        if (!prices.find(line.sku)) wanted.insert(line.sku);
  }
  struct Fetch {
    std::vector<Unpriced> checkouts;
    std::function<void(std::span<const Unpriced>)> then;
    std::atomic<std::size_t> left{0};
    std::mutex mutex;
    std::map<Sku, Error> failed;
  };
  const auto fetch = std::make_shared<Fetch>();
  fetch->checkouts = std::move(checkouts), fetch->then = std::move(then);
  fetch->left = wanted.size() + 1;
  const auto answered = [fetch] {
    if (--fetch->left != 0) return;
    for (Unpriced& checkout : fetch->checkouts)
      for (const Line& line : std::get<Checkout>(checkout.request.operation).lines)
        if (const auto it = fetch->failed.find(line.sku); it != fetch->failed.end()) checkout.refusal = it->second;
    fetch->then(fetch->checkouts);
  };
  for (const Sku& sku : wanted) {
    const auto listed = [&fabric, fetch, sku, answered](const Result<Product>& product) {
      if (product) {
        fabric.catalog.set({&*product, 1});
      } else {
        const std::lock_guard guard(fetch->mutex);
        fetch->failed.emplace(sku, product.error());
      }
      answered();
    };
    caf::anon_send(fabric.shards[home_of(sku, fabric.size())].inventory, ReadProduct{sku, listed});
  }
  answered();
}

}  // namespace kontor::actors
