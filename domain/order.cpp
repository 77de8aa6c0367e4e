#include "domain/order.hpp"

#include <algorithm>

namespace kontor {

std::string_view to_string(OrderStatus status) {
  switch (status) {
    case OrderStatus::placed: return "placed";
    case OrderStatus::cancelled: return "cancelled";
  }
  return "unlisted";
}

std::string_view to_string(PaymentStatus status) {
  switch (status) {
    case PaymentStatus::paid: return "paid";
    case PaymentStatus::partially_refunded: return "partially_refunded";
    case PaymentStatus::refunded: return "refunded";
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

Result<void> check_amendment(const OrderProgress& order, OrderAction amendment, std::uint32_t line, Units quantity) {
  if (order.status == OrderStatus::cancelled) return Error{Errc::order_state, "cancelled"};
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
    case OrderAction::enroll: break;
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
      case OrderAction::enroll: assert(false); break;
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
  if (!answer.claim.order) return answer;

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
      claim.amendments.push_back({demand.action, demand.line, demand.quantity});
    }
  }
  return claim;
}

void OrderBook::hold(const Claim& claim, const TransactionId& transaction) {
  if (claim.key != KeyDigest{}) keys_.insert_or_assign(claim.key, InUse{transaction, claim.fingerprint});
  if (claim.order) ++rows_[claim.order].holders;
}

void OrderBook::settle(const Claim& claim, bool commit, Position decided) {
  if (claim.key != KeyDigest{}) keys_.erase(claim.key);
  if (!claim.order) return;
  Row& row = rows_[claim.order];
  assert(row.holders > 0);
  --row.holders;
  if (!commit || decided <= row.as_of) return;
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
