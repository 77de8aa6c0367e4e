#pragma once
#include <span>
#include <string>
#include <vector>

#include "tests/simulation/random.hpp"
#include "tests/support/shop_words.hpp"

namespace kontor::sim {

/// What clients ask for: a small shop whose names lie on all shards, with one product that everybody wants.
class Workload {
 public:
  explicit Workload(std::uint64_t seed) : random_(seed, 3) {}

  /// Who may buy and what there is, in two parts: the second needs the first.
  static std::vector<Operation> accounts_and_products();
  static std::vector<Operation> money_and_stock(bool scarce);
  /// `orders`: those that a client knows to be placed; `reservations`: to be reserved.
  Operation next(const std::vector<OrderId>& orders, const std::vector<OrderId>& reservations);
  Sku any_sku();
  AccountId any_account();

 private:
  Checkout checkout();
  Operation amendment(std::span<const OrderId> orders);
  Operation reservation(std::span<const OrderId> reservations);
  AccountId buyer();
  AccountId seller();

  Random random_;
};

}  // namespace kontor::sim
