#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/demands.hpp"
#include "domain/reservations.hpp"

namespace kontor {

/// What happened to one line of an order since it was placed. Invariant: refunded <= bought, fulfilled <= bought.
struct LineProgress {
  Units bought = 0, refunded = 0, fulfilled = 0;
  Units refundable() const { return bought - refunded; }
  /// Refunded units are never handed over afterwards.
  Units fulfillable() const { return bought - refunded > fulfilled ? bought - refunded - fulfilled : 0; }
  friend bool operator==(const LineProgress&, const LineProgress&) = default;
};

enum class OrderStatus : std::uint8_t {
  placed = 1,
  cancelled = 2,
  reserved = 3,  ///< Not paid: a reservation, which is redeemed (then placed), released or expired.
  released = 4,  ///< Never paid.
  expired = 5,   ///< Released because it was late.
};
enum class PaymentStatus : std::uint8_t { paid = 1, partially_refunded = 2, refunded = 3, unpaid = 4 };
enum class FulfilmentStatus : std::uint8_t { unfulfilled = 1, partially_fulfilled = 2, fulfilled = 3 };
std::string_view to_string(OrderStatus status);
std::string_view to_string(PaymentStatus status);
std::string_view to_string(FulfilmentStatus status);

/// The part of an order that changes. Its contents (lines, prices, payees) never do: they are in the order journal.
struct OrderProgress {
  std::uint32_t version = 1;  ///< Grows with each committed amendment.
  OrderStatus status = OrderStatus::placed;
  std::vector<LineProgress> lines;
  friend bool operator==(const OrderProgress&, const OrderProgress&) = default;
};

/// Derived, never stored.
PaymentStatus payment_status(const OrderProgress& order);
FulfilmentStatus fulfilment_status(const OrderProgress& order);

/// An order as placed, with what became of it.
struct Order {
  OrderId id;
  Checkout checkout;  ///< Every line with its resolved unit price.
  OrderProgress progress;
  std::int64_t expires_at_ns = 0;  ///< Unix time; 0: it never was a reservation.
};
/// Progress of an order just placed.
OrderProgress placed(const Checkout& checkout);
/// The order that a request makes, as it is then: placed or reserved. None: it makes no order.
std::optional<Order> order_made(const OrderId& id, const Operation& operation);

/// After it the order holds no stock any more that was only reserved.
bool ends_reservation(OrderAction action);
/// Whether `amendment` of `line` is possible now. Errors: order_state, exceeds_order, invalid_argument.
Result<void> check_amendment(const OrderProgress& order, OrderAction amendment, std::uint32_t line, Units quantity);

/// One line of an order cancelled, refunded or fulfilled; or what becomes of a reservation, which names no line.
struct Amendment {
  OrderAction action = OrderAction::refund;
  std::uint32_t line = 0;
  Units quantity = 0;
  std::int64_t expires_at_ns = 0;  ///< reserve: Unix time.
};
/// Takes in what `check_amendment` allowed; cannot refuse.
void amend(OrderProgress& order, std::span<const Amendment> amendments);

/// 128-bit hash of an idempotency key: its identity among requests in flight.
struct KeyDigest {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const KeyDigest&, const KeyDigest&) = default;
  friend std::size_t hash_value(const KeyDigest& digest) { return digest.low; }
};
KeyDigest digest_of(const IdempotencyKey& key);

/// An earlier, committed use of a key, as the shell found it in the order journal.
struct Enrolled {
  TransactionId transaction;
  std::uint64_t fingerprint = 0;
};

/// The order resource: which keys are being used right now, the progress of orders that were ever amended, and the
/// reservations that hold stock.
/// Pure: what lies in the store is handed in (`load`, `enrolled`) by whoever drives it.
class OrderBook {
 public:
  using Demand = OrderDemand;

  /// What a yes vote promises.
  struct Claim {
    KeyDigest key;  ///< Zero: this participant holds no key of the transaction.
    std::uint64_t fingerprint = 0;
    OrderId order;  ///< None: no order is amended.
    std::vector<Amendment> amendments;
    const Amendment* reservation() const { return !order && !amendments.empty() ? amendments.data() : nullptr; }
  };

  OrderBook() = default;
  /// With room for fewer reservations: tests reach the bound that way.
  explicit OrderBook(std::size_t reservations_max) : reservations_max_(reservations_max) {}

  /// May the demands of one transaction be promised? `earlier` is the committed use of the key, if there is one.
  /// Errors: idempotency_key_reused, request_in_progress; conflict (version moved on, or another amendment is open),
  /// unknown_order (not loaded), order_state, exceeds_order, invalid_argument; overloaded (reservations). A repeat of a
  /// committed request is `none` with `repeat_of` set: the caller votes no and tells the earlier transaction.
  struct Answer {
    Claim claim;
    TransactionId repeat_of;
  };
  Result<Answer> decide(std::span<const OrderDemand> demands, const Enrolled* earlier) const;
  /// The claim of demands that were accepted before: replay of a prepared record.
  static Claim resolve(std::span<const OrderDemand> demands);

  void hold(const Claim& claim, const TransactionId& transaction);
  /// `decided` is the position of the decision; an order that already has it in (replay after a checkpoint) keeps it.
  /// `transaction` gives a reservation its id.
  void settle(const Claim& claim, bool commit, Position decided, const TransactionId& transaction = {});

  /// Progress of an order that was ever amended and is in memory, else nullptr.
  const OrderProgress* find(const OrderId& order) const;
  bool amending(const OrderId& order) const;
  /// From the store; must not be in memory. `as_of`: all decisions up to there are in.
  void load(const OrderId& order, OrderProgress progress, Position as_of);
  /// Forgets rows that are neither held nor changed since the last `take_dirty`: they are in the store.
  void evict_clean();
  std::size_t rows() const { return rows_.size(); }
  std::size_t keys_in_use() const { return keys_.size(); }

  const Reservations& reservations() const { return reservations_; }
  Reservations& reservations() { return reservations_; }
  /// Reservations that expired by `now_ns` and that nobody is ending: at most `most`, the oldest first.
  std::vector<OrderId> due(std::int64_t now_ns, std::size_t most) const;

  /// Orders whose progress changed since the last call, for the checkpoint.
  std::vector<OrderId> take_dirty();

 private:
  struct Row {
    OrderProgress progress;
    std::uint32_t holders = 0;
    Position as_of = 0;
    bool dirty = false;
  };
  struct InUse {
    TransactionId transaction;
    std::uint64_t fingerprint = 0;
  };
  std::size_t reservations_max_ = kReservationsMax;
  std::size_t reserving_ = 0;  ///< Promised, undecided.
  Reservations reservations_;
  boost::unordered_flat_map<KeyDigest, InUse> keys_;
  boost::unordered_flat_map<OrderId, Row> rows_;
  std::vector<OrderId> dirty_;
};

}  // namespace kontor
