#include "actors/catalog.hpp"

namespace kontor::actors {

const ListedPrice* Catalog::find(const Sku& sku) const {
  const auto row = by_sku_.find(sku, [this](auto i) -> const Sku& { return entries_[i].sku; });
  return row && entries_[*row].listed.version != 0 ? &entries_[*row].listed : nullptr;
}

void Catalog::View::prefetch(const Checkout& checkout) const {
  for (const Line& line : checkout.lines)
    if (const auto row = catalog_.by_sku_.candidate(line.sku)) __builtin_prefetch(&catalog_.entries_[*row]);
}

ListedPrice& Catalog::entry(const Sku& sku) {
  if (const auto row = by_sku_.find(sku, [this](auto i) -> const Sku& { return entries_[i].sku; }))
    return entries_[*row].listed;
  by_sku_.add(sku, static_cast<std::uint32_t>(entries_.size()));
  return entries_.emplace_back(Entry{sku, {}}).listed;
}

void Catalog::set(std::span<const Product> products) {
  if (products.empty()) return;
  const std::unique_lock lock(mutex_);
  for (const Product& product : products) {
    ListedPrice& listed = entry(product.sku);
    if (product.version < listed.version) continue;
    listed = {{product.price, product.currency}, product.version};
  }
}

void Catalog::listed(const Sku& sku, Money price, bool first) {
  const std::unique_lock lock(mutex_);
  ListedPrice& listed = entry(sku);
  if (first) {
    if (listed.version == 0) listed = {price, 1};
  } else if (listed.price != price) {
    // The inventory actor will say which version this is; the next one is right unless prices race.
    listed = {price, listed.version + 1};
  }
}

void Catalog::forget(const std::function<bool(const Sku&)>& which) {
  const std::unique_lock lock(mutex_);
  for (Entry& entry : entries_)
    if (which(entry.sku)) entry.listed = {};
}

std::size_t Catalog::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

}  // namespace kontor::actors
