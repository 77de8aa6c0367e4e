// Planning of what moves money or opens an account: every field, refusals first.
#include "domain/plan.hpp"
#include "tests/domain/good_operations.hpp"

namespace kontor::tests {
namespace {

constexpr Errc kNone = Errc::none, kInvalid = Errc::invalid_argument, kTooLarge = Errc::too_large;

Plan planned(const Operation& operation) {
  Plan out;
  REQUIRE(plan(operation, good_prices(), out));
  return out;
}

/// Deposit, withdraw and transfer differ in who is named how, and in nothing else.
template <class Op>
std::vector<Broken<Op>> bad_amounts() {
  return {
      {"no currency", [](Op& op) { op.amount.currency = {}; }, kInvalid},
      {"zero", [](Op& op) { op.amount.minor = 0; }, kInvalid},
      {"negative", [](Op& op) { op.amount.minor = -1; }, kInvalid},
      {"lowest", [](Op& op) { op.amount.minor = kLowest; }, kInvalid},
      {"smallest", [](Op& op) { op.amount.minor = 1; }, kNone},
      {"largest", [](Op& op) { op.amount.minor = kAmountMinorMax; }, kNone},
      {"too large", [](Op& op) { op.amount.minor = kAmountMinorMax + 1; }, kTooLarge},
      {"highest", [](Op& op) { op.amount.minor = kHighest; }, kTooLarge},
  };
}

}  // namespace

TEST_CASE("plan: every field of an open account", "[domain][plan]") {
  using Op = OpenAccount;
  require_refusals<Op>(good_wallet(),
                       {{"no name", [](Op& op) { op.account = {}; }},
                        {"no currency", [](Op& op) { op.currency = {}; }},
                        {"no kind", [](Op& op) { op.kind = static_cast<AccountKind>(0); }},
                        {"another kind", [](Op& op) { op.kind = static_cast<AccountKind>(3); }},
                        {"negative limit", [](Op& op) { op.credit_limit = -1; }},
                        {"lowest limit", [](Op& op) { op.credit_limit = kLowest; }},
                        {"no limit", [](Op& op) { op.credit_limit = 0; }, kNone},
                        {"largest limit", [](Op& op) { op.credit_limit = kAmountMinorMax; }, kNone},
                        {"limit too large", [](Op& op) { op.credit_limit = kAmountMinorMax + 1; }, kTooLarge},
                        {"external with a limit", [](Op& op) { op.kind = AccountKind::external; }},
                        {"external", [](Op& op) { op.kind = AccountKind::external, op.credit_limit = 0; }, kNone}});

  const Plan plan = planned(good_wallet());
  REQUIRE(plan.payments.size() == 1);
  CHECK(plan.payments[0].action == PaymentAction::open_account);
  CHECK(plan.payments[0].amount == 100);
  CHECK(plan.stocks.empty());
  CHECK(plan.amendments.empty());
}

TEST_CASE("plan: every field of a deposit", "[domain][plan]") {
  using Op = Deposit;
  require_refusals<Op>(good_deposit(), bad_amounts<Op>());
  require_refusals<Op>(good_deposit(), {{"no source", [](Op& op) { op.external = {}; }},
                                        {"no target", [](Op& op) { op.account = {}; }},
                                        {"to itself", [](Op& op) { op.account = op.external; }}});
  const Plan plan = planned(good_deposit());
  REQUIRE(plan.payments.size() == 2);
  CHECK(plan.payments[0].account == account("alice"));
  CHECK(plan.payments[0].kind == AccountKind::wallet);
  CHECK(plan.payments[0].amount == 5'000);
  CHECK(plan.payments[1].account == account("bank"));
  CHECK(plan.payments[1].kind == AccountKind::external);
  CHECK(plan.payments[1].amount == -5'000);
  CHECK(plan.total == 5'000);
}

TEST_CASE("plan: every field of a withdrawal", "[domain][plan]") {
  using Op = Withdraw;
  require_refusals<Op>(good_withdrawal(), bad_amounts<Op>());
  require_refusals<Op>(good_withdrawal(), {{"no source", [](Op& op) { op.account = {}; }},
                                           {"no target", [](Op& op) { op.external = {}; }},
                                           {"to itself", [](Op& op) { op.external = op.account; }}});
  const Plan plan = planned(good_withdrawal());
  CHECK(leg(plan, "alice") == -5'000);
  CHECK(leg(plan, "bank") == 5'000);
  CHECK(plan.payments[1].kind == AccountKind::external);
}

TEST_CASE("plan: every field of a transfer", "[domain][plan]") {
  using Op = Transfer;
  require_refusals<Op>(good_transfer(), bad_amounts<Op>());
  require_refusals<Op>(good_transfer(), {{"no source", [](Op& op) { op.source = {}; }},
                                         {"no target", [](Op& op) { op.target = {}; }},
                                         {"to itself", [](Op& op) { op.target = op.source; }}});
  const Plan plan = planned(good_transfer());
  CHECK(leg(plan, "alice") == -5'000);
  CHECK(leg(plan, "bob") == 5'000);
  for (const PaymentDemand& demand : plan.payments) CHECK(demand.kind == AccountKind::wallet);
}

TEST_CASE("plan: every field of a refund without an order", "[domain][plan]") {
  using Op = UnmatchedRefund;
  require_refusals<Op>(
      good_return(),
      {{"no customer", [](Op& op) { op.customer = {}; }},
       {"no payee", [](Op& op) { op.payee = {}; }},
       {"payee is the customer", [](Op& op) { op.payee = op.customer; }},
       {"no currency", [](Op& op) { op.currency = {}; }},
       {"no lines", [](Op& op) { op.lines.clear(); }},
       {"as many lines as can be",
        [](Op& op) {
          op.lines.resize(kLinesMax, {sku("mug"), 1, 1});
        },
        kNone},
       {"a line too many",
        [](Op& op) {
          op.lines.resize(kLinesMax + 1, {sku("mug"), 1, 1});
        },
        kTooLarge, kLinesMax},
       {"no sku", [](Op& op) { op.lines[1].sku = {}; }, kInvalid, 1},
       {"no units", [](Op& op) { op.lines[1].quantity = 0; }, kInvalid, 1},
       {"negative units", [](Op& op) { op.lines[0].quantity = kLowest; }, kInvalid, 0},
       {"as many units as can be", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax; }, kNone},
       {"too many units", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax + 1; }, kTooLarge, 1},
       {"negative price", [](Op& op) { op.lines[1].unit_price = -1; }, kInvalid, 1},
       {"lowest price", [](Op& op) { op.lines[1].unit_price = kLowest; }, kInvalid, 1},
       {"free of charge", [](Op& op) { op.lines[0].unit_price = 0; }, kNone},
       {"price beyond", [](Op& op) { op.lines[1].unit_price = kAmountMinorMax + 1; }, Errc::amount_out_of_range},
       {"highest price", [](Op& op) { op.lines[0].unit_price = kHighest; }, Errc::amount_out_of_range},
       {"a line beyond",
        [](Op& op) {
          op.lines[1] = {sku("cup"), kQuantityUnitsMax, 1'000'001};
        },
        Errc::amount_out_of_range},
       {"a total beyond",
        [](Op& op) {
          op.lines[1] = {sku("cup"), 1, kAmountMinorMax};
        },
        Errc::amount_out_of_range}});

  const Plan plan = planned(good_return());
  CHECK(plan.total == 2'400);
  CHECK(leg(plan, "alice") == 2'400);
  CHECK(leg(plan, "shop") == -2'400);
  REQUIRE(plan.stocks.size() == 2);
  for (const StockDemand& demand : plan.stocks) CHECK(demand.action == StockAction::take_back);
}

TEST_CASE("plan: amendments of an order cannot be planned without it", "[domain][plan]") {
  Plan out;
  CHECK(plan(Cancel{{0, 1, 1}}, Prices{}, out).code() == kInvalid);
  CHECK(plan(Refund{{0, 1, 1}, {}, true}, Prices{}, out).code() == kInvalid);
  CHECK(plan(Fulfil{{0, 1, 1}, {}}, Prices{}, out).code() == kInvalid);
}

TEST_CASE("plan: what a plan held before is gone", "[domain][plan]") {
  Plan out;
  REQUIRE(plan(good_checkout(), good_prices(), out));
  REQUIRE(plan(good_transfer(), good_prices(), out));
  CHECK(out.payments.size() == 2);
  CHECK(out.stocks.empty());
  CHECK(out.unit_prices.empty());
  CHECK(out.total == 5'000);
}

}  // namespace kontor::tests
