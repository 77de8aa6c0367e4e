#include "domain/operations.hpp"

#include "domain/demands.hpp"
#include "domain/order.hpp"
#include "tests/domain/values.hpp"

namespace kontor::tests {

TEST_CASE("operations: number and name of each kind are pinned, since journals hold them", "[domain][operations]") {
  const auto [operation, number, name] = GENERATE(table<Operation, int, std::string_view>({
      {OpenAccount{}, 0, "open_account"},
      {Deposit{}, 1, "deposit"},
      {Withdraw{}, 2, "withdraw"},
      {Transfer{}, 3, "transfer"},
      {DefineProduct{}, 4, "define_product"},
      {SetPrice{}, 5, "set_price"},
      {ReceiveStock{}, 6, "receive_stock"},
      {AdjustStock{}, 7, "adjust_stock"},
      {Checkout{}, 8, "checkout"},
      {Cancel{}, 9, "cancel"},
      {Refund{}, 10, "refund"},
      {Fulfil{}, 11, "fulfil"},
      {UnmatchedRefund{}, 12, "unmatched_refund"},
      {Reserve{}, 13, "reserve"},
      {Redeem{}, 14, "redeem"},
      {Release{}, 15, "release"},
  }));
  CHECK(static_cast<int>(kind_of(operation)) == number);
  CHECK(to_string(kind_of(operation)) == name);
  STATIC_REQUIRE(kOperationKinds == 16);
  CHECK(to_string(static_cast<OperationKind>(kOperationKinds)) == "unlisted");
}

TEST_CASE("operations: stored numbers of accounts, demands and orders are pinned", "[domain][operations]") {
  CHECK(static_cast<int>(AccountKind::wallet) == 1);
  CHECK(static_cast<int>(AccountKind::external) == 2);
  CHECK(static_cast<int>(PaymentAction::post) == 1);
  CHECK(static_cast<int>(PaymentAction::open_account) == 2);
  CHECK(static_cast<int>(StockAction::sell) == 1);
  CHECK(static_cast<int>(StockAction::take_back) == 2);
  CHECK(static_cast<int>(StockAction::receive) == 3);
  CHECK(static_cast<int>(StockAction::adjust) == 4);
  CHECK(static_cast<int>(StockAction::define) == 5);
  CHECK(static_cast<int>(StockAction::set_price) == 6);
  CHECK(static_cast<int>(StockAction::reserve) == 7);
  CHECK(static_cast<int>(StockAction::redeem) == 8);
  CHECK(static_cast<int>(StockAction::release) == 9);
  CHECK(static_cast<int>(OrderAction::enroll) == 1);
  CHECK(static_cast<int>(OrderAction::cancel) == 2);
  CHECK(static_cast<int>(OrderAction::refund) == 3);
  CHECK(static_cast<int>(OrderAction::fulfil) == 4);
  CHECK(static_cast<int>(OrderAction::reserve) == 5);
  CHECK(static_cast<int>(OrderAction::redeem) == 6);
  CHECK(static_cast<int>(OrderAction::release) == 7);
  CHECK(static_cast<int>(OrderAction::expire) == 8);
  CHECK(static_cast<int>(OrderStatus::placed) == 1);
  CHECK(static_cast<int>(OrderStatus::cancelled) == 2);
  CHECK(static_cast<int>(OrderStatus::reserved) == 3);
  CHECK(static_cast<int>(OrderStatus::released) == 4);
  CHECK(static_cast<int>(OrderStatus::expired) == 5);
  CHECK(static_cast<int>(ReleaseReason::asked) == 1);
  CHECK(static_cast<int>(ReleaseReason::expired) == 2);
}

TEST_CASE("operations: kinds and statuses have names", "[domain][operations]") {
  CHECK(to_string(AccountKind::wallet) == "wallet");
  CHECK(to_string(AccountKind::external) == "external");
  CHECK(to_string(static_cast<AccountKind>(0)) == "unlisted");
  CHECK(to_string(OrderStatus::placed) == "placed");
  CHECK(to_string(OrderStatus::cancelled) == "cancelled");
  CHECK(to_string(OrderStatus::reserved) == "reserved");
  CHECK(to_string(OrderStatus::released) == "released");
  CHECK(to_string(OrderStatus::expired) == "expired");
  CHECK(to_string(ReleaseReason::asked) == "asked");
  CHECK(to_string(ReleaseReason::expired) == "expired");
  CHECK(to_string(static_cast<ReleaseReason>(0)) == "unlisted");
  CHECK(to_string(static_cast<OrderStatus>(0)) == "unlisted");
  CHECK(to_string(PaymentStatus::paid) == "paid");
  CHECK(to_string(PaymentStatus::partially_refunded) == "partially_refunded");
  CHECK(to_string(PaymentStatus::refunded) == "refunded");
  CHECK(to_string(PaymentStatus::unpaid) == "unpaid");
  CHECK(to_string(static_cast<PaymentStatus>(0)) == "unlisted");
  CHECK(to_string(FulfilmentStatus::unfulfilled) == "unfulfilled");
  CHECK(to_string(FulfilmentStatus::partially_fulfilled) == "partially_fulfilled");
  CHECK(to_string(FulfilmentStatus::fulfilled) == "fulfilled");
  CHECK(to_string(static_cast<FulfilmentStatus>(0)) == "unlisted");
}

}  // namespace kontor::tests
