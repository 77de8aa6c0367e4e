// Planning of a checkout: every field, then prices, totals, shares and fees.
#include <numeric>

#include "domain/plan.hpp"
#include "tests/domain/good_operations.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

using Op = Checkout;
constexpr Errc kNone = Errc::none, kInvalid = Errc::invalid_argument, kTooLarge = Errc::too_large;
constexpr Errc kOut = Errc::amount_out_of_range;

Plan planned(const Checkout& checkout) {
  Plan out;
  REQUIRE(plan(checkout, good_prices(), out));
  return out;
}

/// One line at `price`, one payee, a fee of `basis_points`.
Checkout sale(Minor price, std::uint16_t basis_points, Units quantity = 1) {
  Checkout checkout;
  checkout.customer = account("alice");
  checkout.currency = kGbp;
  checkout.payees = {account("shop")};
  checkout.lines = {{sku("mug"), quantity, price}};
  checkout.fee = {account("platform"), basis_points};
  return checkout;
}

/// As many payees as `count`, one line for each.
void set_payees(Op& op, std::size_t count) {
  op.payees.clear();
  op.lines.clear();
  for (std::size_t i = 0; i < count; ++i) {
    op.payees.push_back(account("payee-" + std::to_string(i)));
    op.lines.push_back({sku("mug"), 1, 100, 0, static_cast<std::uint8_t>(i)});
  }
}

}  // namespace

TEST_CASE("plan: the parties of a checkout", "[domain][plan][checkout]") {
  require_refusals<Op>(good_checkout(),
                       {{"no currency", [](Op& op) { op.currency = {}; }},
                        {"no customer", [](Op& op) { op.customer = {}; }},
                        {"no payees", [](Op& op) { op.payees.clear(); }},
                        {"an empty payee", [](Op& op) { op.payees[1] = {}; }},
                        {"an empty payee whom no line names", [](Op& op) { op.payees.emplace_back(); }},
                        {"a payee whom no line names", [](Op& op) { op.payees.push_back(account("idle")); }, kNone},
                        {"the same payee twice", [](Op& op) { op.payees[1] = op.payees[0]; }, kNone},
                        {"customer is a payee", [](Op& op) { op.payees[1] = op.customer; }},
                        {"as many payees as can be", [](Op& op) { set_payees(op, kPayeesMax); }, kNone},
                        {"a payee too many", [](Op& op) { set_payees(op, kPayeesMax + 1); }, kTooLarge},
                        {"customer takes the fee", [](Op& op) { op.fee.account = op.customer; }},
                        {"a payee takes the fee", [](Op& op) { op.fee.account = op.payees[0]; }, kNone},
                        {"a fee for nobody", [](Op& op) { op.fee.account = {}; }},
                        {"no fee", [](Op& op) { op.fee = {}; }, kNone},
                        {"a fee of nothing", [](Op& op) { op.fee.basis_points = 0; }, kNone},
                        {"all is fee", [](Op& op) { op.fee.basis_points = kFeeBasisPointsMax; }, kNone},
                        {"more than all is fee", [](Op& op) { op.fee.basis_points = kFeeBasisPointsMax + 1; }},
                        {"the largest fee number", [](Op& op) { op.fee.basis_points = 0xffff; }}});
}

TEST_CASE("plan: the lines of a checkout", "[domain][plan][checkout]") {
  const Line line{sku("mug"), 1, 1, 0, 0};
  require_refusals<Op>(
      good_checkout(),
      {{"no lines", [](Op& op) { op.lines.clear(); }},
       {"as many lines as can be", [&](Op& op) { op.lines.assign(kLinesMax, line); }, kNone},
       {"a line too many", [&](Op& op) { op.lines.assign(kLinesMax + 1, line); }, kTooLarge, kLinesMax},
       {"no sku", [](Op& op) { op.lines[1].sku = {}; }, kInvalid, 1},
       {"no units", [](Op& op) { op.lines[1].quantity = 0; }, kInvalid, 1},
       {"negative units", [](Op& op) { op.lines[1].quantity = -1; }, kInvalid, 1},
       {"lowest units", [](Op& op) { op.lines[0].quantity = kLowest; }, kInvalid, 0},
       {"as many units as can be", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax; }, kNone},
       {"too many units", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax + 1; }, kTooLarge, 1},
       {"highest units", [](Op& op) { op.lines[1].quantity = kHighest; }, kTooLarge, 1},
       {"a payee beyond the list", [](Op& op) { op.lines[1].payee = 2; }, kInvalid, 1},
       {"the last payee index", [](Op& op) { op.lines[0].payee = 255; }, kInvalid, 0},
       {"free of charge", [](Op& op) { op.lines[0].unit_price = 0; }, kNone},
       {"negative price", [](Op& op) { op.lines[1].unit_price = -2; }, kInvalid, 1},
       {"lowest price", [](Op& op) { op.lines[1].unit_price = kLowest; }, kInvalid, 1},
       {"price too large", [](Op& op) { op.lines[1].unit_price = kAmountMinorMax + 1; }, kTooLarge, 1},
       {"highest price", [](Op& op) { op.lines[1].unit_price = kHighest; }, kTooLarge, 1},
       {"not in the list", [](Op& op) { op.lines[1].sku = sku("plate"); }, Errc::unknown_sku, 1},
       {"not in the list, but with a price", [](Op& op) { op.lines[1].sku = sku("plate"), op.lines[1].unit_price = 5; },
        kNone},
       {"listed in another currency", [](Op& op) { op.lines[1].sku = sku("tasse"); }, Errc::currency_mismatch, 1},
       {"the version listed", [](Op& op) { op.lines[1].expected_version = 2; }, kNone},
       {"a version before", [](Op& op) { op.lines[1].expected_version = 1; }, Errc::price_changed, 1},
       {"a version after", [](Op& op) { op.lines[1].expected_version = 3; }, Errc::price_changed, 1}});
}

TEST_CASE("plan: totals of a checkout stay in range", "[domain][plan][checkout]") {
  const Line most{sku("mug"), 1, kAmountMinorMax, 0, 0};
  require_refusals<Op>(
      good_checkout(),
      {{"a line as large as can be", [&](Op& op) { op.lines = {most}; }, kNone},
       {"a line beyond", [&](Op& op) { op.lines = {most}, op.lines[0].quantity = 2; }, kOut},
       {"a line far beyond", [&](Op& op) { op.lines = {most}, op.lines[0].quantity = kQuantityUnitsMax; }, kOut},
       {"a payee's share beyond",
        [&](Op& op) {
          op.lines = {most, {sku("cup"), 1, 1, 0, 0}};
        },
        kOut},
       {"the total beyond",
        [&](Op& op) {
          op.lines = {most, {sku("cup"), 1, 1, 0, 1}};
        },
        kOut},
       {"the total as large as can be",
        [&](Op& op) {
          op.lines = {most, {sku("cup"), 1, 0, 0, 1}};
        },
        kNone}});
  const Plan plan = planned(sale(kAmountMinorMax, kFeeBasisPointsMax));
  CHECK(plan.total == kAmountMinorMax);
  CHECK(leg(plan, "platform") == kAmountMinorMax);
  CHECK(leg(plan, "shop") == 0);
}

TEST_CASE("plan: a refused version says which one is listed", "[domain][plan][checkout]") {
  Checkout checkout = good_checkout();
  checkout.lines[1].expected_version = 9;
  Plan out;
  const auto refused = plan(checkout, good_prices(), out);
  REQUIRE(refused.code() == Errc::price_changed);
  CHECK(refused.error().figure == 2);
}

TEST_CASE("plan: a checkout charges the customer and credits payees and the platform", "[domain][plan][checkout]") {
  const Plan plan = planned(good_checkout());
  CHECK(plan.total == 2 * 1'250 + 3 * 800);
  CHECK(leg(plan, "alice") == -4'900);
  CHECK(leg(plan, "shop") == 2'500 - 62);  // 2.5 % of 25.00 is 62.5 pence; the payee keeps the half.
  CHECK(leg(plan, "potter") == 2'400 - 60);
  CHECK(leg(plan, "platform") == 62 + 60);
  CHECK(sum(plan) == 0);
  REQUIRE(plan.unit_prices.size() == 2);
  CHECK(plan.unit_prices[0] == 1'250);
  CHECK(plan.unit_prices[1] == 800);
  REQUIRE(plan.stocks.size() == 2);
  CHECK(plan.stocks[0].sku == sku("cup"));
  CHECK(plan.stocks[0].amount == 3);
  CHECK(plan.stocks[0].expected_version == 2);  // The catalogue's price holds for its version only.
  CHECK(plan.stocks[1].expected_version == 0);  // An agreed price holds for any.
  for (const PaymentDemand& demand : plan.payments) CHECK(demand.kind == AccountKind::wallet);
}

TEST_CASE("plan: fees are rounded down, for the payee", "[domain][plan][checkout]") {
  const auto [price, basis_points, fee] = GENERATE(table<Minor, int, Minor>({
      {0, 250, 0},
      {1, 1, 0},
      {9'999, 1, 0},
      {10'000, 1, 1},
      {10'001, 1, 1},
      {1, 9'999, 0},
      {2, 9'999, 1},
      {1, 10'000, 1},
      {12'345, 10'000, 12'345},
      {12'345, 0, 0},
      {39, 250, 0},
      {40, 250, 1},
      {kAmountMinorMax, 1, 100'000'000'000},
      {kAmountMinorMax, 9'999, 999'900'000'000'000},
      {kAmountMinorMax - 1, 9'999, 999'899'999'999'999},
  }));
  CAPTURE(price, basis_points);
  const Plan plan = planned(sale(price, static_cast<std::uint16_t>(basis_points)));
  CHECK(leg(plan, "platform") == fee);
  CHECK(leg(plan, "shop") == price - fee);
  CHECK(leg(plan, "alice") == -price);
}

TEST_CASE("plan: a fee is taken of a payee's share, not of each line", "[domain][plan][checkout]") {
  Checkout checkout = sale(39, 250);
  checkout.lines.push_back(checkout.lines[0]);  // 39 + 39 = 78 pence: 1.95, where each alone gives 0.975.
  CHECK(leg(planned(checkout), "platform") == 1);
}

TEST_CASE("plan: an account that is payee and takes the fee gets both in one leg", "[domain][plan][checkout]") {
  Checkout checkout = good_checkout();
  checkout.fee.account = account("shop");
  const Plan plan = planned(checkout);
  CHECK(plan.payments.size() == 3);
  CHECK(leg(plan, "shop") == 2'500 - 62 + 62 + 60);
  checkout.payees[1] = account("shop");  // And payee twice: each entry pays its own fee.
  CHECK(leg(planned(checkout), "shop") == 4'900);
}

TEST_CASE("plan: lines of one sku are one claim", "[domain][plan][checkout]") {
  Checkout checkout = good_checkout();
  checkout.lines.push_back({sku("mug"), 5, 700, 0, 1});
  const Plan plan = planned(checkout);
  REQUIRE(plan.stocks.size() == 2);
  CHECK(plan.stocks[1].amount == 7);
  CHECK(plan.unit_prices.size() == 3);
  CHECK(plan.total == 4'900 + 3'500);
}

TEST_CASE("plan: lines of one sku that expect two versions contradict each other", "[domain][plan][checkout]") {
  const auto [first, second, code, version] = GENERATE(table<std::uint32_t, std::uint32_t, Errc, std::uint32_t>({
      {0, 0, Errc::none, 0},
      {3, 0, Errc::none, 3},
      {0, 3, Errc::none, 3},
      {3, 3, Errc::none, 3},
      {3, 4, Errc::invalid_argument, 0},
  }));
  Checkout checkout = sale(100, 0);
  checkout.lines[0].expected_version = first;
  checkout.lines.push_back({sku("mug"), 1, 100, second});
  Plan out;
  const auto done = plan(checkout, good_prices(), out);
  REQUIRE(done.code() == code);
  if (done) CHECK(out.stocks[0].expected_version == version);
}

TEST_CASE("plan: demands are sorted by name, each name once, and no money is made or lost",
          "[domain][plan][checkout]") {
  property("random checkouts", 300, [] {
    Checkout checkout;
    checkout.customer = account("customer");
    checkout.currency = kGbp;
    const auto payees = *rc::gen::inRange<std::size_t>(1, kPayeesMax + 1);
    for (std::size_t i = 0; i < payees; ++i)
      checkout.payees.push_back(account("payee-" + std::to_string(*rc::gen::inRange(0, 9))));
    const auto lines = *rc::gen::inRange(1, 30);
    Minor total = 0;
    for (int i = 0; i < lines; ++i) {
      const Line line{sku("sku-" + std::to_string(*rc::gen::inRange(0, 9))), *rc::gen::inRange<Units>(1, 1'000),
                      *rc::gen::inRange<Minor>(0, 100'000), 0,
                      static_cast<std::uint8_t>(*rc::gen::inRange<std::size_t>(0, payees))};
      total += line.quantity * line.unit_price;
      checkout.lines.push_back(line);
    }
    checkout.fee = {account(*rc::gen::element("platform", "payee-1")),
                    *rc::gen::inRange<std::uint16_t>(0, kFeeBasisPointsMax + 1)};
    Plan out;
    RC_ASSERT(static_cast<bool>(plan(checkout, Prices{}, out)));
    RC_ASSERT(sum(out) == 0);
    RC_ASSERT(out.total == total);
    RC_ASSERT(leg(out, "customer") == -total);
    for (std::size_t i = 1; i < out.payments.size(); ++i)
      RC_ASSERT(out.payments[i - 1].account < out.payments[i].account);
    for (std::size_t i = 1; i < out.stocks.size(); ++i) RC_ASSERT(out.stocks[i - 1].sku < out.stocks[i].sku);
    for (const PaymentDemand& demand : out.payments)
      RC_ASSERT(demand.account == checkout.customer || demand.amount >= 0);
  });
}

}  // namespace kontor::tests
