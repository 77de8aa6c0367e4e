#pragma once
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "domain/commit/protocol.hpp"
#include "domain/ids.hpp"
#include "domain/money.hpp"

/// What a caller may ask for. Each operation is one atomic transaction; `Request` adds the idempotency key.
/// Plain values: nothing here is checked before `plan` (plan.hpp), which names every refusal.
namespace kontor {

using Units = std::int64_t;  ///< Whole sellable units.

enum class AccountKind : std::uint8_t {
  wallet = 1,    ///< A customer's or merchant's money; never below -credit_limit, held amounts included.
  external = 2,  ///< The world outside (a bank, a card scheme); may go negative without limit.
};
std::string_view to_string(AccountKind kind);

struct OpenAccount {
  AccountId account;
  Currency currency;
  AccountKind kind = AccountKind::wallet;
  Minor credit_limit = 0;  ///< How far below zero a wallet may go.
};
struct Deposit {
  AccountId external, account;
  Money amount;
};
struct Withdraw {
  AccountId account, external;
  Money amount;
};
struct Transfer {
  AccountId source, target;  ///< Both wallets.
  Money amount;
};

struct DefineProduct {
  Sku sku;
  Money price;
};
struct SetPrice {
  Sku sku;
  Money price;
  std::uint32_t expected_version = 0;  ///< 0: any.
};
struct StockLine {
  Sku sku;
  Units quantity = 0;
};
/// Goods come in from a supplier; all lines or none.
struct ReceiveStock {
  std::vector<StockLine> lines;
};
/// Stock is counted anew: quantities may be negative (loss, breakage) but take only what no claim holds.
struct AdjustStock {
  std::vector<StockLine> lines;
};

inline constexpr Minor kCatalogPrice = -1;

struct Line {
  Sku sku;
  Units quantity = 0;
  Minor unit_price = kCatalogPrice;    ///< Agreed price in minor units, or kCatalogPrice: the product's own.
  std::uint32_t expected_version = 0;  ///< Of the product; 0: any. Another one at prepare is `price_changed`.
  std::uint8_t payee = 0;              ///< Index into Checkout::payees: who is credited for this line.
};
struct Fee {
  AccountId account;
  std::uint16_t basis_points = 0;  ///< Of each payee's share, rounded down; taken from the payee.
};
/// One purchase: claims on stock, the customer's money to the payees, an order; together or not at all.
struct Checkout {
  AccountId customer;
  Currency currency;
  std::vector<AccountId> payees;
  std::vector<Line> lines;
  Fee fee;  ///< No account: no fee.
};

struct OrderLine {
  std::uint32_t line = 0;  ///< Index into the order's lines.
  Units quantity = 0;
};
/// All money and stock back; only while nothing was fulfilled or refunded.
struct Cancel {
  OrderId order;
};
/// Money back for `lines`, or for all that is left when empty; with `restock` the units too.
struct Refund {
  OrderId order;
  std::vector<OrderLine> lines;
  bool restock = true;
};
/// Units of `lines` are handed over, or all that is left when empty.
struct Fulfil {
  OrderId order;
  std::vector<OrderLine> lines;
};
struct ReturnLine {
  Sku sku;
  Units quantity = 0;
  Minor unit_price = 0;
};
/// A refund for which no order is on record: pays the customer from the payee and takes the goods back.
struct UnmatchedRefund {
  AccountId customer, payee;
  Currency currency;
  std::vector<ReturnLine> lines;
};

/// A checkout whose payment comes later, or never: its units are set aside, at its prices, until the reservation is
/// redeemed or released. Just one of the two ends is given; the journal has `expires_at_ns`.
struct Reserve {
  Checkout checkout;
  std::int64_t expires_at_ns = 0;  ///< Unix time from which on it is not redeemed any more; 0: see below.
  std::int64_t expires_in_ns = 0;  ///< Counted from its beginning.
  std::int64_t begun_at_ns = 0;    ///< Unix time; set by the engine.
};
/// The customer pays as in a checkout, and what was set aside is sold; only before the reservation expires.
struct Redeem {
  OrderId order;                 ///< Of the reservation.
  std::int64_t begun_at_ns = 0;  ///< Unix time; set by the engine: this is what must lie before the expiry.
};
enum class ReleaseReason : std::uint8_t {
  asked = 1,    ///< At any time.
  expired = 2,  ///< Not before the reservation expires.
};
std::string_view to_string(ReleaseReason reason);
/// What was set aside can be sold again.
struct Release {
  OrderId order;  ///< Of the reservation.
  ReleaseReason reason = ReleaseReason::asked;
  std::int64_t begun_at_ns = 0;  ///< Unix time; set by the engine.
};

using Operation =
    std::variant<OpenAccount, Deposit, Withdraw, Transfer, DefineProduct, SetPrice, ReceiveStock, AdjustStock, Checkout,
                 Cancel, Refund, Fulfil, UnmatchedRefund, Reserve, Redeem, Release>;

/// The alternatives of Operation by number; stored in the journal, so append only.
enum class OperationKind : std::uint8_t {
  open_account,
  deposit,
  withdraw,
  transfer,
  define_product,
  set_price,
  receive_stock,
  adjust_stock,
  checkout,
  cancel,
  refund,
  fulfil,
  unmatched_refund,
  reserve,
  redeem,
  release,
};
inline constexpr std::size_t kOperationKinds = std::variant_size_v<Operation>;
inline OperationKind kind_of(const Operation& op) { return static_cast<OperationKind>(op.index()); }
std::string_view to_string(OperationKind kind);

struct Request {
  IdempotencyKey key;  ///< At most one effect per key while it is kept, whatever the body says.
  Operation operation;
  std::int64_t deadline_ns = 0;  ///< Unix time after which no decision to commit is taken; 0: none.
  /// How several shards agree; unset: as the engine was opened. Within one shard it makes no difference.
  std::optional<commit::Protocol> protocol;
};

}  // namespace kontor
