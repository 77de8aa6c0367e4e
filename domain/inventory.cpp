#include "domain/inventory.hpp"

namespace kontor {
namespace {

/// How an action moves units: out of what is available through `held`, out of what is reserved through `leaving`, or
/// in through `incoming`.
bool takes(const Inventory::Posting& posting) {
  return posting.action == StockAction::sell || posting.action == StockAction::reserve ||
         (posting.action == StockAction::adjust && posting.amount < 0);
}
bool ends_reservation(const Inventory::Posting& posting) {
  return posting.action == StockAction::redeem || posting.action == StockAction::release;
}
Units magnitude(const Inventory::Posting& posting) { return posting.amount < 0 ? -posting.amount : posting.amount; }
/// Where its units are while nobody knows how it ends.
Units& in_doubt(Product& product, const Inventory::Posting& posting) {
  if (takes(posting)) return product.held;
  return ends_reservation(posting) ? product.leaving : product.incoming;
}

/// Each counter has room for what is promised already and for `demand`; claims of every kind count against each.
bool has_room(const Product& product, const StockDemand& demand, Units units) {
  switch (demand.action) {
    case StockAction::sell:
    case StockAction::reserve: return product.sold + product.held + product.reserved + units <= kStockUnitsMax;
    case StockAction::redeem:
    case StockAction::release: return true;  // Room was kept when they were set aside.
    case StockAction::take_back: return product.returned + product.incoming + units <= kStockUnitsMax;
    case StockAction::receive: return product.received + product.incoming + units <= kStockUnitsMax;
    case StockAction::adjust:
      return demand.amount < 0 ? product.adjusted - product.held - units >= -kStockUnitsMax
                               : product.adjusted + product.incoming + units <= kStockUnitsMax;
    case StockAction::define:
    case StockAction::set_price: break;
  }
  return false;
}

Result<void> check_units(const Product& product, const StockDemand& demand, std::uint32_t line) {
  constexpr Units kDemandMax = kQuantityUnitsMax * static_cast<Units>(kLinesMax);
  if (demand.amount > kDemandMax || demand.amount < -kDemandMax)
    return Error{Errc::amount_out_of_range, "quantity", line};
  const Units units = demand.amount < 0 ? -demand.amount : demand.amount;
  if (demand.amount < 1 && demand.action != StockAction::adjust) return Error{Errc::invalid_argument, "quantity", line};
  const Inventory::Posting posting{demand.amount, 0, demand.action};
  if (takes(posting)) {
    if (units > product.available()) return Error{Errc::out_of_stock, "sku", line, product.available()};
  } else if (ends_reservation(posting)) {
    if (units > product.reserved - product.leaving) return Error{Errc::conflict, "is being reserved", line};
  } else if (product.on_hand + product.incoming + units > kStockUnitsMax) {
    return Error{Errc::amount_out_of_range, "stock", line};
  }
  if (!has_room(product, demand, units)) return Error{Errc::amount_out_of_range, "stock", line};
  return {};
}

Result<void> check(const Product& product, const StockDemand& demand, std::uint32_t line) {
  if (demand.expected_version != 0 && demand.expected_version != product.version)
    return Error{Errc::price_changed, "expected_version", line, product.version};
  if (demand.currency && demand.currency != product.currency) return Error{Errc::currency_mismatch, "sku", line};
  if (demand.action != StockAction::set_price) return check_units(product, demand, line);
  if (product.pricing) return Error{Errc::conflict, "price is being set", line};
  if (demand.amount < 0 || demand.amount > kAmountMinorMax) return Error{Errc::amount_out_of_range, "price", line};
  return {};
}

}  // namespace

Result<Inventory::Claim> Inventory::decide(std::span<const StockDemand> demands) const {
  Claim claim;
  std::uint32_t line = 0;
  const StockDemand* previous = nullptr;
  for (const StockDemand& demand : demands) {
    if (previous && !(previous->sku < demand.sku)) return Error{Errc::invalid_argument, "sku named twice", line};
    previous = &demand;
    const auto row = row_of(demand.sku);
    if (demand.action == StockAction::define) {
      if (demands.size() != 1) return Error{Errc::invalid_argument, "sku"};
      if (row) return Error{Errc::already_exists, "sku"};
      if (creating_.contains(demand.sku)) return Error{Errc::conflict, "product is being defined"};
      if (rows_.size() + creating_.size() >= products_max_) return Error{Errc::too_large, "products"};
      return resolve(demands);
    }
    if (!row) return Error{Errc::unknown_sku, "sku", line};
    if (auto allowed = check(rows_[*row], demand, line); !allowed) return allowed.error();
    claim.postings.push_back({demand.amount, *row, demand.action});
    ++line;
  }
  return claim;
}

Result<Inventory::Claim> Inventory::resolve(std::span<const StockDemand> demands) const {
  Claim claim;
  for (const StockDemand& demand : demands) {
    if (demand.action == StockAction::define) {
      Product product;
      product.sku = demand.sku;
      product.currency = demand.currency;
      product.price = demand.amount;
      claim.creation = std::make_unique<Product>(product);
      continue;
    }
    const auto row = row_of(demand.sku);
    if (!row) return Error{Errc::unknown_sku, "sku"};
    claim.postings.push_back({demand.amount, *row, demand.action});
  }
  return claim;
}

void Inventory::describe(const Claim& claim, std::vector<StockDemand>& out) const {
  if (const Product* product = claim.creation.get())
    out.push_back({product->sku, StockAction::define, product->currency, 0, product->price});
  for (const Posting& posting : claim.postings) {
    const Product& product = rows_[posting.row];
    out.push_back({product.sku, posting.action, product.currency, 0, posting.amount});
  }
}

void Inventory::hold(const Posting& posting) {
  Product& product = rows_.change(posting.row);
  if (posting.action == StockAction::set_price) {
    product.pricing = true;
  } else {
    in_doubt(product, posting) += magnitude(posting);
  }
}

void Inventory::settle(const Posting& posting, bool commit) {
  Product& product = rows_.change(posting.row);
  if (posting.action == StockAction::set_price) {
    product.pricing = false;
    if (!commit) return;
    product.price = posting.amount;
    ++product.version;
    repriced_.push_back(posting.row);
    return;
  }
  const Units units = magnitude(posting);
  in_doubt(product, posting) -= units;
  assert(product.held >= 0 && product.incoming >= 0 && product.leaving >= 0);
  if (!commit) return;
  switch (posting.action) {
    case StockAction::sell: product.on_hand -= units, product.sold += units; break;
    case StockAction::take_back: product.on_hand += units, product.returned += units; break;
    case StockAction::receive: product.on_hand += units, product.received += units; break;
    case StockAction::adjust: product.on_hand += posting.amount, product.adjusted += posting.amount; break;
    case StockAction::reserve: product.reserved += units; break;
    case StockAction::redeem: product.reserved -= units, product.on_hand -= units, product.sold += units; break;
    case StockAction::release: product.reserved -= units; break;
    case StockAction::define:
    case StockAction::set_price: assert(false); break;
  }
  assert(product.leaving <= product.reserved && product.held + product.reserved <= product.on_hand);
}

void Inventory::settle_creation(const Product& product, bool commit) {
  creating_.erase(product.sku);
  if (commit) add(product);
}

const Product* Inventory::find(const Sku& sku) const {
  const auto row = row_of(sku);
  return row ? &rows_[*row] : nullptr;
}

bool Inventory::add(const Product& product) {
  if (row_of(product.sku)) return false;
  repriced_.push_back(rows_.add(product));
  by_sku_.add(product.sku, repriced_.back());
  return true;
}

std::vector<Product> Inventory::take_repriced() {
  std::vector<Product> out;
  for (const Index row : std::exchange(repriced_, {})) out.push_back(rows_[row]);
  return out;
}

}  // namespace kontor
