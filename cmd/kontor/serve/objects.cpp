#include "cmd/kontor/serve/objects.hpp"

#include "cmd/kontor/serve/access.hpp"
#include "cmd/kontor/serve/overloaded.hpp"

namespace kontor::cmd::serve {
namespace {

void add_parties(const Checkout& checkout, Touched& touched) {
  touched.accounts = checkout.payees;
  touched.accounts.push_back(checkout.customer);
  if (!checkout.fee.account.empty()) touched.accounts.push_back(checkout.fee.account);
  for (const Line& line : checkout.lines) touched.skus.push_back(line.sku);
}

template <class Lines>
void add_skus(const Lines& lines, Touched& touched) {
  for (const auto& line : lines) touched.skus.push_back(line.sku);
}

}  // namespace

Touched touched_by(const Operation& operation, const TransactionId& transaction) {
  Touched out;
  out.order = purchase_in(operation) ? transaction : order_amended(operation);
  std::visit(Overloaded{[&](const OpenAccount& op) { out.accounts = {op.account}; },
                        [&](const Deposit& op) {
                          out.accounts = {op.external, op.account};
                        },
                        [&](const Withdraw& op) {
                          out.accounts = {op.account, op.external};
                        },
                        [&](const Transfer& op) {
                          out.accounts = {op.source, op.target};
                        },
                        [&](const DefineProduct& op) { out.skus = {op.sku}; },
                        [&](const SetPrice& op) { out.skus = {op.sku}; },
                        [&](const ReceiveStock& op) { add_skus(op.lines, out); },
                        [&](const AdjustStock& op) { add_skus(op.lines, out); },
                        [&](const Checkout& op) { add_parties(op, out); },
                        [&](const Reserve& op) { add_parties(op.checkout, out); },
                        [&](const UnmatchedRefund& op) {
                          out.accounts = {op.customer, op.payee};
                          add_skus(op.lines, out);
                        },
                        [](const auto& amendment) { static_assert(requires { amendment.order; }); }},
             operation);
  return out;
}

Objects::Objects(Engine& engine, bool keeps)
    : engine_(engine),
      keeps_(keeps),
      products_({[&engine](const Sku& sku, OnRead<Product> then) { engine.product(sku, std::move(then)); },
                 kCachedProductsMax}),
      accounts_({[&engine](const AccountId& id, OnRead<Account> then) { engine.account(id, std::move(then)); },
                 kCachedAccountsMax}),
      orders_({[&engine](const OrderId& id, OnRead<Order> then) { engine.order(id, std::move(then)); },
               kCachedOrdersMax, std::chrono::milliseconds(1'000),
               [](const Order& order) { return order.checkout.lines.size() <= kCachedOrderLinesMax; }}) {}

void Objects::forget(const Touched& touched) {
  for (const AccountId& id : touched.accounts) accounts_.forget(id);
  for (const Sku& sku : touched.skus) products_.forget(sku);
  if (touched.order) orders_.forget(*touched.order);
}

std::optional<OrderId> Objects::forget(const Operation& operation, const TransactionId& transaction) {
  if (idle()) return {};
  forget(touched_by(operation, transaction));
  return order_amended(operation);
}

void Objects::forget(const Order& order) {
  if (idle()) return;
  Touched touched;
  touched.order = order.id;
  add_parties(order.checkout, touched);
  forget(touched);
}

void Objects::forget_parties(const OrderId& id, std::function<void()> then) {
  // Past the cache: who its parties are never changes.
  engine_.order(id, [this, then = std::move(then)](const Result<Order>& order) {
    if (order) {
      Touched parties;
      add_parties(order->checkout, parties);
      forget(parties);
    }
    then();
  });
}

void Objects::forget(const Event& event) {
  if (idle()) return;
  Touched touched = touched_by(event.record.operation, event.record.id);
  for (const PaymentDemand& demand : event.payments) touched.accounts.push_back(demand.account);
  for (const StockDemand& demand : event.stocks) touched.skus.push_back(demand.sku);
  forget(touched);
}

}  // namespace kontor::cmd::serve
