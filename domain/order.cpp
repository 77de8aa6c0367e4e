#include "domain/order.hpp"

#include <algorithm>

namespace kontor {

std::string_view to_string(OrderStatus status) {
  switch (status) {
    case OrderStatus::placed: return "placed";
    case OrderStatus::cancelled: return "cancelled";
    case OrderStatus::reserved: return "reserved";
    case OrderStatus::released: return "released";
    case OrderStatus::expired: return "expired";
  }
  return "unlisted";
}

std::string_view to_string(PaymentStatus status) {
  switch (status) {
    case PaymentStatus::paid: return "paid";
    case PaymentStatus::partially_refunded: return "partially_refunded";
    case PaymentStatus::refunded: return "refunded";
    case PaymentStatus::unpaid: return "unpaid";
  }
  return "unlisted";
}

std::string_view to_string(FulfilmentStatus status) {
  switch (status) {
    case FulfilmentStatus::unfulfilled: return "unfulfilled";
    case FulfilmentStatus::partially_fulfilled: return "partially_fulfilled";
    case FulfilmentStatus::fulfilled: return "fulfilled";
  }
  return "unlisted";
}

PaymentStatus payment_status(const OrderProgress& order) {
  const auto& lines = order.lines;
  if (order.status != OrderStatus::placed && order.status != OrderStatus::cancelled) return PaymentStatus::unpaid;
  if (std::all_of(lines.begin(), lines.end(), [](const auto& line) { return line.refundable() == 0; }))
    return PaymentStatus::refunded;
  if (std::any_of(lines.begin(), lines.end(), [](const auto& line) { return line.refunded > 0; }))
    return PaymentStatus::partially_refunded;
  return PaymentStatus::paid;
}

FulfilmentStatus fulfilment_status(const OrderProgress& order) {
  const auto& lines = order.lines;
  if (std::none_of(lines.begin(), lines.end(), [](const auto& line) { return line.fulfilled > 0; }))
    return FulfilmentStatus::unfulfilled;
  if (std::all_of(lines.begin(), lines.end(), [](const auto& line) { return line.fulfillable() == 0; }))
    return FulfilmentStatus::fulfilled;
  return FulfilmentStatus::partially_fulfilled;
}

OrderProgress placed(const Checkout& checkout) {
  OrderProgress progress;
  progress.lines.reserve(checkout.lines.size());
  for (const Line& line : checkout.lines) progress.lines.push_back({line.quantity, 0, 0});
  return progress;
}

std::optional<Order> order_made(const OrderId& id, const Operation& operation) {
  if (const auto* checkout = std::get_if<Checkout>(&operation)) return Order{id, *checkout, placed(*checkout)};
  const auto* reserve = std::get_if<Reserve>(&operation);
  if (!reserve) return {};
  Order order{id, reserve->checkout, placed(reserve->checkout), reserve->expires_at_ns};
  order.progress.status = OrderStatus::reserved;
  return order;
}

bool ends_reservation(OrderAction action) {
  return action == OrderAction::redeem || action == OrderAction::release || action == OrderAction::expire;
}

Result<void> check_amendment(const OrderProgress& order, OrderAction amendment, std::uint32_t line, Units quantity) {
  if (order.status != (ends_reservation(amendment) ? OrderStatus::reserved : OrderStatus::placed))
    return Error{Errc::order_state, to_string(order.status)};
  if (ends_reservation(amendment)) {
    if (line != 0 || quantity != 0) return Error{Errc::invalid_argument, "line", line};
    return {};
  }
  if (line >= order.lines.size()) return Error{Errc::invalid_argument, "line", line};
  if (quantity < 1) return Error{Errc::invalid_argument, "quantity", line};
  const LineProgress& progress = order.lines[line];
  switch (amendment) {
    case OrderAction::cancel:
      if (progress.fulfilled > 0) return Error{Errc::order_state, "fulfilled", line};
      if (progress.refunded > 0) return Error{Errc::order_state, "refunded", line};
      if (quantity != progress.bought) return Error{Errc::invalid_argument, "quantity", line};
      return {};
    case OrderAction::refund:
      if (quantity > progress.refundable()) return Error{Errc::exceeds_order, "refund", line, progress.refundable()};
      return {};
    case OrderAction::fulfil:
      if (quantity > progress.fulfillable()) return Error{Errc::exceeds_order, "fulfil", line, progress.fulfillable()};
      return {};
    case OrderAction::enroll:
    case OrderAction::reserve:
    case OrderAction::redeem:
    case OrderAction::release:
    case OrderAction::expire: break;
  }
  return Error{Errc::invalid_argument, "amendment"};
}

void amend(OrderProgress& order, std::span<const Amendment> amendments) {
  for (const Amendment& amendment : amendments) {
    assert(amendment.line < order.lines.size());
    LineProgress& line = order.lines[amendment.line];
    switch (amendment.action) {
      case OrderAction::cancel: order.status = OrderStatus::cancelled; [[fallthrough]];
      case OrderAction::refund: line.refunded += amendment.quantity; break;
      case OrderAction::fulfil: line.fulfilled += amendment.quantity; break;
      case OrderAction::redeem: order.status = OrderStatus::placed; break;
      case OrderAction::release: order.status = OrderStatus::released; break;
      case OrderAction::expire: order.status = OrderStatus::expired; break;
      case OrderAction::enroll:
      case OrderAction::reserve: assert(false); break;
    }
    assert(line.refunded <= line.bought && line.fulfilled <= line.bought);
  }
  ++order.version;
}

KeyDigest digest_of(const IdempotencyKey& key) {
  const auto hash = XXH3_128bits(key.view().data(), key.size());
  return {hash.low64, hash.high64};
}

Result<OrderBook::Answer> OrderBook::decide(std::span<const OrderDemand> demands, const Enrolled* earlier) const {
  Answer answer;
  answer.claim = resolve(demands);
  if (answer.claim.key != KeyDigest{}) {
    const OrderDemand& enroll = demands.front();
    if (earlier) {
      if (earlier->fingerprint != enroll.fingerprint) return Error{Errc::idempotency_key_reused, "idempotency_key"};
      answer.repeat_of = earlier->transaction;
      return answer;
    }
    if (const auto it = keys_.find(answer.claim.key); it != keys_.end()) {
      if (it->second.fingerprint != enroll.fingerprint) return Error{Errc::idempotency_key_reused, "idempotency_key"};
      return Error{Errc::request_in_progress, "idempotency_key"};
    }
  }
  if (!answer.claim.order) {
    const Amendment* reservation = answer.claim.reservation();
    if (!reservation) return answer;
    if (reservation->action != OrderAction::reserve) return Error{Errc::unknown_order, "order"};
    if (reservations_.size() + reserving_ >= reservations_max_) return Error{Errc::overloaded, "reservations"};
    return answer;
  }

  const auto it = rows_.find(answer.claim.order);
  if (it == rows_.end()) return Error{Errc::unknown_order, "order"};
  if (it->second.holders > 0) return Error{Errc::conflict, "order is being amended"};
  const std::uint32_t version = it->second.progress.version;
  std::uint32_t next_line = 0;
  for (const OrderDemand& demand : demands) {
    if (demand.action == OrderAction::enroll) continue;
    if (demand.order != answer.claim.order) return Error{Errc::invalid_argument, "order"};
    if (demand.expected_version != version) return Error{Errc::conflict, "order has changed", 0, version};
    if (demand.line < next_line) return Error{Errc::invalid_argument, "line", demand.line};
    next_line = demand.line + 1;
    if (auto allowed = check_amendment(it->second.progress, demand.action, demand.line, demand.quantity); !allowed)
      return allowed.error();
  }
  return answer;
}

OrderBook::Claim OrderBook::resolve(std::span<const OrderDemand> demands) {
  Claim claim;
  for (const OrderDemand& demand : demands) {
    if (demand.action == OrderAction::enroll) {
      claim.key = digest_of(demand.key);
      claim.fingerprint = demand.fingerprint;
    } else {
      claim.order = demand.order;
      claim.amendments.push_back({demand.action, demand.line, demand.quantity, demand.expires_at_ns});
    }
  }
  return claim;
}

void OrderBook::hold(const Claim& claim, const TransactionId& transaction) {
  if (claim.key != KeyDigest{}) keys_.insert_or_assign(claim.key, InUse{transaction, claim.fingerprint});
  if (claim.order) ++rows_[claim.order].holders;
  if (claim.reservation()) ++reserving_;
}

void OrderBook::settle(const Claim& claim, bool commit, Position decided, const TransactionId& transaction) {
  if (claim.key != KeyDigest{}) keys_.erase(claim.key);
  if (const Amendment* reservation = claim.reservation()) {
    assert(reserving_ > 0);
    --reserving_;
    if (commit) reservations_.add(transaction, reservation->expires_at_ns);
  }
  if (!claim.order) return;
  Row& row = rows_[claim.order];
  assert(row.holders > 0);
  --row.holders;
  if (!commit) return;
  if (ends_reservation(claim.amendments.front().action)) reservations_.end(claim.order);
  if (decided <= row.as_of) return;
  amend(row.progress, claim.amendments);
  if (!std::exchange(row.dirty, true)) dirty_.push_back(claim.order);
}

const OrderProgress* OrderBook::find(const OrderId& order) const {
  const auto it = rows_.find(order);
  return it == rows_.end() ? nullptr : &it->second.progress;
}

bool OrderBook::amending(const OrderId& order) const {
  const auto it = rows_.find(order);
  return it != rows_.end() && it->second.holders > 0;
}

std::vector<OrderId> OrderBook::due(std::int64_t now_ns, std::size_t most) const {
  std::vector<OrderId> out;
  for (const auto& [expires_at_ns, order] : reservations_.by_expiry()) {
    if (expires_at_ns > now_ns || out.size() == most) break;
    if (!amending(order)) out.push_back(order);
  }
  return out;
}

void OrderBook::load(const OrderId& order, OrderProgress progress, Position as_of) {
  assert(!rows_.contains(order));
  rows_[order] = Row{std::move(progress), 0, as_of, false};
}

void OrderBook::evict_clean() {
  boost::unordered::erase_if(rows_, [](const auto& row) { return row.second.holders == 0 && !row.second.dirty; });
}

std::vector<OrderId> OrderBook::take_dirty() {
  for (const OrderId& order : dirty_) rows_[order].dirty = false;
  return std::exchange(dirty_, {});
}

}  // namespace kontor
