// Planning of cancel, refund and fulfil: lines, money back, stock back, and that parts add up to the whole.
#include <map>

#include "domain/plan.hpp"
#include "tests/domain/good_operations.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

constexpr OrderId kOrder{0, 1, 7};

/// An order of a checkout, as the engine keeps it: every line with its price.
Order order_of(Checkout checkout) {
  Plan out;
  REQUIRE(plan(checkout, good_prices(), out));
  for (std::size_t i = 0; i < checkout.lines.size(); ++i) checkout.lines[i].unit_price = out.unit_prices[i];
  return {kOrder, checkout, placed(checkout)};
}

/// Two mugs at 12.50 for the shop, three cups at 8.00 for the potter, a fee of 2.5 %.
Order fresh() { return order_of(good_checkout()); }

/// Takes in what `plan` asked of the order, as a commit would.
void take_in(Order& order, const Plan& plan) {
  std::vector<Amendment> amendments;
  for (const OrderDemand& demand : plan.amendments) amendments.push_back({demand.action, demand.line, demand.quantity});
  amend(order.progress, amendments);
}

Plan amended(Order& order, const Operation& operation) {
  Plan out;
  REQUIRE(plan_amendment(operation, order, out));
  take_in(order, out);
  return out;
}

Errc refused(const Order& order, const Operation& operation) {
  Plan out;
  return plan_amendment(operation, order, out).code();
}

Refund refund(std::vector<OrderLine> lines, bool restock = true) { return {kOrder, std::move(lines), restock}; }
Fulfil fulfil(std::vector<OrderLine> lines) { return {kOrder, std::move(lines)}; }

}  // namespace

TEST_CASE("plan: a cancel undoes its checkout", "[domain][plan][amendment]") {
  Order order = fresh();
  Plan bought;
  REQUIRE(plan(order.checkout, Prices{}, bought));
  const Plan undone = amended(order, Cancel{kOrder});
  CHECK(undone.total == bought.total);
  REQUIRE(undone.payments.size() == bought.payments.size());
  for (std::size_t i = 0; i < undone.payments.size(); ++i) {
    CHECK(undone.payments[i].account == bought.payments[i].account);
    CHECK(undone.payments[i].amount == -bought.payments[i].amount);
    CHECK(undone.payments[i].currency == kGbp);
  }
  REQUIRE(undone.stocks.size() == 2);
  for (std::size_t i = 0; i < undone.stocks.size(); ++i) {
    CHECK(undone.stocks[i].action == StockAction::take_back);
    CHECK(undone.stocks[i].sku == bought.stocks[i].sku);
    CHECK(undone.stocks[i].amount == bought.stocks[i].amount);
  }
  REQUIRE(undone.amendments.size() == 2);
  for (const OrderDemand& demand : undone.amendments) {
    CHECK(demand.action == OrderAction::cancel);
    CHECK(demand.order == kOrder);
    CHECK(demand.expected_version == 1);
  }
  CHECK(order.progress.status == OrderStatus::cancelled);
}

TEST_CASE("plan: a refund of one line pays back that line alone", "[domain][plan][amendment]") {
  Order order = fresh();
  const Plan back = amended(order, refund({{1, 2}}));
  CHECK(back.total == 1'600);
  CHECK(leg(back, "alice") == 1'600);
  CHECK(leg(back, "potter") == -1'560);  // The potter keeps 8.00 less a fee of 0.20, where 23.40 were 24.00 less 0.60.
  CHECK(leg(back, "platform") == -40);
  CHECK(leg(back, "shop") == 0);
  CHECK(sum(back) == 0);
  REQUIRE(back.stocks.size() == 1);
  CHECK(back.stocks[0].sku == sku("cup"));
  CHECK(back.stocks[0].amount == 2);
}

TEST_CASE("plan: a refund without restocking leaves the stock alone", "[domain][plan][amendment]") {
  Order order = fresh();
  const Plan back = amended(order, refund({}, false));
  CHECK(back.total == 4'900);
  CHECK(back.stocks.empty());
}

TEST_CASE("plan: a refund of all takes what is left", "[domain][plan][amendment]") {
  Order order = fresh();
  amended(order, refund({{0, 1}}));
  const Plan rest = amended(order, refund({}));
  CHECK(rest.total == 4'900 - 1'250);
  REQUIRE(rest.amendments.size() == 2);
  CHECK(rest.amendments[0].quantity == 1);
  CHECK(rest.amendments[1].quantity == 3);
  CHECK(rest.amendments[0].expected_version == 2);
  CHECK(refused(order, refund({})) == Errc::exceeds_order);
}

TEST_CASE("plan: fulfilment moves neither money nor stock", "[domain][plan][amendment]") {
  Order order = fresh();
  const Plan first = amended(order, fulfil({{1, 2}}));
  CHECK(first.payments.empty());
  CHECK(first.stocks.empty());
  CHECK(first.total == 0);
  const Plan rest = amended(order, fulfil({}));
  REQUIRE(rest.amendments.size() == 2);
  CHECK(rest.amendments[0].quantity == 2);
  CHECK(rest.amendments[1].quantity == 1);
  CHECK(fulfilment_status(order.progress) == FulfilmentStatus::fulfilled);
  CHECK(refused(order, fulfil({})) == Errc::exceeds_order);
}

TEST_CASE("plan: bad lines of an amendment are refused", "[domain][plan][amendment]") {
  struct Row {
    std::vector<OrderLine> lines;
    Errc code;
  };
  const auto row = GENERATE(values<Row>({
      {{{0, 2}, {1, 3}}, Errc::none},
      {{{1, 3}, {0, 2}}, Errc::none},  // In any order.
      {{{2, 1}}, Errc::invalid_argument},
      {{{0xffff'ffff, 1}}, Errc::invalid_argument},
      {{{0, 0}}, Errc::invalid_argument},
      {{{0, -1}}, Errc::invalid_argument},
      {{{0, kLowest}}, Errc::invalid_argument},
      {{{0, 3}}, Errc::exceeds_order},
      {{{0, kHighest}}, Errc::exceeds_order},
      {{{0, 1}, {0, 1}}, Errc::invalid_argument},
      {{{0, 1}, {1, 1}, {0, 1}}, Errc::invalid_argument},
      {std::vector<OrderLine>(kLinesMax, OrderLine{0, 1}), Errc::invalid_argument},  // Named twice.
      {std::vector<OrderLine>(kLinesMax + 1, OrderLine{0, 1}), Errc::too_large},
  }));
  const Order order = fresh();
  CHECK(refused(order, refund(row.lines)) == row.code);
  CHECK(refused(order, fulfil(row.lines)) == row.code);
}

TEST_CASE("plan: an order as long as can be is refunded line by line", "[domain][plan][amendment]") {
  Checkout checkout = good_checkout();
  checkout.lines.assign(kLinesMax, {sku("mug"), 1, 100, 0, 0});
  Order order = order_of(checkout);
  std::vector<OrderLine> all;
  for (std::uint32_t i = 0; i < kLinesMax; ++i) all.push_back({i, 1});
  const Plan back = amended(order, refund(all));
  CHECK(back.total == 100 * static_cast<Minor>(kLinesMax));
  CHECK(payment_status(order.progress) == PaymentStatus::refunded);
}

TEST_CASE("plan: an order's state says what is possible", "[domain][plan][amendment]") {
  Order untouched = fresh(), refunded = fresh(), fulfilled = fresh(), cancelled = fresh(), all_refunded = fresh();
  amended(refunded, refund({{0, 1}}));
  amended(fulfilled, fulfil({{0, 1}}));
  amended(cancelled, Cancel{kOrder});
  amended(all_refunded, refund({}));
  struct Row {
    std::string what;
    const Order& order;
    Errc cancel, refund_all, refund_line, fulfil_all, fulfil_line;
  };
  constexpr Errc kOk = Errc::none, kState = Errc::order_state, kExceeds = Errc::exceeds_order;
  const std::vector<Row> rows = {
      {"untouched", untouched, kOk, kOk, kOk, kOk, kOk},
      {"one refunded", refunded, kState, kOk, kOk, kOk, kOk},
      {"one fulfilled", fulfilled, kState, kOk, kOk, kOk, kOk},
      {"cancelled", cancelled, kState, kState, kState, kState, kState},
      {"all refunded", all_refunded, kState, kExceeds, kExceeds, kExceeds, kExceeds},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(refused(row.order, Cancel{kOrder}) == row.cancel);
    CHECK(refused(row.order, refund({})) == row.refund_all);
    CHECK(refused(row.order, refund({{0, 1}})) == row.refund_line);
    CHECK(refused(row.order, fulfil({})) == row.fulfil_all);
    CHECK(refused(row.order, fulfil({{0, 1}})) == row.fulfil_line);
  }
}

TEST_CASE("plan: what is refunded is not handed over, what was handed over may be refunded", "[domain][plan]") {
  Order order = fresh();
  amended(order, fulfil({{1, 2}}));
  amended(order, refund({{1, 1}}));
  CHECK(refused(order, fulfil({{1, 1}})) == Errc::exceeds_order);
  amended(order, refund({{1, 2}}));
  CHECK(refused(order, refund({{1, 1}})) == Errc::exceeds_order);
}

TEST_CASE("plan: an amendment is planned of cancel, refund and fulfil only", "[domain][plan][amendment]") {
  const Order order = fresh();
  CHECK(refused(order, good_checkout()) == Errc::invalid_argument);
  CHECK(refused(order, good_transfer()) == Errc::invalid_argument);
  CHECK(refused(order, OpenAccount{}) == Errc::invalid_argument);
}

namespace {

Checkout random_checkout() {
  Checkout checkout;
  checkout.customer = account("customer");
  checkout.currency = kGbp;
  const auto payees = *rc::gen::inRange<std::size_t>(1, 4);
  for (std::size_t i = 0; i < payees; ++i) checkout.payees.push_back(account("payee-" + std::to_string(i)));
  const auto lines = *rc::gen::inRange(1, 8);
  for (int i = 0; i < lines; ++i)
    checkout.lines.push_back({sku("sku-" + std::to_string(*rc::gen::inRange(0, 4))), *rc::gen::inRange<Units>(1, 20),
                              *rc::gen::inRange<Minor>(0, 300), 0,
                              static_cast<std::uint8_t>(*rc::gen::inRange<std::size_t>(0, payees))});
  if (*rc::gen::arbitrary<bool>())
    checkout.fee = {account(*rc::gen::element("platform", "payee-0")), *rc::gen::inRange<std::uint16_t>(0, 10'001)};
  return checkout;
}

using Sums = std::map<std::string, Minor>;
void add_to(Sums& sums, const Plan& plan) {
  for (const PaymentDemand& demand : plan.payments) sums[demand.account.str()] += demand.amount;
  for (const StockDemand& demand : plan.stocks) sums[demand.sku.str()] += demand.amount;
}

/// Some of what is left, line by line: possibly nothing.
std::vector<OrderLine> some_of(const Order& order) {
  std::vector<OrderLine> lines;
  for (std::uint32_t i = 0; i < order.progress.lines.size(); ++i) {
    const Units left = order.progress.lines[i].refundable();
    if (left == 0 || *rc::gen::inRange(0, 3) == 0) continue;
    lines.push_back({i, *rc::gen::inRange<Units>(1, left + 1)});
  }
  return lines;
}

}  // namespace

TEST_CASE("plan: refunds in any order and size give back exactly what one full refund gives", "[domain][plan]") {
  property("random orders, refunded in random parts", 200, [] {
    const Checkout checkout = random_checkout();
    Plan bought, out;
    RC_ASSERT(static_cast<bool>(plan(checkout, Prices{}, bought)));
    const Order whole{kOrder, checkout, placed(checkout)};
    Order parts = whole;

    Sums at_once, in_parts;
    RC_ASSERT(static_cast<bool>(plan_amendment(Refund{kOrder, {}, true}, whole, out)));
    add_to(at_once, out);
    RC_ASSERT(out.total == bought.total);

    Minor paid_back = 0;
    while (payment_status(parts.progress) != PaymentStatus::refunded) {
      const std::vector<OrderLine> lines = some_of(parts);  // None named: all that is left.
      RC_ASSERT(static_cast<bool>(plan_amendment(Refund{kOrder, lines, true}, parts, out)));
      RC_ASSERT(sum(out) == 0);
      for (const PaymentDemand& demand : out.payments)  // No refund costs the customer, or pays a payee.
        RC_ASSERT((demand.account == checkout.customer ? demand.amount >= 0 : demand.amount <= 0));
      take_in(parts, out);
      add_to(in_parts, out);
      paid_back += out.total;
      RC_ASSERT(paid_back <= bought.total);
    }
    RC_ASSERT(paid_back == bought.total);
    RC_ASSERT(in_parts == at_once);
    for (const PaymentDemand& demand : bought.payments) at_once[demand.account.str()] += demand.amount;
    for (const PaymentDemand& demand : bought.payments) RC_ASSERT(at_once[demand.account.str()] == 0);
    RC_ASSERT(plan_amendment(Refund{kOrder, {}, true}, parts, out).code() == Errc::exceeds_order);
    RC_ASSERT(plan_amendment(Cancel{kOrder}, parts, out).code() == Errc::order_state);
  });
}

}  // namespace kontor::tests
