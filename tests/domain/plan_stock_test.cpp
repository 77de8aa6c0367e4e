// Planning of products, prices and stock: every field, refusals first.
#include "domain/plan.hpp"
#include "tests/domain/good_operations.hpp"

namespace kontor::tests {
namespace {

constexpr Errc kNone = Errc::none, kInvalid = Errc::invalid_argument, kTooLarge = Errc::too_large;

template <class Op>
std::vector<Broken<Op>> bad_prices() {
  return {
      {"no sku", [](Op& op) { op.sku = {}; }, kInvalid},
      {"no currency", [](Op& op) { op.price.currency = {}; }, kInvalid},
      {"free of charge", [](Op& op) { op.price.minor = 0; }, kNone},
      {"negative", [](Op& op) { op.price.minor = -1; }, kInvalid},
      {"lowest", [](Op& op) { op.price.minor = kLowest; }, kInvalid},
      {"largest", [](Op& op) { op.price.minor = kAmountMinorMax; }, kNone},
      {"too large", [](Op& op) { op.price.minor = kAmountMinorMax + 1; }, kTooLarge},
      {"highest", [](Op& op) { op.price.minor = kHighest; }, kTooLarge},
  };
}

template <class Op>
std::vector<Broken<Op>> bad_lines() {
  return {
      {"no lines", [](Op& op) { op.lines.clear(); }, kInvalid},
      {"as many lines as can be",
       [](Op& op) {
         op.lines.assign(kLinesMax, {sku("mug"), 1});
       },
       kNone},
      {"a line too many",
       [](Op& op) {
         op.lines.assign(kLinesMax + 1, {sku("mug"), 1});
       },
       kTooLarge, kLinesMax},
      {"no sku", [](Op& op) { op.lines[1].sku = {}; }, kInvalid, 1},
      {"no units", [](Op& op) { op.lines[1].quantity = 0; }, kInvalid, 1},
      {"as many units as can be", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax; }, kNone},
      {"too many units", [](Op& op) { op.lines[1].quantity = kQuantityUnitsMax + 1; }, kTooLarge, 1},
      {"highest", [](Op& op) { op.lines[1].quantity = kHighest; }, kTooLarge, 1},
  };
}

}  // namespace

TEST_CASE("plan: every field of a product", "[domain][plan]") {
  require_refusals<DefineProduct>(good_product(), bad_prices<DefineProduct>());
  Plan out;
  REQUIRE(plan(good_product(), Prices{}, out));
  REQUIRE(out.stocks.size() == 1);
  CHECK(out.stocks[0].action == StockAction::define);
  CHECK(out.stocks[0].currency == kGbp);
  CHECK(out.stocks[0].amount == 1'200);
  CHECK(out.stocks[0].expected_version == 0);
  CHECK(out.payments.empty());
}

TEST_CASE("plan: every field of a price", "[domain][plan]") {
  require_refusals<SetPrice>(good_price(), bad_prices<SetPrice>());
  Plan out;
  REQUIRE(plan(good_price(), Prices{}, out));
  REQUIRE(out.stocks.size() == 1);
  CHECK(out.stocks[0].action == StockAction::set_price);
  CHECK(out.stocks[0].amount == 1'300);
  CHECK(out.stocks[0].expected_version == 4);  // Judged at prepare, like all versions.
}

TEST_CASE("plan: every field of received stock", "[domain][plan]") {
  using Op = ReceiveStock;
  require_refusals<Op>(good_receipt(), bad_lines<Op>());
  require_refusals<Op>(good_receipt(), {{"negative", [](Op& op) { op.lines[0].quantity = -1; }},
                                        {"lowest", [](Op& op) { op.lines[0].quantity = kLowest; }, kTooLarge}});
  Plan out;
  REQUIRE(plan(good_receipt(), Prices{}, out));
  REQUIRE(out.stocks.size() == 2);
  CHECK(out.stocks[0].sku == sku("cup"));  // Sorted by name.
  CHECK(out.stocks[0].amount == 5);
  CHECK(out.stocks[1].amount == 10);
  for (const StockDemand& demand : out.stocks) CHECK(demand.action == StockAction::receive);
}

TEST_CASE("plan: every field of an adjustment", "[domain][plan]") {
  using Op = AdjustStock;
  require_refusals<Op>(good_adjustment(), bad_lines<Op>());
  require_refusals<Op>(good_adjustment(),
                       {{"as few units as can be", [](Op& op) { op.lines[0].quantity = -kQuantityUnitsMax; }, kNone},
                        {"too few units", [](Op& op) { op.lines[1].quantity = -kQuantityUnitsMax - 1; }, kTooLarge, 1},
                        {"lowest", [](Op& op) { op.lines[1].quantity = kLowest; }, kTooLarge, 1},
                        {"lines that cancel out",
                         [](Op& op) {
                           op.lines = {{sku("mug"), 4}, {sku("cup"), 1}, {sku("mug"), -4}};
                         }},
                        {"lines that nearly do",
                         [](Op& op) {
                           op.lines = {{sku("mug"), 4}, {sku("mug"), -5}};
                         },
                         kNone}});
  Plan out;
  REQUIRE(plan(good_adjustment(), Prices{}, out));
  REQUIRE(out.stocks.size() == 2);
  CHECK(out.stocks[1].action == StockAction::adjust);
  CHECK(out.stocks[1].amount == -3);
}

TEST_CASE("plan: lines of one sku are one demand", "[domain][plan]") {
  Plan out;
  REQUIRE(plan(ReceiveStock{{{sku("mug"), 1}, {sku("cup"), 2}, {sku("mug"), 3}, {sku("cup"), 4}}}, Prices{}, out));
  REQUIRE(out.stocks.size() == 2);
  CHECK(out.stocks[0].amount == 6);
  CHECK(out.stocks[1].amount == 4);
  ReceiveStock most;
  most.lines.assign(kLinesMax, {sku("mug"), kQuantityUnitsMax});
  REQUIRE(plan(most, Prices{}, out));
  REQUIRE(out.stocks.size() == 1);
  CHECK(out.stocks[0].amount == static_cast<Units>(kLinesMax) * kQuantityUnitsMax);
}

}  // namespace kontor::tests
