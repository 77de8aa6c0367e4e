#pragma once
#include "tests/persistence/same_demand.hpp"
#include "tests/support/any_operation.hpp"

/// Random demands as journals hold them.
namespace kontor::tests {

inline PaymentDemand any_payment() {
  return {any_name<AccountId>(), *rc::gen::element(PaymentAction::post, PaymentAction::open_account),
          *rc::gen::element(AccountKind::wallet, AccountKind::external), any_currency(),
          any_number<Minor>(-kAmountMinorMax, kAmountMinorMax)};
}
inline StockDemand any_stock() {
  return {any_name<Sku>(), static_cast<StockAction>(*rc::gen::inRange(1, 10)),
          Currency{any_number<std::uint16_t>(0, 999)}, any_version(),
          any_number<std::int64_t>(-kAmountMinorMax, kAmountMinorMax)};
}
inline OrderDemand any_amendment() {
  OrderDemand out;
  out.action = static_cast<OrderAction>(
      *rc::gen::inRange(static_cast<int>(OrderAction::cancel), static_cast<int>(OrderAction::expire) + 1));
  if (out.action == OrderAction::reserve) {
    out.expires_at_ns = any_time();
    return out;
  }
  out.expected_version = any_version();
  out.line = any_number<std::uint32_t>(0, kLinesMax - 1);
  out.quantity = any_units();
  out.order = any_transaction();
  return out;
}

}  // namespace kontor::tests
