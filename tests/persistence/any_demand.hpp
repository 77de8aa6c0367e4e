#pragma once
#include "tests/support/any_operation.hpp"

/// Random demands as journals hold them, and what it means that two are the same.
namespace kontor::tests {

inline PaymentDemand any_payment() {
  return {any_name<AccountId>(), *rc::gen::element(PaymentAction::post, PaymentAction::open_account),
          *rc::gen::element(AccountKind::wallet, AccountKind::external), any_currency(),
          any_number<Minor>(-kAmountMinorMax, kAmountMinorMax)};
}
inline StockDemand any_stock() {
  return {any_name<Sku>(), static_cast<StockAction>(*rc::gen::inRange(1, 7)),
          Currency{any_number<std::uint16_t>(0, 999)}, any_version(),
          any_number<std::int64_t>(-kAmountMinorMax, kAmountMinorMax)};
}
inline OrderDemand any_amendment() {
  OrderDemand out;
  out.action = *rc::gen::element(OrderAction::cancel, OrderAction::refund, OrderAction::fulfil);
  out.expected_version = any_version();
  out.line = any_number<std::uint32_t>(0, kLinesMax - 1);
  out.quantity = any_units();
  out.order = any_transaction();
  return out;
}

inline bool same(const PaymentDemand& a, const PaymentDemand& b) {
  return a.account == b.account && a.action == b.action && a.kind == b.kind && a.currency == b.currency &&
         a.amount == b.amount;
}
inline bool same(const StockDemand& a, const StockDemand& b) {
  return a.sku == b.sku && a.action == b.action && a.currency == b.currency &&
         a.expected_version == b.expected_version && a.amount == b.amount;
}
/// Without the offsets of the body, which belong to a bundle and not to the record.
inline bool same(const OrderDemand& a, const OrderDemand& b) {
  return a.action == b.action && a.kind == b.kind && a.expected_version == b.expected_version && a.line == b.line &&
         a.quantity == b.quantity && a.order == b.order && a.fingerprint == b.fingerprint && a.key == b.key;
}
template <class A, class B>
bool all_same(const A& a, const B& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

}  // namespace kontor::tests
