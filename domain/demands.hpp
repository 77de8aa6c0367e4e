#pragma once
#include <cstdint>
#include <string_view>

#include "domain/operations.hpp"

/// What one transaction asks of each participant: the common language of planning, messages and prepared records.
/// Demands of one transaction on one participant are sorted by name and name each account or SKU once.
namespace kontor {

enum class PaymentAction : std::uint8_t { post = 1, open_account = 2 };

/// A leg of a double entry, or a new account.
struct PaymentDemand {
  AccountId account;
  PaymentAction action = PaymentAction::post;
  AccountKind kind = AccountKind::wallet;  ///< Which kind the account must be, or will be.
  Currency currency;
  Minor amount = 0;  ///< post: credit if positive, debit if negative. open_account: the credit limit.
};

enum class StockAction : std::uint8_t {
  sell = 1,       ///< Claims units; committed, they leave the stock.
  take_back = 2,  ///< Units come back from a customer.
  receive = 3,    ///< Units come in from a supplier.
  adjust = 4,     ///< Counted anew; negative takes unclaimed units.
  define = 5,     ///< A new product with its price.
  set_price = 6,  ///< Exclusive: one at a time.
  reserve = 7,    ///< Claims units; committed, they are set aside for a reservation.
  redeem = 8,     ///< Claims units that are set aside; committed, they leave the stock.
  release = 9,    ///< Claims units that are set aside; committed, they can be sold again.
};

struct StockDemand {
  Sku sku;
  StockAction action = StockAction::sell;
  Currency currency;
  std::uint32_t expected_version = 0;  ///< 0: any.
  std::int64_t amount = 0;             ///< Units, or the price in minor units for define and set_price.
};

enum class OrderAction : std::uint8_t {
  enroll = 1,  ///< Binds the idempotency key to this transaction; keeps the operation for ever.
  cancel = 2,
  refund = 3,
  fulfil = 4,
  reserve = 5,  ///< The order that this transaction makes is a reservation.
  redeem = 6,
  release = 7,
  expire = 8,  ///< A release because it is late.
};

/// `enroll` and `reserve` stand once, at the home of the key; `redeem`, `release` and `expire` once, the others once
/// per line, at the home of the order.
struct OrderDemand {
  OrderAction action = OrderAction::enroll;
  OperationKind kind = OperationKind::checkout;
  std::uint32_t body_begin = 0, body_end = 0;  ///< enroll: the encoded operation in Bundle::bodies.
  std::uint32_t expected_version = 0;          ///< Others: of the order, as it was when this was planned.
  std::uint32_t line = 0;
  Units quantity = 0;
  OrderId order;
  std::uint64_t fingerprint = 0;  ///< enroll: of the request's body, to tell a repeat from a reuse of the key.
  IdempotencyKey key;
  std::int64_t expires_at_ns = 0;  ///< reserve: Unix time.
};

}  // namespace kontor
