// The order resource: which keys are in use, which orders are being amended, and what is kept in memory.
#include <algorithm>

#include "domain/order.hpp"
#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

constexpr TransactionId kFirst{0, 1, 1}, kSecond{0, 1, 2};
constexpr OrderId kOrder{0, 1, 7}, kOther{0, 1, 8};

OrderDemand enroll(std::string_view name, std::uint64_t fingerprint = 1) {
  OrderDemand demand;
  demand.action = OrderAction::enroll;
  demand.key = key(name);
  demand.fingerprint = fingerprint;
  return demand;
}

OrderDemand amendment(OrderAction action, std::uint32_t line, Units quantity, std::uint32_t version = 1,
                      OrderId order = kOrder) {
  OrderDemand demand;
  demand.action = action;
  demand.expected_version = version;
  demand.line = line;
  demand.quantity = quantity;
  demand.order = order;
  return demand;
}
OrderDemand refund(std::uint32_t line, Units quantity, std::uint32_t version = 1, OrderId order = kOrder) {
  return amendment(OrderAction::refund, line, quantity, version, order);
}

/// A book that holds one order of five units and three.
OrderBook with_order() {
  OrderBook book;
  book.load(kOrder, {1, OrderStatus::placed, {{5, 0, 0}, {3, 0, 0}}}, 0);
  return book;
}

using Demands = std::vector<OrderDemand>;

OrderBook::Claim hold(OrderBook& book, const Demands& demands, const TransactionId& transaction = kFirst) {
  auto answer = book.decide(demands, nullptr);
  REQUIRE(answer);
  book.hold(answer->claim, transaction);
  return answer->claim;
}

}  // namespace

TEST_CASE("order book: a key in use refuses the same request and any other", "[domain][order_book]") {
  OrderBook book;
  const auto claim = hold(book, {enroll("k", 1)});
  CHECK(book.keys_in_use() == 1);
  CHECK(book.decide(Demands{enroll("k", 1)}, nullptr).code() == Errc::request_in_progress);
  CHECK(book.decide(Demands{enroll("k", 2)}, nullptr).code() == Errc::idempotency_key_reused);
  CHECK(book.decide(Demands{enroll("l", 1)}, nullptr).code() == Errc::none);
  const bool commit = GENERATE(true, false);
  book.settle(claim, commit, 10);
  CHECK(book.keys_in_use() == 0);
  CHECK(book.decide(Demands{enroll("k", 2)}, nullptr));  // What was committed is known to the shell, not to the book.
}

TEST_CASE("order book: a committed use of the key answers for the request", "[domain][order_book]") {
  const OrderBook book;
  const Enrolled earlier{kSecond, 1};
  const auto repeat = book.decide(Demands{enroll("k", 1)}, &earlier);
  REQUIRE(repeat);
  CHECK(repeat->repeat_of == kSecond);
  CHECK(book.decide(Demands{enroll("k", 2)}, &earlier).code() == Errc::idempotency_key_reused);
}

TEST_CASE("order book: a repeat is answered whatever the order looks like by now", "[domain][order_book]") {
  OrderBook book = with_order();
  hold(book, {refund(0, 1)});
  const Enrolled earlier{kSecond, 1};
  const auto repeat = book.decide(Demands{enroll("k", 1), refund(0, 99, 42, kOther)}, &earlier);
  REQUIRE(repeat);
  CHECK(repeat->repeat_of == kSecond);
}

TEST_CASE("order book: demands on an order, refusals first", "[domain][order_book]") {
  using A = OrderAction;
  struct Row {
    std::string what;
    Demands demands;
    Errc code;
  };
  const auto row = GENERATE(values<Row>({
      {"of an order not loaded", {refund(0, 1, 1, kOther)}, Errc::unknown_order},
      {"of a version before", {refund(0, 1, 0)}, Errc::conflict},
      {"of a version after", {refund(0, 1, 2)}, Errc::conflict},
      {"of two orders", {refund(0, 1, 1, kOther), refund(1, 1)}, Errc::invalid_argument},
      {"of two orders, the known one first", {refund(0, 1), refund(1, 1, 1, kOther)}, Errc::unknown_order},
      {"of one line twice", {refund(0, 1), refund(0, 1)}, Errc::invalid_argument},
      {"of lines in the wrong order", {refund(1, 1), refund(0, 1)}, Errc::invalid_argument},
      {"of a line that is not there", {refund(2, 1)}, Errc::invalid_argument},
      {"of no units", {refund(0, 0)}, Errc::invalid_argument},
      {"of too many units", {refund(0, 6)}, Errc::exceeds_order},
      {"of too many units in the second line", {refund(0, 5), refund(1, 4)}, Errc::exceeds_order},
      {"fulfils too much", {amendment(A::fulfil, 1, 4)}, Errc::exceeds_order},
      {"cancels a part", {amendment(A::cancel, 0, 4)}, Errc::invalid_argument},
      {"cancels", {amendment(A::cancel, 0, 5), amendment(A::cancel, 1, 3)}, Errc::none},
      {"refunds", {refund(0, 5), refund(1, 3)}, Errc::none},
      {"refunds with a key", {enroll("k"), refund(0, 5)}, Errc::none},
      {"fulfils", {amendment(A::fulfil, 1, 3)}, Errc::none},
  }));
  INFO(row.what);
  OrderBook book = with_order();
  CHECK(book.decide(row.demands, nullptr).code() == row.code);
}

TEST_CASE("order book: one amendment of an order at a time", "[domain][order_book]") {
  OrderBook book = with_order();
  const auto claim = hold(book, {refund(0, 1)});
  CHECK(book.amending(kOrder));
  CHECK(book.decide(Demands{refund(1, 1)}, nullptr).code() == Errc::conflict);
  SECTION("committed: the order has a new version") {
    book.settle(claim, true, 10);
    CHECK(book.find(kOrder)->lines[0] == LineProgress{5, 1, 0});
    CHECK(book.decide(Demands{refund(1, 1)}, nullptr).code() == Errc::conflict);
    CHECK(book.decide(Demands{refund(1, 1)}, nullptr).error().figure == 2);
    CHECK(book.decide(Demands{refund(1, 1, 2)}, nullptr));
    CHECK(book.decide(Demands{refund(0, 5, 2)}, nullptr).code() == Errc::exceeds_order);
  }
  SECTION("aborted: nothing happened") {
    book.settle(claim, false, 10);
    CHECK(book.find(kOrder)->lines[0] == LineProgress{5, 0, 0});
    CHECK(book.decide(Demands{refund(1, 1)}, nullptr));
  }
  CHECK_FALSE(book.amending(kOrder));
}

TEST_CASE("order book: a cancel ends the order", "[domain][order_book]") {
  OrderBook book = with_order();
  const auto claim = hold(book, {amendment(OrderAction::cancel, 0, 5), amendment(OrderAction::cancel, 1, 3)});
  book.settle(claim, true, 10);
  CHECK(book.find(kOrder)->status == OrderStatus::cancelled);
  CHECK(book.decide(Demands{refund(0, 1, 2)}, nullptr).code() == Errc::order_state);
}

TEST_CASE("order book: what a checkpoint has in is not taken in again", "[domain][order_book]") {
  const auto [decided, refunded] = GENERATE(table<Position, Units>({{49, 0}, {50, 0}, {51, 1}}));
  OrderBook book;
  book.load(kOrder, {3, OrderStatus::placed, {{5, 0, 0}}}, 50);  // All decisions up to position 50 are in.
  const auto claim = OrderBook::resolve(Demands{refund(0, 1)});
  book.hold(claim, kFirst);
  book.settle(claim, true, decided);
  CHECK(book.find(kOrder)->lines[0].refunded == refunded);
  CHECK(book.take_dirty().size() == (refunded != 0 ? 1u : 0u));
}

TEST_CASE("order book: orders leave memory when the store has them and nobody holds them", "[domain][order_book]") {
  OrderBook book = with_order();
  book.load(kOther, {1, OrderStatus::placed, {{5, 0, 0}}}, 0);
  const auto amended = hold(book, {refund(0, 1)});
  book.settle(amended, true, 10);
  book.evict_clean();
  CHECK(book.rows() == 1);  // The other was clean.
  CHECK(book.find(kOther) == nullptr);
  CHECK(book.take_dirty() == std::vector<OrderId>{kOrder});
  CHECK(book.take_dirty().empty());

  const auto open = hold(book, {refund(0, 1, 2)}, kSecond);
  book.evict_clean();
  CHECK(book.rows() == 1);  // Held.
  book.settle(open, false, 11);
  CHECK(book.take_dirty().empty());  // An abort changes nothing.
  book.evict_clean();
  CHECK(book.rows() == 0);
}

TEST_CASE("order book: an order amended twice is dirty once", "[domain][order_book]") {
  OrderBook book = with_order();
  book.settle(hold(book, {refund(0, 1)}), true, 10);
  book.settle(hold(book, {refund(0, 1, 2)}), true, 11);
  CHECK(book.find(kOrder)->version == 3);
  CHECK(book.take_dirty().size() == 1);
}

TEST_CASE("order book: keys are told apart by all their bytes", "[domain][order_book]") {
  const KeyDigest digest = digest_of(key("a"));
  CHECK(digest == digest_of(key("a")));
  CHECK(digest != KeyDigest{});
  CHECK(digest_of(key(std::string(kKeyBytesMax, 'x'))) != digest_of(key(std::string(kKeyBytesMax - 1, 'x'))));
  CHECK(digest_of(key("ab")) != digest_of(key("ba")));
}

}  // namespace kontor::tests
