#include "domain/plan.hpp"

#include <algorithm>

#include "domain/plan_parts.hpp"

namespace kontor {
namespace {

Error invalid(std::string_view field, std::size_t line = 0) {
  return Error{Errc::invalid_argument, field, static_cast<std::uint32_t>(line)};
}

Result<void> check_amount(Money money) {
  if (!money.currency) return invalid("currency");
  if (money.minor < 1) return invalid("amount");
  if (money.minor > kAmountMinorMax) return Error{Errc::too_large, "amount"};
  return {};
}

Result<void> check_price(Money money) {
  if (!money.currency) return invalid("currency");
  if (money.minor < 0) return invalid("price");
  if (money.minor > kAmountMinorMax) return Error{Errc::too_large, "price"};
  return {};
}

Result<void> check_line_count(std::size_t lines) {
  if (lines == 0) return invalid("lines");
  if (lines > kLinesMax) return Error{Errc::too_large, "lines", static_cast<std::uint32_t>(kLinesMax)};
  return {};
}

Result<void> check_quantity(Units quantity, std::size_t line) {
  if (quantity < 1) return invalid("quantity", line);
  if (quantity > kQuantityUnitsMax) return Error{Errc::too_large, "quantity", static_cast<std::uint32_t>(line)};
  return {};
}

/// Demand for the same account in one transaction is added up, so that each is claimed once.
Result<void> merge_payments(Plan& plan) {
  auto& legs = plan.payments;
  std::sort(legs.begin(), legs.end(), [](const auto& a, const auto& b) { return a.account < b.account; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < legs.size(); ++i) {
    if (legs[i].account != legs[kept].account) {
      legs[++kept] = legs[i];
      continue;
    }
    const auto sum = add(legs[kept].amount, legs[i].amount, kAmountMinorMax);
    if (!sum) return sum.error();
    legs[kept].amount = *sum;
  }
  if (!legs.empty()) legs.resize(kept + 1);
  return {};
}

Result<void> merge_stocks(Plan& plan) {
  auto& demands = plan.stocks;
  std::sort(demands.begin(), demands.end(), [](const auto& a, const auto& b) { return a.sku < b.sku; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < demands.size(); ++i) {
    StockDemand& into = demands[kept];
    if (demands[i].sku != into.sku) {
      demands[++kept] = demands[i];
      continue;
    }
    if (into.expected_version == 0) into.expected_version = demands[i].expected_version;
    if (demands[i].expected_version != 0 && demands[i].expected_version != into.expected_version)
      return invalid("expected_version");
    into.amount += demands[i].amount;  // At most kLinesMax * kQuantityUnitsMax: far from overflow.
  }
  if (!demands.empty()) demands.resize(kept + 1);
  return {};
}

void post(Plan& plan, const AccountId& account, AccountKind kind, Currency currency, Minor amount) {
  plan.payments.push_back({account, PaymentAction::post, kind, currency, amount});
}

Result<void> plan_move(const AccountId& source, AccountKind source_kind, const AccountId& target,
                       AccountKind target_kind, Money amount, Plan& plan) {
  if (source.empty() || target.empty()) return invalid("account");
  if (source == target) return invalid("source and target are the same account");
  if (auto ok = check_amount(amount); !ok) return ok;
  plan.total = amount.minor;
  post(plan, source, source_kind, amount.currency, -amount.minor);
  post(plan, target, target_kind, amount.currency, amount.minor);
  return merge_payments(plan);
}

/// What each payee is due and what the fee account gets, for per-payee gross amounts.
struct Shares {
  boost::container::small_vector<Minor, 4> gross;

  Minor fee(const Checkout& checkout, std::size_t payee) const {
    const Minor whole = gross[payee] / kFeeBasisPointsMax, rest = gross[payee] % kFeeBasisPointsMax;
    return whole * checkout.fee.basis_points + rest * checkout.fee.basis_points / kFeeBasisPointsMax;  // Never wraps.
  }
};

/// Posts the difference between two states of a sale: from what was due `before` to what is due `after`.
void post_shares(const Checkout& checkout, const Shares& before, const Shares& after, Plan& plan) {
  Minor customer = 0;
  Minor fees = 0;
  for (std::size_t i = 0; i < checkout.payees.size(); ++i) {
    const Minor gross = after.gross[i] - before.gross[i];
    const bool has_fee = !checkout.fee.account.empty();
    const Minor fee = has_fee ? after.fee(checkout, i) - before.fee(checkout, i) : 0;
    post(plan, checkout.payees[i], AccountKind::wallet, checkout.currency, gross - fee);
    customer -= gross;
    fees += fee;
  }
  post(plan, checkout.customer, AccountKind::wallet, checkout.currency, customer);
  if (!checkout.fee.account.empty()) post(plan, checkout.fee.account, AccountKind::wallet, checkout.currency, fees);
  plan.total = customer < 0 ? -customer : customer;
}

Result<void> check_parties(const Checkout& checkout) {
  if (!checkout.currency) return invalid("currency");
  if (checkout.customer.empty()) return invalid("customer");
  if (checkout.payees.empty()) return invalid("payees");
  if (checkout.payees.size() > kPayeesMax) return Error{Errc::too_large, "payees"};
  for (const AccountId& payee : checkout.payees)
    if (payee.empty() || payee == checkout.customer) return invalid("payees");
  if (checkout.fee.basis_points > kFeeBasisPointsMax) return invalid("fee");
  if (checkout.fee.account.empty() ? checkout.fee.basis_points != 0 : checkout.fee.account == checkout.customer)
    return invalid("fee");
  return check_line_count(checkout.lines.size());
}

/// The price a line is charged, and the version that must still hold at prepare.
struct LinePrice {
  Minor unit_price = 0;
  std::uint32_t version = 0;
};
Result<LinePrice> price_of(const Line& line, std::size_t index, Currency currency, const PriceList& prices) {
  if (line.unit_price != kCatalogPrice) {
    if (line.unit_price < 0) return invalid("unit_price", index);
    if (line.unit_price > kAmountMinorMax)
      return Error{Errc::too_large, "unit_price", static_cast<std::uint32_t>(index)};
    return LinePrice{line.unit_price, line.expected_version};
  }
  const ListedPrice* listed = prices.find(line.sku);
  if (!listed) return Error{Errc::unknown_sku, "sku", static_cast<std::uint32_t>(index)};
  if (listed->price.currency != currency)
    return Error{Errc::currency_mismatch, "sku", static_cast<std::uint32_t>(index)};
  if (line.expected_version != 0 && line.expected_version != listed->version)
    return Error{Errc::price_changed, "expected_version", static_cast<std::uint32_t>(index), listed->version};
  return LinePrice{listed->price.minor, listed->version};
}

Result<void> plan_checkout(const Checkout& checkout, const PriceList& prices, Plan& plan) {
  if (auto ok = check_parties(checkout); !ok) return ok;
  Shares nothing, due;
  nothing.gross.resize(checkout.payees.size(), 0);
  due.gross.resize(checkout.payees.size(), 0);
  for (std::size_t i = 0; i < checkout.lines.size(); ++i) {
    const Line& line = checkout.lines[i];
    if (line.sku.empty()) return invalid("sku", i);
    if (auto ok = check_quantity(line.quantity, i); !ok) return ok;
    if (line.payee >= checkout.payees.size()) return invalid("payee", i);
    const auto price = price_of(line, i, checkout.currency, prices);
    if (!price) return price.error();
    const auto amount = multiply(price->unit_price, line.quantity, kAmountMinorMax);
    if (!amount) return amount.error();
    const auto gross = add(due.gross[line.payee], *amount, kAmountMinorMax);
    if (!gross) return gross.error();
    due.gross[line.payee] = *gross;
    plan.unit_prices.push_back(price->unit_price);
    plan.stocks.push_back({line.sku, StockAction::sell, checkout.currency, price->version, line.quantity});
  }
  Minor total = 0;
  for (const Minor gross : due.gross) {
    const auto sum = add(total, gross, kAmountMinorMax);
    if (!sum) return sum.error();
    total = *sum;
  }
  post_shares(checkout, nothing, due, plan);
  if (auto ok = merge_payments(plan); !ok) return ok;
  return merge_stocks(plan);
}

Result<void> plan_stock(const std::vector<StockLine>& lines, StockAction action, Plan& plan) {
  if (auto ok = check_line_count(lines.size()); !ok) return ok;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool negative = action == StockAction::adjust && lines[i].quantity < 0;
    if (lines[i].sku.empty()) return invalid("sku", i);
    if (lines[i].quantity < -kQuantityUnitsMax)
      return Error{Errc::too_large, "quantity", static_cast<std::uint32_t>(i)};
    if (auto ok = check_quantity(negative ? -lines[i].quantity : lines[i].quantity, i); !ok) return ok;
    plan.stocks.push_back({lines[i].sku, action, Currency{}, 0, lines[i].quantity});
  }
  if (auto ok = merge_stocks(plan); !ok) return ok;
  for (const StockDemand& demand : plan.stocks)
    if (demand.amount == 0) return invalid("quantities of one sku cancel out");
  return {};
}

Result<void> plan_unmatched_refund(const UnmatchedRefund& refund, Plan& plan) {
  if (!refund.currency) return invalid("currency");
  if (refund.customer.empty()) return invalid("customer");
  if (refund.payee.empty() || refund.payee == refund.customer) return invalid("payee");
  if (auto ok = check_line_count(refund.lines.size()); !ok) return ok;
  Minor total = 0;
  for (std::size_t i = 0; i < refund.lines.size(); ++i) {
    const ReturnLine& line = refund.lines[i];
    if (line.sku.empty()) return invalid("sku", i);
    if (auto ok = check_quantity(line.quantity, i); !ok) return ok;
    if (line.unit_price < 0) return invalid("unit_price", i);
    const auto amount = multiply(line.unit_price, line.quantity, kAmountMinorMax);
    if (!amount) return amount.error();
    const auto sum = add(total, *amount, kAmountMinorMax);
    if (!sum) return sum.error();
    total = *sum;
    plan.stocks.push_back({line.sku, StockAction::take_back, refund.currency, 0, line.quantity});
  }
  plan.total = total;
  post(plan, refund.customer, AccountKind::wallet, refund.currency, total);
  post(plan, refund.payee, AccountKind::wallet, refund.currency, -total);
  if (auto ok = merge_payments(plan); !ok) return ok;
  return merge_stocks(plan);
}

Result<void> plan_open(const OpenAccount& open, Plan& plan) {
  if (open.account.empty()) return invalid("account");
  if (!open.currency) return invalid("currency");
  if (open.kind != AccountKind::wallet && open.kind != AccountKind::external) return invalid("kind");
  if (open.credit_limit < 0 || (open.kind == AccountKind::external && open.credit_limit != 0))
    return invalid("credit_limit");
  if (open.credit_limit > kAmountMinorMax) return Error{Errc::too_large, "credit_limit"};
  plan.payments.push_back({open.account, PaymentAction::open_account, open.kind, open.currency, open.credit_limit});
  return {};
}

Result<void> plan_price(const Sku& sku, StockAction action, Money price, std::uint32_t version, Plan& plan) {
  if (sku.empty()) return invalid("sku");
  if (auto ok = check_price(price); !ok) return ok;
  plan.stocks.push_back({sku, action, price.currency, version, price.minor});
  return {};
}

/// The lines an amendment names, or all that is left; each once, in order.
Result<std::vector<OrderLine>> lines_of(const std::vector<OrderLine>& named, OrderAction action, const Order& order) {
  if (named.size() > kLinesMax) return Error{Errc::too_large, "lines"};
  if (order.progress.status != OrderStatus::placed) return Error{Errc::order_state, to_string(order.progress.status)};
  std::vector<OrderLine> lines = named;
  if (lines.empty()) {
    for (std::uint32_t i = 0; i < order.progress.lines.size(); ++i) {
      const LineProgress& line = order.progress.lines[i];
      Units left = line.bought;  // Cancel takes all of it or is refused.
      if (action == OrderAction::refund) left = line.refundable();
      if (action == OrderAction::fulfil) left = line.fulfillable();
      if (left > 0) lines.push_back({i, left});
    }
    if (lines.empty()) return Error{Errc::exceeds_order, "nothing is left"};
  }
  std::sort(lines.begin(), lines.end(), [](const OrderLine& a, const OrderLine& b) { return a.line < b.line; });
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0 && lines[i].line == lines[i - 1].line) return invalid("line named twice", lines[i].line);
    const auto allowed = check_amendment(order.progress, action, lines[i].line, lines[i].quantity);
    if (!allowed) return allowed.error();
  }
  return lines;
}

Shares shares_of(const Order& order) {
  Shares shares;
  shares.gross.resize(order.checkout.payees.size(), 0);
  for (std::size_t i = 0; i < order.checkout.lines.size(); ++i) {
    const Line& line = order.checkout.lines[i];
    shares.gross[line.payee] += line.unit_price * order.progress.lines[i].refundable();
  }
  return shares;
}

}  // namespace

void Plan::clear() {
  payments.clear();
  stocks.clear();
  amendments.clear();
  unit_prices.clear();
  total = 0;
  begun_at_ns = expires_at_ns = 0;
}

Result<void> planning::checkout(const Checkout& checkout, const PriceList& prices, Plan& plan) {
  return plan_checkout(checkout, prices, plan);
}

Result<void> planning::pay(const Order& order, Plan& plan) {
  Shares nothing;
  nothing.gross.resize(order.checkout.payees.size(), 0);
  post_shares(order.checkout, nothing, shares_of(order), plan);
  return merge_payments(plan);
}

Result<void> planning::move_all(const Order& order, StockAction action, Plan& plan) {
  for (const Line& line : order.checkout.lines) plan.stocks.push_back({line.sku, action, Currency{}, 0, line.quantity});
  return merge_stocks(plan);
}

Result<void> plan(const Operation& operation, const PriceList& prices, Plan& plan, std::int64_t begun_at_ns) {
  plan.clear();
  constexpr auto kWallet = AccountKind::wallet;
  constexpr auto kExternal = AccountKind::external;
  if (const auto* op = std::get_if<Checkout>(&operation)) return plan_checkout(*op, prices, plan);
  if (const auto* op = std::get_if<OpenAccount>(&operation)) return plan_open(*op, plan);
  if (const auto* op = std::get_if<Deposit>(&operation))
    return plan_move(op->external, kExternal, op->account, kWallet, op->amount, plan);
  if (const auto* op = std::get_if<Withdraw>(&operation))
    return plan_move(op->account, kWallet, op->external, kExternal, op->amount, plan);
  if (const auto* op = std::get_if<Transfer>(&operation))
    return plan_move(op->source, kWallet, op->target, kWallet, op->amount, plan);
  if (const auto* op = std::get_if<DefineProduct>(&operation))
    return plan_price(op->sku, StockAction::define, op->price, 0, plan);
  if (const auto* op = std::get_if<SetPrice>(&operation))
    return plan_price(op->sku, StockAction::set_price, op->price, op->expected_version, plan);
  if (const auto* op = std::get_if<ReceiveStock>(&operation)) return plan_stock(op->lines, StockAction::receive, plan);
  if (const auto* op = std::get_if<AdjustStock>(&operation)) return plan_stock(op->lines, StockAction::adjust, plan);
  if (const auto* op = std::get_if<UnmatchedRefund>(&operation)) return plan_unmatched_refund(*op, plan);
  if (const auto* op = std::get_if<Reserve>(&operation)) return planning::reserve(*op, prices, begun_at_ns, plan);
  return invalid("operation needs its order");
}

Result<void> plan_amendment(const Operation& operation, const Order& order, Plan& plan, std::int64_t begun_at_ns) {
  plan.clear();
  if (std::holds_alternative<Redeem>(operation)) return planning::redeem(order, begun_at_ns, plan);
  if (const auto* op = std::get_if<Release>(&operation)) return planning::release(*op, order, begun_at_ns, plan);
  OrderAction action = OrderAction::cancel;
  const std::vector<OrderLine>* named = nullptr;
  bool restock = true;
  static const std::vector<OrderLine> kAll;
  if (std::holds_alternative<Cancel>(operation)) named = &kAll;
  if (const auto* op = std::get_if<Refund>(&operation))
    action = OrderAction::refund, named = &op->lines, restock = op->restock;
  if (const auto* op = std::get_if<Fulfil>(&operation)) action = OrderAction::fulfil, named = &op->lines;
  if (!named) return invalid("operation");

  const auto lines = lines_of(*named, action, order);
  if (!lines) return lines.error();
  Order after = order;
  for (const OrderLine& line : *lines) {
    OrderDemand demand;
    demand.action = action;
    demand.expected_version = order.progress.version;
    demand.line = line.line;
    demand.quantity = line.quantity;
    demand.order = order.id;
    plan.amendments.push_back(demand);
    if (action == OrderAction::fulfil) continue;
    after.progress.lines[line.line].refunded += line.quantity;
    if (restock)
      plan.stocks.push_back(
          {order.checkout.lines[line.line].sku, StockAction::take_back, Currency{}, 0, line.quantity});
  }
  if (action == OrderAction::fulfil) return {};
  post_shares(order.checkout, shares_of(order), shares_of(after), plan);
  if (auto ok = merge_payments(plan); !ok) return ok;
  return merge_stocks(plan);
}

}  // namespace kontor
