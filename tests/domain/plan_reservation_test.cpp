// Reservations: what they ask of stock, money and order, and what the time at which a request begins decides.
#include "tests/domain/good_operations.hpp"

namespace kontor::tests {
namespace {

constexpr OrderId kOrder{0, 1, 7};
constexpr std::int64_t kNow = kExpiry - 1'000;

Plan planned(const Reserve& reserve, std::int64_t now_ns = kNow) {
  Plan plan;
  REQUIRE(kontor::plan(reserve, good_prices(), plan, now_ns));
  return plan;
}
Errc refused(const Reserve& reserve, std::int64_t now_ns = kNow) {
  Plan plan;
  return kontor::plan(reserve, good_prices(), plan, now_ns).code();
}

/// A reservation as the journal has it.
Order reserved(Checkout checkout = good_checkout()) {
  for (Line& line : checkout.lines)
    if (line.unit_price == kCatalogPrice) line.unit_price = 800;
  return *order_made(kOrder, Reserve{checkout, kExpiry});
}
Errc ended(const Operation& operation, const Order& order, std::int64_t now_ns = kNow) {
  Plan plan;
  return plan_amendment(operation, order, plan, now_ns).code();
}
Release expired() { return {kOrder, ReleaseReason::expired}; }

}  // namespace

TEST_CASE("plan: a reservation claims the checkout's stock at its prices, and no money", "[domain][plan]") {
  Plan bought;
  REQUIRE(kontor::plan(good_checkout(), good_prices(), bought));
  const Plan plan = planned(good_reservation());
  REQUIRE(plan.stocks.size() == bought.stocks.size());
  for (std::size_t i = 0; i < plan.stocks.size(); ++i) {
    CHECK(plan.stocks[i].action == StockAction::reserve);
    CHECK(plan.stocks[i].sku == bought.stocks[i].sku);
    CHECK(plan.stocks[i].amount == bought.stocks[i].amount);
    CHECK(plan.stocks[i].expected_version == bought.stocks[i].expected_version);
    CHECK(plan.stocks[i].currency == kGbp);
  }
  CHECK(plan.unit_prices == bought.unit_prices);
  CHECK(plan.total == bought.total);
  REQUIRE(plan.payments.size() == bought.payments.size());  // Who could not pay or be paid later is refused now.
  for (const PaymentDemand& demand : plan.payments) CHECK(demand.amount == 0);
  REQUIRE(plan.amendments.size() == 1);
  CHECK(plan.amendments[0].action == OrderAction::reserve);
  CHECK(plan.amendments[0].expires_at_ns == kExpiry);
  CHECK_FALSE(plan.amendments[0].order);
}

TEST_CASE("plan: a reservation expires at a time, or so long after it begins", "[domain][plan]") {
  CHECK(planned({good_checkout(), kExpiry}).expires_at_ns == kExpiry);
  const Plan after = planned({good_checkout(), 0, 500});
  CHECK(after.expires_at_ns == kNow + 500);
  CHECK(after.begun_at_ns == kNow);
  CHECK(after.amendments[0].expires_at_ns == kNow + 500);
}

TEST_CASE("plan: a reservation needs one end, not too far and not gone by", "[domain][plan][limits]") {
  CHECK(refused({good_checkout()}) == Errc::invalid_argument);
  CHECK(refused({good_checkout(), kExpiry, 500}) == Errc::invalid_argument);
  CHECK(refused({good_checkout(), -1}) == Errc::invalid_argument);
  CHECK(refused({good_checkout(), 0, -1}) == Errc::invalid_argument);
  CHECK(refused({good_checkout(), kLowest}) == Errc::invalid_argument);
  CHECK(refused({good_checkout(), kHighest}) == Errc::too_large);
  CHECK(refused({good_checkout(), 0, kHighest}) == Errc::too_large);
  CHECK(refused({good_checkout(), kNow + kReservationNsMax}) == Errc::none);
  CHECK(refused({good_checkout(), kNow + kReservationNsMax + 1}) == Errc::too_large);
  CHECK(refused({good_checkout(), 0, kReservationNsMax}) == Errc::none);
  CHECK(refused({good_checkout(), 0, kReservationNsMax + 1}) == Errc::too_large);
  CHECK(refused(good_reservation(), kExpiry - 1) == Errc::none);
  CHECK(refused(good_reservation(), kExpiry) == Errc::reservation_expired);
  CHECK(refused(good_reservation(), kExpiry + 1) == Errc::reservation_expired);
}

TEST_CASE("plan: a reservation is refused what a checkout is refused", "[domain][plan]") {
  Reserve reserve = good_reservation();
  reserve.checkout.lines[1].sku = sku("spoon");
  CHECK(refused(reserve) == Errc::unknown_sku);
  reserve.checkout.lines.clear();
  CHECK(refused(reserve) == Errc::invalid_argument);
}

TEST_CASE("plan: what is redeemed is paid and sold as by its checkout", "[domain][plan]") {
  const Order order = reserved();
  Plan bought, plan;
  REQUIRE(kontor::plan(order.checkout, Prices{}, bought));
  REQUIRE(plan_amendment(Redeem{kOrder}, order, plan, kNow));
  CHECK(sum(plan) == 0);
  CHECK(plan.total == bought.total);
  CHECK(plan.begun_at_ns == kNow);
  for (const char* name : {"alice", "shop", "potter", "platform"}) CHECK(leg(plan, name) == leg(bought, name));
  REQUIRE(plan.stocks.size() == bought.stocks.size());
  for (std::size_t i = 0; i < plan.stocks.size(); ++i) {
    CHECK(plan.stocks[i].action == StockAction::redeem);
    CHECK(plan.stocks[i].amount == bought.stocks[i].amount);
    CHECK(plan.stocks[i].expected_version == 0);  // The price was agreed on.
  }
  REQUIRE(plan.amendments.size() == 1);
  CHECK(plan.amendments[0].action == OrderAction::redeem);
  CHECK(plan.amendments[0].order == kOrder);
  CHECK(plan.amendments[0].expected_version == order.progress.version);
}

TEST_CASE("plan: what is released moves no money", "[domain][plan]") {
  const auto reason = GENERATE(ReleaseReason::asked, ReleaseReason::expired);
  Plan plan;
  REQUIRE(plan_amendment(Release{kOrder, reason}, reserved(), plan, kExpiry));
  CHECK(plan.payments.empty());
  REQUIRE(plan.stocks.size() == 2);
  for (const StockDemand& demand : plan.stocks) CHECK(demand.action == StockAction::release);
  REQUIRE(plan.amendments.size() == 1);
  CHECK(plan.amendments[0].action == (reason == ReleaseReason::asked ? OrderAction::release : OrderAction::expire));
}

TEST_CASE("plan: lines of one sku are set aside together, and end together", "[domain][plan]") {
  Checkout checkout = good_checkout();
  checkout.lines = {{sku("mug"), 2, 10}, {sku("cup"), 1, 10}, {sku("mug"), 3, 20}};
  const Plan plan = planned({checkout, kExpiry});
  REQUIRE(plan.stocks.size() == 2);
  CHECK(plan.stocks[1].amount == 5);
  Plan redeemed;
  REQUIRE(plan_amendment(Redeem{kOrder}, reserved(checkout), redeemed, kNow));
  REQUIRE(redeemed.stocks.size() == 2);
  CHECK(redeemed.stocks[1].amount == 5);
}

TEST_CASE("plan: time and status decide how a reservation may end", "[domain][plan]") {
  Order order = reserved();
  CHECK(ended(Redeem{kOrder}, order, kExpiry - 1) == Errc::none);
  CHECK(ended(Redeem{kOrder}, order, kExpiry) == Errc::reservation_expired);
  CHECK(ended(expired(), order, kExpiry - 1) == Errc::order_state);
  CHECK(ended(expired(), order, kExpiry) == Errc::none);
  CHECK(ended(Release{kOrder}, order, kExpiry - 1) == Errc::none);
  CHECK(ended(Release{kOrder}, order, kExpiry) == Errc::none);
  CHECK(ended(Release{kOrder, static_cast<ReleaseReason>(0)}, order) == Errc::invalid_argument);

  const auto status =
      GENERATE(OrderStatus::placed, OrderStatus::cancelled, OrderStatus::released, OrderStatus::expired);
  CAPTURE(to_string(status));
  order.progress.status = status;
  const bool late = status == OrderStatus::expired;
  CHECK(ended(Redeem{kOrder}, order) == (late ? Errc::reservation_expired : Errc::order_state));
  CHECK(ended(Release{kOrder}, order) == Errc::order_state);
  CHECK(ended(expired(), order, kExpiry) == Errc::order_state);
}

TEST_CASE("plan: a reservation is not cancelled, refunded or handed over", "[domain][plan]") {
  Order order = reserved();
  order.progress.status = GENERATE(OrderStatus::reserved, OrderStatus::released, OrderStatus::expired);
  CHECK(ended(Cancel{kOrder}, order) == Errc::order_state);
  CHECK(ended(Refund{kOrder, {}}, order) == Errc::order_state);
  CHECK(ended(Refund{kOrder, {{0, 1}}}, order) == Errc::order_state);
  CHECK(ended(Fulfil{kOrder, {}}, order) == Errc::order_state);
}

TEST_CASE("plan: what is redeemed is refunded to the last unit and penny", "[domain][plan]") {
  Order order = reserved();
  Plan paid, back;
  REQUIRE(plan_amendment(Redeem{kOrder}, order, paid, kNow));
  amend(order.progress, std::vector<Amendment>{{OrderAction::redeem, 0, 0}});
  CHECK(order.progress.status == OrderStatus::placed);
  CHECK(order.progress.version == 2);
  REQUIRE(plan_amendment(Cancel{kOrder}, order, back, kNow));
  for (const char* name : {"alice", "shop", "potter", "platform"}) CHECK(leg(back, name) == -leg(paid, name));
}

}  // namespace kontor::tests
