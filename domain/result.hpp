#pragma once
#include <cassert>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace kontor {

/// The one closed list of outcomes that are not success: for domain, journal, metrics, command line and wire.
/// A code exists only if some caller acts on it. Values are stable; a retired number is never given out again.
enum class Errc : std::uint8_t {
  none = 0,

  // Change the request: sending the same again gets the same answer.
  invalid_argument = 1,     ///< A field is empty, malformed or contradicts another.
  too_large = 2,            ///< A bound of limits.hpp on one request: text, lines, quantity, amount.
  amount_out_of_range = 3,  ///< A total, balance or stock would leave the representable range.
  unknown_account = 4,
  unknown_sku = 5,
  unknown_order = 6,
  already_exists = 7,  ///< The account or product is defined already.
  currency_mismatch = 8,
  account_kind = 9,  ///< E.g. a deposit from an account that is not external.
  insufficient_funds = 10,
  out_of_stock = 11,
  price_changed = 12,           ///< The product's version is not the expected one.
  order_state = 13,             ///< The order's state does not allow this (cancelled, fulfilled).
  exceeds_order = 14,           ///< More than was bought and is left to refund or fulfil.
  idempotency_key_reused = 15,  ///< The key was used for another request body.
  reservation_expired = 16,     ///< What was set aside goes back into the stock.

  // Retry the same request with the same key.
  conflict = 20,           ///< Another transaction holds the object exclusively right now.
  overloaded = 21,         ///< A bound on work in flight.
  storage_full = 22,       ///< No room for new work; promised work is finished.
  deadline_exceeded = 23,  ///< Aborted before a decision; nothing happened.
  shutting_down = 24,
  transaction_aborted = 25,  ///< Decided against without a refusal, e.g. its coordinator restarted.
  rate_limited = 26,         ///< This caller asks too often.

  shard_unreachable = 28,  ///< The node that it lives on has not answered; nothing was begun.

  // Ask for the outcome (same key, or the transaction id).
  outcome_unknown = 30,
  request_in_progress = 31,  ///< The same key is being worked on.

  // Opening and reading a directory.
  corrupt_journal = 40,      ///< Stored bytes are not what was written.
  incompatible_format = 41,  ///< Another version, or other options than the directory was made with.
  directory_in_use = 42,
  io_error = 43,
  not_found = 44,
};

enum class Advice : std::uint8_t { success, change_request, retry_same_request, ask_for_outcome, call_operator };

/// What a caller should do about `code`. No default branch: a new code must be sorted.
Advice advice(Errc code);

/// The code's name: wire text, log word and metric label alike.
std::string_view to_string(Errc code);

/// Why something was refused. A value: no allocation, `detail` is a literal that names the field or the rule.
struct Error {
  Errc code = Errc::none;
  std::string_view detail;
  std::uint32_t line = 0;   ///< Which line of the request, from 0, where it has lines.
  std::int64_t figure = 0;  ///< Units or minor units available, or the current version; see the code.
  friend bool operator==(const Error& a, const Error& b) { return a.code == b.code; }
};

/// A value or the Error that stands in its way.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                              // NOLINT: implicit by design
  Result(Error error) : error_(error) { assert(error.code != Errc::none); }  // NOLINT: implicit by design

  explicit operator bool() const { return value_.has_value(); }
  Errc code() const { return error_.code; }
  const Error& error() const { return error_; }
  T& operator*() { return assert(value_), *value_; }
  const T& operator*() const { return assert(value_), *value_; }
  T* operator->() { return assert(value_), &*value_; }
  const T* operator->() const { return assert(value_), &*value_; }

 private:
  std::optional<T> value_;
  Error error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(error) {}  // NOLINT: implicit by design
  explicit operator bool() const { return error_.code == Errc::none; }
  Errc code() const { return error_.code; }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace kontor
