#pragma once
#include <memory>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "domain/demands.hpp"
#include "domain/name_index.hpp"
#include "domain/rows.hpp"

/// Products, their prices and their stock. Pure. Escrow: a claim needs on_hand - held >= quantity, then any number of
/// transactions may be in doubt on one SKU.
/// Invariants: 0 <= held, 0 <= leaving <= reserved, held + reserved <= on_hand;
/// received + adjusted + returned == on_hand + sold.
namespace kontor {

struct Product {
  Sku sku;
  Currency currency;
  std::uint32_t version = 1;  ///< Grows with each price.
  bool pricing = false;       ///< A price change is promised and undecided.
  Minor price = 0;
  Units on_hand = 0;
  Units held = 0;      ///< Claimed, undecided; not yet set aside.
  Units incoming = 0;  ///< Promised to come in, undecided: not sellable, but room is kept for them.
  Units received = 0, adjusted = 0, sold = 0, returned = 0;  ///< Totals of what was committed.
  Units reserved = 0;                                        ///< Set aside by reservations: committed.
  Units leaving = 0;  ///< Of these, claimed by who redeems or releases a reservation, undecided.
  Units available() const { return on_hand - held - reserved; }
};

/// The inventory actor's resource; see commit/participant.hpp for what each function is for.
class Inventory {
 public:
  using Demand = StockDemand;
  using Row = Product;
  using Index = Rows<Product>::Index;

  struct Posting {
    std::int64_t amount = 0;
    Index row = 0;
    StockAction action = StockAction::sell;
  };
  struct Claim {
    boost::container::small_vector<Posting, 4> postings;
    std::unique_ptr<Product> creation;  ///< Set for define, which stands alone.
  };

  Inventory() = default;
  /// With room for fewer products: tests reach the bound that way.
  explicit Inventory(std::size_t products_max) : products_max_(products_max) {}

  /// May the demands of one transaction be promised? They are sorted by SKU, each once.
  /// Errors: unknown_sku, already_exists, conflict (being defined or priced), currency_mismatch, price_changed (figure:
  /// the version now), out_of_stock (figure: what is available), amount_out_of_range, too_large (products),
  /// invalid_argument; conflict, too, for a reservation of which this shard has not heard yet that it committed.
  /// `line` is the index of the demand.
  Result<Claim> decide(std::span<const StockDemand> demands) const;
  /// The claim of demands that were accepted before. Errors: unknown_sku (the journal contradicts itself).
  Result<Claim> resolve(std::span<const StockDemand> demands) const;
  /// The demands that `claim` came from; appended to `out`.
  void describe(const Claim& claim, std::vector<StockDemand>& out) const;

  void hold(const Posting& posting);
  void settle(const Posting& posting, bool commit);
  void hold_creation(const Product& product) { creating_.insert(product.sku); }
  void settle_creation(const Product& product, bool commit);

  /// Products defined or priced since the last call: what a price list must learn.
  std::vector<Product> take_repriced();

  /// A hint that these will be decided soon.
  void prefetch(std::span<const StockDemand> demands) const {
    for (const StockDemand& demand : demands)
      if (const auto row = by_sku_.candidate(demand.sku)) rows_.prefetch(*row);
  }
  const Product* find(const Sku& sku) const;
  std::optional<Index> row_of(const Sku& sku) const {
    return by_sku_.find(sku, [this](Index row) -> const Sku& { return rows_[row].sku; });
  }
  const Rows<Product>& rows() const { return rows_; }
  Rows<Product>& rows() { return rows_; }
  /// Adds a row, from a commit or a checkpoint. False: it is there already.
  bool add(const Product& product);

 private:
  std::size_t products_max_ = kProductsMax;
  Rows<Product> rows_;
  NameIndex<Sku> by_sku_;
  boost::unordered_flat_set<Sku> creating_;
  std::vector<Index> repriced_;
};

}  // namespace kontor
