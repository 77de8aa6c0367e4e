#pragma once
#include "domain/demands.hpp"

/// What it means that two demands are the same.
namespace kontor::tests {

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
         a.quantity == b.quantity && a.order == b.order && a.fingerprint == b.fingerprint && a.key == b.key &&
         a.expires_at_ns == b.expires_at_ns;
}
template <class A, class B>
bool all_same(const A& a, const B& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

}  // namespace kontor::tests
