#pragma once
#include <cstdint>

#include <boost/container/small_vector.hpp>

#include "domain/demands.hpp"
#include "domain/order.hpp"

/// From an operation to the demands it makes: validation, prices, totals, shares, fees. Pure.
namespace kontor {

/// One transaction, planned. Reused between calls so that planning allocates nothing for requests of usual size.
struct Plan {
  boost::container::small_vector<PaymentDemand, 6> payments;
  boost::container::small_vector<StockDemand, 6> stocks;
  boost::container::small_vector<OrderDemand, 1> amendments;  ///< Without the enrolment, which the intake adds.
  boost::container::small_vector<Minor, 6> unit_prices;       ///< Checkout: what each line is charged.
  Minor total = 0;                                            ///< What the customer pays or gets back.
  std::int64_t begun_at_ns = 0, expires_at_ns = 0;            ///< Of what concerns a reservation. Unix time.
  void clear();
};

/// The caller's view of a product. It may be stale: the version it had is validated at prepare.
struct ListedPrice {
  Money price;
  std::uint32_t version = 0;
};

/// Where planning looks up the price of a line that names none. Returns nullptr for an unknown SKU.
class PriceList {
 public:
  virtual ~PriceList() = default;
  virtual const ListedPrice* find(const Sku& sku) const = 0;
};

/// Plans everything but cancel, refund, fulfil, redeem and release, which depend on an order (below). `begun_at_ns` is
/// now, as Unix time; only a reservation asks for it.
/// Errors: invalid_argument, too_large, amount_out_of_range, unknown_sku (a line without price that `prices` lacks),
/// currency_mismatch, reservation_expired. `plan` is cleared first and unspecified after an error.
Result<void> plan(const Operation& operation, const PriceList& prices, Plan& plan, std::int64_t begun_at_ns = 0);

/// Plans what depends on `order` as it is now; its version goes along and is checked at prepare.
/// Errors: as above, and order_state, exceeds_order.
Result<void> plan_amendment(const Operation& operation, const Order& order, Plan& plan, std::int64_t begun_at_ns = 0);

/// A hash of what the caller asked, over all fields as given (prices from the catalogue are not part of it).
std::uint64_t fingerprint(const Operation& operation);

}  // namespace kontor
