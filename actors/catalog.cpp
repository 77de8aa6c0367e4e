#include "actors/catalog.hpp"

namespace kontor::actors {

void Catalog::set(std::span<const Product> products) {
  if (products.empty()) return;
  const std::unique_lock lock(mutex_);
  for (const Product& product : products) {
    ListedPrice& listed = prices_[product.sku];
    if (product.version < listed.version) continue;
    listed = {{product.price, product.currency}, product.version};
  }
}

void Catalog::listed(const Sku& sku, Money price, bool first) {
  const std::unique_lock lock(mutex_);
  ListedPrice& listed = prices_[sku];
  if (first) {
    if (listed.version == 0) listed = {price, 1};
  } else if (listed.price != price) {
    // The inventory actor will say which version this is; the next one is right unless prices race.
    listed = {price, listed.version + 1};
  }
}

std::size_t Catalog::size() const {
  const std::shared_lock lock(mutex_);
  return prices_.size();
}

}  // namespace kontor::actors
