#pragma once
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/operations.hpp"

namespace kontor::cmd::replay {

/// What customers bought and have not given back yet, so that a refund finds the newest earlier purchases of the same
/// customer, SKU and price. Pure.
class Purchases {
 public:
  /// Whose, what, at which price: indices of InvoiceFile.
  struct Key {
    std::uint32_t customer = 0, sku = 0;
    Minor price = 0;
    friend bool operator==(const Key&, const Key&) = default;
    friend std::size_t hash_value(const Key& key) {
      const std::uint64_t who = std::uint64_t{key.customer} << 32 | key.sku;
      return (who * 0x9e3779b97f4a7c15u) ^ (static_cast<std::uint64_t>(key.price) * 0xc2b2ae3d27d4eb4fu);
    }
  };
  /// Part of one order's line.
  struct Part {
    std::uint32_t order = 0, line = 0;
    Units quantity = 0;
  };

  /// A purchase; later calls are newer.
  void add(const Key& key, const Part& part) { by_key_[key].push_back(part); }

  /// Takes up to `quantity` units off the newest purchases and appends where they came from to `parts`.
  /// Returns for how many units there was no purchase.
  Units take(const Key& key, Units quantity, std::vector<Part>& parts);

 private:
  boost::unordered_flat_map<Key, std::vector<Part>> by_key_;  ///< Newest last; none is empty.
};

}  // namespace kontor::cmd::replay
