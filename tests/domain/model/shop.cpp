#include "tests/domain/model/shop.hpp"

namespace kontor::tests {
namespace {

const OrderId* amended_order(const Operation& operation) {
  if (const auto* op = std::get_if<Cancel>(&operation)) return &op->order;
  if (const auto* op = std::get_if<Refund>(&operation)) return &op->order;
  if (const auto* op = std::get_if<Fulfil>(&operation)) return &op->order;
  return nullptr;
}

template <class Demand>
std::span<const Demand> span_of(const auto& list) {
  return {list.data(), list.size()};
}

}  // namespace

Result<void> Shop::plan_request(const Request& request, Plan& plan) const {
  const OrderId* id = amended_order(request.operation);
  if (!id) return kontor::plan(request.operation, prices_, plan);
  const auto it = placed_.find(*id);
  if (it == placed_.end()) return Error{Errc::unknown_order, "order"};
  const auto snapshot = snapshot_.find(*id);
  return plan_amendment(request.operation,
                        Order{*id, it->second, snapshot == snapshot_.end() ? placed(it->second) : snapshot->second},
                        plan);
}

std::vector<OrderDemand> Shop::order_demands(const Request& request, const Plan& plan) const {
  OrderDemand enroll;
  enroll.kind = kind_of(request.operation);
  enroll.key = request.key;
  enroll.fingerprint = fingerprint(request.operation);
  std::vector<OrderDemand> out{enroll};
  out.insert(out.end(), plan.amendments.begin(), plan.amendments.end());
  return out;
}

void Shop::load_order(const OrderId& id) {
  if (order_.resource.find(id)) return;
  const auto stored = stored_.find(id);
  if (stored != stored_.end()) {
    order_.resource.load(id, stored->second.first, stored->second.second);
  } else {
    order_.resource.load(id, placed(placed_.at(id)), 0);
  }
}

Shop::Begun Shop::begin(const Request& request) {
  Plan plan;
  const auto planned = plan_request(request, plan);
  const TransactionId id{0, 1, ++sequence_};
  if (planned) {
    Begun begun = vote(id, request, plan);
    if (!begun.open) return begun;
    Pending pending{request, {}};
    if (const auto* checkout = std::get_if<Checkout>(&request.operation)) {
      pending.checkout = *checkout;
      for (std::size_t i = 0; i < plan.unit_prices.size(); ++i)
        pending.checkout.lines[i].unit_price = plan.unit_prices[i];
    }
    open_.emplace(id, std::move(pending));
    return begun;
  }
  if (!amended_order(request.operation)) return {id, planned.code(), {}, false};
  plan.clear();  // A refused amendment still asks whether its key is known.
  Begun begun = vote(id, request, plan);
  if (!begun.open) return begun;
  order_.settle({id, false}, ++position_);
  return {id, planned.code(), {}, false};
}

/// All three are asked; those that said yes to what another refused learn of the abort.
Shop::Begun Shop::vote(const TransactionId& id, const Request& request, const Plan& plan) {
  Begun out{id, Errc::none, {}, false};
  const auto refuse = [&](Errc code) {
    if (out.refusal == Errc::none && !out.repeat_of) out.refusal = code;
  };
  const auto demands = order_demands(request, plan);
  for (const OrderDemand& demand : plan.amendments) load_order(demand.order);
  const auto known = committed_keys_.find(request.key.str());
  const Enrolled* earlier = known == committed_keys_.end() ? nullptr : &known->second;
  auto order = order_.decide(id, span_of<OrderDemand>(demands), earlier);
  if (!order) {
    refuse(order.code());
  } else if (order->repeat_of) {
    out.repeat_of = order->repeat_of;
  } else {
    order_.hold(id, std::move(order->claim), ++position_);
  }
  auto stock = inventory_.decide(id, span_of<StockDemand>(plan.stocks));
  if (!stock) {
    refuse(stock.code());
  } else if (!plan.stocks.empty()) {
    inventory_.hold(id, std::move(*stock), ++position_);
  }
  auto money = payment_.decide(id, span_of<PaymentDemand>(plan.payments));
  if (!money) {
    refuse(money.code());
  } else if (!plan.payments.empty()) {
    payment_.hold(id, std::move(*money), ++position_);
  }
  out.open = out.refusal == Errc::none && !out.repeat_of;
  if (out.open) return out;
  ++position_;
  order_.settle({id, false}, position_);
  inventory_.settle({id, false}, position_);
  payment_.settle({id, false}, position_);
  return out;
}

bool Shop::prepare_again(const TransactionId& transaction) const { return order_.holds(transaction); }

void Shop::settle(const TransactionId& transaction, bool commit) {
  ++position_;
  order_.settle({transaction, commit}, position_);
  inventory_.settle({transaction, commit}, position_);
  payment_.settle({transaction, commit}, position_);
  const auto it = open_.find(transaction);
  if (it == open_.end()) return;
  Pending& pending = it->second;
  if (commit) {
    committed_keys_[pending.request.key.str()] = {transaction, fingerprint(pending.request.operation)};
    if (std::holds_alternative<Checkout>(pending.request.operation)) placed_[transaction] = pending.checkout;
  }
  open_.erase(it);
}

void Shop::refresh() {
  for (const Product& product : inventory_.resource.take_repriced())
    prices_.set(product.sku, {{product.price, product.currency}, product.version});
  for (const auto& [id, unused] : placed_) snapshot_[id] = order(id).progress;
}

void Shop::checkpoint() {
  for (const OrderId& id : order_.resource.take_dirty()) stored_[id] = {*order_.resource.find(id), position_};
  order_.resource.evict_clean();
}

Order Shop::order(const OrderId& id) const {
  const Checkout& checkout = placed_.at(id);
  if (const OrderProgress* progress = order_.resource.find(id)) return {id, checkout, *progress};
  const auto stored = stored_.find(id);
  return {id, checkout, stored == stored_.end() ? placed(checkout) : stored->second.first};
}

}  // namespace kontor::tests
