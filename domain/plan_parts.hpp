#pragma once
#include "domain/plan.hpp"

/// What the files that plan have in common, and what `plan` and `plan_amendment` leave to others of them.
namespace kontor::planning {

/// See `plan`.
Result<void> checkout(const Checkout& checkout, const PriceList& prices, Plan& plan);
/// The payment of a whole order, as its checkout would have made it.
Result<void> pay(const Order& order, Plan& plan);
/// Every line of an order.
Result<void> move_all(const Order& order, StockAction action, Plan& plan);

Result<void> reserve(const Reserve& reserve, const PriceList& prices, std::int64_t begun_at_ns, Plan& plan);
Result<void> redeem(const Order& order, std::int64_t begun_at_ns, Plan& plan);
Result<void> release(const Release& release, const Order& order, std::int64_t begun_at_ns, Plan& plan);

}  // namespace kontor::planning
