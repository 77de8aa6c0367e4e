// Reservations: stock is set aside until a time; then it is paid and sold, or given back. Whether that time has come is
// told by the beginning of the transaction that asks, which is a field of it.
#include "domain/plan_parts.hpp"

namespace kontor::planning {
namespace {

/// When a reservation that begins now expires. Errors: invalid_argument, too_large.
Result<std::int64_t> expiry_of(const Reserve& reserve, std::int64_t begun_at_ns) {
  if (reserve.expires_at_ns < 0 || reserve.expires_in_ns < 0) return Error{Errc::invalid_argument, "expiry"};
  if ((reserve.expires_at_ns == 0) == (reserve.expires_in_ns == 0)) return Error{Errc::invalid_argument, "expiry"};
  if (reserve.expires_in_ns > kReservationNsMax) return Error{Errc::too_large, "expiry"};
  if (reserve.expires_in_ns != 0) return begun_at_ns + reserve.expires_in_ns;
  if (reserve.expires_at_ns - begun_at_ns > kReservationNsMax) return Error{Errc::too_large, "expiry"};
  return reserve.expires_at_ns;
}

/// A reservation as a whole, which is `reserved` now, becomes something else. Errors: order_state.
Result<void> end(const Order& order, OrderAction action, std::int64_t begun_at_ns, Plan& plan) {
  if (auto allowed = check_amendment(order.progress, action, 0, 0); !allowed) return allowed;
  OrderDemand demand;
  demand.action = action;
  demand.expected_version = order.progress.version;
  demand.order = order.id;
  plan.amendments.push_back(demand);
  plan.begun_at_ns = begun_at_ns;
  return {};
}

}  // namespace

/// The parties' accounts take part with nothing to pay: who could never redeem it is refused now.
Result<void> reserve(const Reserve& reserve, const PriceList& prices, std::int64_t begun_at_ns, Plan& plan) {
  const auto expires_at_ns = expiry_of(reserve, begun_at_ns);
  if (!expires_at_ns) return expires_at_ns.error();
  if (auto ok = checkout(reserve.checkout, prices, plan); !ok) return ok;
  for (StockDemand& demand : plan.stocks) demand.action = StockAction::reserve;
  for (PaymentDemand& demand : plan.payments) demand.amount = 0;
  OrderDemand demand;
  demand.action = OrderAction::reserve;
  demand.expires_at_ns = *expires_at_ns;
  plan.amendments.push_back(demand);
  plan.begun_at_ns = begun_at_ns;
  plan.expires_at_ns = *expires_at_ns;
  if (*expires_at_ns <= begun_at_ns) return Error{Errc::reservation_expired, "expiry"};
  return {};
}

Result<void> redeem(const Order& order, std::int64_t begun_at_ns, Plan& plan) {
  if (order.progress.status == OrderStatus::expired) return Error{Errc::reservation_expired, "expires_at"};
  if (auto ended = end(order, OrderAction::redeem, begun_at_ns, plan); !ended) return ended;
  if (begun_at_ns >= order.expires_at_ns) return Error{Errc::reservation_expired, "expires_at"};
  if (auto moved = move_all(order, StockAction::redeem, plan); !moved) return moved;
  return pay(order, plan);
}

Result<void> release(const Release& release, const Order& order, std::int64_t begun_at_ns, Plan& plan) {
  const bool expired = release.reason == ReleaseReason::expired;
  if (!expired && release.reason != ReleaseReason::asked) return Error{Errc::invalid_argument, "reason"};
  const auto action = expired ? OrderAction::expire : OrderAction::release;
  if (auto ended = end(order, action, begun_at_ns, plan); !ended) return ended;
  if (expired && begun_at_ns < order.expires_at_ns) return Error{Errc::order_state, "has not expired"};
  return move_all(order, StockAction::release, plan);
}

}  // namespace kontor::planning
