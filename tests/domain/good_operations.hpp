#pragma once
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/domain/values.hpp"

/// One request of each kind that planning accepts, and what a test breaks in it.
namespace kontor::tests {

inline constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

inline OpenAccount good_wallet() { return {account("alice"), kGbp, AccountKind::wallet, 100}; }
inline Deposit good_deposit() { return {account("bank"), account("alice"), gbp(5'000)}; }
inline Withdraw good_withdrawal() { return {account("alice"), account("bank"), gbp(5'000)}; }
inline Transfer good_transfer() { return {account("alice"), account("bob"), gbp(5'000)}; }
inline DefineProduct good_product() { return {sku("mug"), gbp(1'200)}; }
inline SetPrice good_price() { return {sku("mug"), gbp(1'300), 4}; }
inline ReceiveStock good_receipt() { return {{{sku("mug"), 10}, {sku("cup"), 5}}}; }
inline AdjustStock good_adjustment() { return {{{sku("mug"), -3}, {sku("cup"), 5}}}; }
inline UnmatchedRefund good_return() {
  return {account("alice"), account("shop"), kGbp, {{sku("mug"), 2, 1'200}, {sku("cup"), 1, 0}}};
}

/// Two payees, a fee, and lines with and without a price of their own.
inline Checkout good_checkout() {
  Checkout checkout;
  checkout.customer = account("alice");
  checkout.currency = kGbp;
  checkout.payees = {account("shop"), account("potter")};
  checkout.lines = {{sku("mug"), 2, 1'250, 0, 0}, {sku("cup"), 3, kCatalogPrice, 0, 1}};
  checkout.fee = {account("platform"), 250};
  return checkout;
}

inline constexpr std::int64_t kExpiry = 1'800'000'000'000'000'000;
inline Reserve good_reservation() { return {good_checkout(), kExpiry}; }

inline Prices good_prices() {
  return Prices{{"mug", {gbp(1'200), 4}}, {"cup", {gbp(800), 2}}, {"tasse", {eur(900), 1}}};
}

/// What is done to a good operation, and the code that must come of it.
template <class Op>
struct Broken {
  std::string how;
  std::function<void(Op&)> change;
  Errc code = Errc::invalid_argument;
  std::uint32_t line = 0;
};

/// The good operation is accepted; each broken one is refused with its code, and its line where it has one.
template <class Op>
void require_refusals(const Op& good, const std::vector<Broken<Op>>& rows) {
  Plan plan;
  REQUIRE(kontor::plan(good, good_prices(), plan));
  for (const Broken<Op>& row : rows) {
    INFO(row.how);
    Op broken = good;
    row.change(broken);
    const auto planned = kontor::plan(broken, good_prices(), plan);
    CHECK(planned.code() == row.code);
    if (!planned) CHECK(planned.error().line == row.line);
  }
}

}  // namespace kontor::tests
