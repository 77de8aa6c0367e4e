#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/kontor/replay/csv_reader.hpp"
#include "cmd/kontor/replay/row_refusal.hpp"
#include "domain/operations.hpp"

/// One row of the "Online Retail" file: read, checked field by field from left to right, and sorted. Pure.
namespace kontor::cmd::replay {

inline constexpr std::string_view kHeader =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
inline constexpr std::size_t kColumns = 8;
inline constexpr std::size_t kInvoiceBytesMax = 32;   // Leaves room for `refund/…/unmatched` in an idempotency key.
inline constexpr std::size_t kCustomerBytesMax = 30;  // Leaves room for `customer/` in an account id.

enum class RowKind : std::uint8_t {
  sale,        ///< A numeric invoice, quantity > 0, price >= 0.
  adjustment,  ///< A numeric invoice, quantity < 0, price 0: the stock is counted anew.
  refund,      ///< An invoice with C, quantity < 0, price > 0.
};

struct InvoiceRow {
  std::uint64_t line = 0;
  RowKind kind = RowKind::sale;
  std::string invoice;
  std::string customer;  ///< Digits, or empty: the guest.
  Sku sku;
  Units quantity = 0;  ///< Above zero, whatever sign the row has: the kind says which way the goods go.
  Minor price = 0;     ///< Pence a unit.
};

/// The header is right: names, order, number.
bool is_header(const CsvRow& row);

/// Reads `row` into `out`, whose text storage is used again; or says why not, and leaves `out` unspecified.
std::optional<RowRefusal> read_row(const CsvRow& row, InvoiceRow& out);

/// Parts of the above, for tests.
enum class NumberFault : std::uint8_t { none, unreadable, too_large, fraction };
struct Number {
  std::int64_t value = 0;
  NumberFault fault = NumberFault::none;
  bool negative = false;  ///< Also where there is a fault other than unreadable.
};
/// "-12": digits with an optional sign; the magnitude is at most `max`.
Number read_whole(std::string_view text, std::int64_t max);
/// "12.5", "-0.001", "3": pounds to pence. A fraction of a penny is a fault, trailing zeros are not.
Number read_pence(std::string_view text, std::int64_t max);
/// "2010-12-01 08:26:00", also without seconds, or "12/1/2010 8:26" as the file's first edition has it.
bool is_date(std::string_view text);

}  // namespace kontor::cmd::replay
