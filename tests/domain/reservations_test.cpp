// Which reservations hold stock, which are due, and what the store must learn.
#include "domain/reservations.hpp"

#include "domain/order.hpp"
#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

constexpr OrderId kA{0, 1, 1}, kB{0, 1, 2}, kC{0, 1, 3};

OrderDemand begins(std::int64_t expires_at_ns) {
  OrderDemand demand;
  demand.action = OrderAction::reserve;
  demand.expires_at_ns = expires_at_ns;
  return demand;
}
OrderDemand ends(OrderAction action, const OrderId& order) {
  OrderDemand demand;
  demand.action = action;
  demand.expected_version = 1;
  demand.order = order;
  return demand;
}

/// Reservations A and B, which end at 20 and 10.
OrderBook two_of() {
  OrderBook book;
  for (const auto& [id, at] : {std::pair(kA, 20), std::pair(kB, 10)}) {
    const auto claim = OrderBook::resolve(std::vector{begins(at)});
    book.hold(claim, id);
    book.settle(claim, true, 1, id);
    book.load(id, {1, OrderStatus::reserved, {{5, 0, 0}}}, 0);
  }
  return book;
}

using Orders = std::vector<OrderId>;

}  // namespace

TEST_CASE("reservations: what is added or ended twice counts once", "[domain][reservations]") {
  Reservations reservations;
  reservations.add(kA, 20), reservations.add(kB, 10), reservations.add(kA, 20);
  CHECK(reservations.size() == 2);
  CHECK(reservations.by_expiry().begin()->second == kB);
  reservations.end(kB), reservations.end(kB), reservations.end(kC);
  CHECK(reservations.size() == 1);
  CHECK(reservations.contains(kA));
  CHECK_FALSE(reservations.contains(kB));
}

TEST_CASE("reservations: the store learns each beginning and each end once", "[domain][reservations]") {
  Reservations reservations;
  reservations.load(kC, 30);
  reservations.add(kA, 20), reservations.add(kB, 10), reservations.end(kB);  // B came and went.
  auto changes = reservations.take_changes();
  CHECK(changes.begun == std::vector{std::pair(kA, std::int64_t{20})});
  CHECK(changes.ended.empty());
  CHECK(reservations.take_changes().begun.empty());
  reservations.end(kA), reservations.end(kC);
  changes = reservations.take_changes();
  CHECK(changes.begun.empty());
  CHECK(changes.ended == Orders{kA, kC});
  CHECK(reservations.take_changes().ended.empty());
}

TEST_CASE("reservations: replay tells again what the store knows", "[domain][reservations]") {
  Reservations reservations;
  reservations.load(kA, 20);
  reservations.add(kA, 20);
  CHECK(reservations.take_changes().begun.empty());
  reservations.end(kA);
  CHECK(reservations.take_changes().ended == Orders{kA});
}

TEST_CASE("order book: a reservation begins and ends by decision", "[domain][reservations][order_book]") {
  OrderBook book = two_of();
  CHECK(book.reservations().size() == 2);
  const auto action = GENERATE(OrderAction::redeem, OrderAction::release, OrderAction::expire);
  const auto claim = book.decide(std::vector{ends(action, kA)}, nullptr);
  REQUIRE(claim);
  book.hold(claim->claim, {0, 1, 9});
  CHECK(book.decide(std::vector{ends(OrderAction::redeem, kA)}, nullptr).code() == Errc::conflict);
  const bool commit = GENERATE(true, false);
  book.settle(claim->claim, commit, 2, {0, 1, 9});
  CHECK(book.reservations().contains(kA) != commit);
  CHECK(book.find(kA)->version == (commit ? 2u : 1u));
  // Exactly one wins: who planned against the reservation as it was is refused.
  const auto second = book.decide(std::vector{ends(OrderAction::release, kA)}, nullptr);
  CHECK(second.code() == (commit ? Errc::conflict : Errc::none));
  auto again = ends(OrderAction::release, kA);
  again.expected_version = 2;
  if (commit) CHECK(book.decide(std::vector{again}, nullptr).code() == Errc::order_state);
}

TEST_CASE("order book: a reservation that is not decided for does not begin", "[domain][reservations][order_book]") {
  OrderBook book;
  const auto claim = book.decide(std::vector{begins(10)}, nullptr);
  REQUIRE(claim);
  book.hold(claim->claim, kA);
  book.settle(claim->claim, false, 1, kA);
  CHECK(book.reservations().size() == 0);
  CHECK(book.due(100, 10).empty());
}

TEST_CASE("order book: what is due is what expired and nobody is ending", "[domain][reservations][order_book]") {
  OrderBook book = two_of();
  CHECK(book.due(9, 10).empty());
  CHECK(book.due(10, 10) == Orders{kB});
  CHECK(book.due(20, 10) == Orders{kB, kA});
  CHECK(book.due(20, 1) == Orders{kB});
  const auto claim = OrderBook::resolve(std::vector{ends(OrderAction::redeem, kB)});
  book.hold(claim, {0, 1, 9});
  CHECK(book.due(20, 10) == Orders{kA});
  CHECK(book.due(20, 1) == Orders{kA});
  book.settle(claim, true, 2, {0, 1, 9});
  CHECK(book.due(20, 10) == Orders{kA});
}

TEST_CASE("order book: an end that a stored row has in takes the reservation out all the same",
          "[domain][reservations][order_book]") {
  OrderBook book;
  book.reservations().load(kA, 20);
  book.load(kA, {2, OrderStatus::expired, {{5, 0, 0}}}, 50);  // All decisions up to position 50 are in.
  const auto claim = OrderBook::resolve(std::vector{ends(OrderAction::expire, kA)});
  book.hold(claim, {0, 1, 9});
  book.settle(claim, true, 40, {0, 1, 9});
  CHECK(book.reservations().size() == 0);
  CHECK(book.find(kA)->version == 2);
}

TEST_CASE("order book: a shard holds a bounded number of reservations", "[domain][reservations][limits]") {
  CHECK(kReservationsMax == 1'000'000);
  OrderBook book(2);
  const auto first = OrderBook::resolve(std::vector{begins(10)}), second = OrderBook::resolve(std::vector{begins(20)});
  book.hold(first, kA), book.hold(second, kB);
  CHECK(book.decide(std::vector{begins(30)}, nullptr).code() == Errc::overloaded);  // Promised ones count.
  book.settle(first, true, 1, kA);
  CHECK(book.decide(std::vector{begins(30)}, nullptr).code() == Errc::overloaded);
  book.settle(second, false, 1, kB);
  CHECK(book.decide(std::vector{begins(30)}, nullptr).code() == Errc::none);
}

}  // namespace kontor::tests
