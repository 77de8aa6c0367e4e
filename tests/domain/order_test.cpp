// One order: its statuses, and each amendment against each progress of a line.
#include "domain/order.hpp"

#include "tests/domain/values.hpp"

namespace kontor::tests {
namespace {

OrderProgress of_lines(std::vector<LineProgress> lines, OrderStatus status = OrderStatus::placed) {
  return {1, status, std::move(lines)};
}

}  // namespace

TEST_CASE("order: statuses are derived from the lines", "[domain][order]") {
  struct Row {
    std::vector<LineProgress> lines;  // bought, refunded, fulfilled
    PaymentStatus payment;
    FulfilmentStatus fulfilment;
  };
  using P = PaymentStatus;
  using F = FulfilmentStatus;
  const auto row = GENERATE(values<Row>({
      {{{2, 0, 0}, {3, 0, 0}}, P::paid, F::unfulfilled},
      {{{2, 1, 0}, {3, 0, 0}}, P::partially_refunded, F::unfulfilled},
      {{{2, 2, 0}, {3, 0, 0}}, P::partially_refunded, F::unfulfilled},
      {{{2, 2, 0}, {3, 3, 0}}, P::refunded, F::unfulfilled},
      {{{2, 0, 1}, {3, 0, 0}}, P::paid, F::partially_fulfilled},
      {{{2, 0, 2}, {3, 0, 0}}, P::paid, F::partially_fulfilled},
      {{{2, 0, 2}, {3, 0, 3}}, P::paid, F::fulfilled},
      {{{2, 2, 0}, {3, 0, 3}}, P::partially_refunded, F::fulfilled},  // What is refunded need not be handed over.
      {{{2, 1, 1}, {3, 0, 3}}, P::partially_refunded, F::fulfilled},
      {{{2, 2, 2}, {3, 3, 3}}, P::refunded, F::fulfilled},
      {{{2, 2, 1}, {3, 3, 0}}, P::refunded, F::fulfilled},
  }));
  const OrderProgress order = of_lines(row.lines);
  CHECK(payment_status(order) == row.payment);
  CHECK(fulfilment_status(order) == row.fulfilment);
}

TEST_CASE("order: each amendment against each progress of a line", "[domain][order]") {
  struct Row {
    LineProgress line;
    OrderAction action;
    Units quantity;
    Errc code;
    std::int64_t figure = 0;  // How much would be possible.
  };
  using A = OrderAction;
  constexpr Errc kOk = Errc::none, kState = Errc::order_state, kExceeds = Errc::exceeds_order;
  const auto row = GENERATE(values<Row>({
      {{5, 0, 0}, A::cancel, 5, kOk},
      {{5, 0, 0}, A::cancel, 4, Errc::invalid_argument},  // All or nothing.
      {{5, 0, 0}, A::cancel, 6, Errc::invalid_argument},
      {{5, 1, 0}, A::cancel, 5, kState},
      {{5, 0, 1}, A::cancel, 5, kState},
      {{5, 5, 5}, A::cancel, 5, kState},
      {{5, 0, 0}, A::refund, 1, kOk},
      {{5, 0, 0}, A::refund, 5, kOk},
      {{5, 0, 0}, A::refund, 6, kExceeds, 5},
      {{5, 2, 0}, A::refund, 3, kOk},
      {{5, 2, 0}, A::refund, 4, kExceeds, 3},
      {{5, 5, 0}, A::refund, 1, kExceeds, 0},
      {{5, 0, 5}, A::refund, 5, kOk},
      {{5, 2, 5}, A::refund, 3, kOk},
      {{5, 0, 0}, A::fulfil, 5, kOk},
      {{5, 0, 0}, A::fulfil, 6, kExceeds, 5},
      {{5, 2, 0}, A::fulfil, 3, kOk},
      {{5, 2, 0}, A::fulfil, 4, kExceeds, 3},
      {{5, 2, 2}, A::fulfil, 1, kOk},
      {{5, 2, 3}, A::fulfil, 1, kExceeds, 0},
      {{5, 4, 3}, A::fulfil, 1, kExceeds, 0},  // More refunded than not yet handed over.
      {{5, 0, 0}, A::refund, 0, Errc::invalid_argument},
      {{5, 0, 0}, A::fulfil, -1, Errc::invalid_argument},
  }));
  CAPTURE(row.line.bought, row.line.refunded, row.line.fulfilled, static_cast<int>(row.action), row.quantity);
  OrderProgress order = of_lines({{1, 0, 0}, row.line});
  const auto allowed = check_amendment(order, row.action, 1, row.quantity);
  REQUIRE(allowed.code() == row.code);
  if (!allowed) {
    CHECK(allowed.error().line == 1);
    CHECK(allowed.error().figure == row.figure);
    return;
  }
  amend(order, std::vector<Amendment>{{row.action, 1, row.quantity}});
  CHECK(order.version == 2);
  CHECK(order.lines[0] == LineProgress{1, 0, 0});
  CHECK(order.lines[1].refunded == row.line.refunded + (row.action == A::fulfil ? 0 : row.quantity));
  CHECK(order.lines[1].fulfilled == row.line.fulfilled + (row.action == A::fulfil ? row.quantity : 0));
  CHECK((order.status == OrderStatus::cancelled) == (row.action == A::cancel));
}

TEST_CASE("order: a cancelled order allows nothing more", "[domain][order]") {
  const OrderProgress order = of_lines({{5, 5, 0}}, OrderStatus::cancelled);
  for (const OrderAction action : {OrderAction::cancel, OrderAction::refund, OrderAction::fulfil})
    CHECK(check_amendment(order, action, 0, 1).code() == Errc::order_state);
}

TEST_CASE("order: a line that does not exist cannot be amended", "[domain][order]") {
  const OrderProgress order = of_lines({{5, 0, 0}});
  for (const std::uint32_t line : {1u, 2u, 0xffff'ffffu})
    CHECK(check_amendment(order, OrderAction::refund, line, 1).code() == Errc::invalid_argument);
}

TEST_CASE("order: only cancel, refund and fulfil are amendments", "[domain][order]") {
  const OrderProgress order = of_lines({{5, 0, 0}});
  for (const int action : {0, 1, 5, 255})
    CHECK(check_amendment(order, static_cast<OrderAction>(action), 0, 1).code() == Errc::invalid_argument);
}

TEST_CASE("order: an order just placed has all its units and the first version", "[domain][order]") {
  Checkout checkout;
  checkout.lines = {{sku("mug"), 2}, {sku("cup"), 3}};
  const OrderProgress order = placed(checkout);
  CHECK(order == of_lines({{2, 0, 0}, {3, 0, 0}}));
  CHECK(order.status == OrderStatus::placed);
}

TEST_CASE("order: one amendment of many lines is one version", "[domain][order]") {
  OrderProgress order = of_lines({{2, 0, 0}, {3, 0, 0}});
  amend(order, std::vector<Amendment>{{OrderAction::refund, 0, 1}, {OrderAction::refund, 1, 3}});
  CHECK(order.version == 2);
  CHECK(order.lines == std::vector<LineProgress>{{2, 1, 0}, {3, 3, 0}});
}

}  // namespace kontor::tests
