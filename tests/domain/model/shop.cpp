#include "tests/domain/model/shop.hpp"

namespace kontor::tests {
namespace {

const OrderId* amended_order(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> const OrderId* {
        if constexpr (requires { op.order; })
          return &op.order;
        else
          return nullptr;
      },
      operation);
}

template <class Demand>
std::span<const Demand> span_of(const auto& list) {
  return {list.data(), list.size()};
}

}  // namespace

Result<void> Shop::plan_request(const Request& request, Plan& plan, std::int64_t now_ns) const {
  const OrderId* id = amended_order(request.operation);
  if (!id) return kontor::plan(request.operation, prices_, plan, now_ns);
  const auto it = made_.find(*id);
  if (it == made_.end()) return Error{Errc::unknown_order, "order"};
  Order order = it->second;
  if (const auto snapshot = snapshot_.find(*id); snapshot != snapshot_.end()) order.progress = snapshot->second;
  return plan_amendment(request.operation, order, plan, now_ns);
}

/// As the journal would have it.
Operation resolved(Operation operation, const Plan& plan) {
  auto* reserve = std::get_if<Reserve>(&operation);
  if (reserve) reserve->expires_at_ns = plan.expires_at_ns;
  if (auto* checkout = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation))
    for (std::size_t i = 0; i < plan.unit_prices.size(); ++i) checkout->lines[i].unit_price = plan.unit_prices[i];
  return operation;
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
    order_.resource.load(id, made_.at(id).progress, 0);
  }
}

Shop::Begun Shop::begin(const Request& request, std::int64_t now_ns) {
  Plan plan;
  const auto planned = plan_request(request, plan, now_ns);
  const TransactionId id{0, 1, ++sequence_};
  if (planned) {
    Begun begun = vote(id, request, plan);
    if (!begun.open) return begun;
    open_.emplace(id, Pending{request, order_made(id, resolved(request.operation, plan))});
    return begun;
  }
  const bool asks_key = amended_order(request.operation) || planned.code() == Errc::reservation_expired;
  if (!asks_key) return {id, planned.code(), {}, false};
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
  for (const OrderDemand& demand : plan.amendments)
    if (demand.order) load_order(demand.order);
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
    if (pending.order) made_[transaction] = *pending.order;
  }
  open_.erase(it);
}

void Shop::refresh() {
  for (const Product& product : inventory_.resource.take_repriced())
    prices_.set(product.sku, {{product.price, product.currency}, product.version});
  for (const auto& [id, unused] : made_) snapshot_[id] = order(id).progress;
}

void Shop::checkpoint() {
  for (const OrderId& id : order_.resource.take_dirty()) stored_[id] = {*order_.resource.find(id), position_};
  order_.resource.evict_clean();
}

Order Shop::order(const OrderId& id) const {
  Order order = made_.at(id);
  if (const OrderProgress* progress = order_.resource.find(id)) {
    order.progress = *progress;
  } else if (const auto stored = stored_.find(id); stored != stored_.end()) {
    order.progress = stored->second.first;
  }
  return order;
}

}  // namespace kontor::tests
