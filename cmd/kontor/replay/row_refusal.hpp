#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/result.hpp"

namespace kontor::cmd::replay {

/// Why a row of the file is not booked, where no code of domain/result.hpp says it. Closed; names are stable.
enum class RowFault : std::uint8_t {
  unreadable_row,  ///< Not eight fields, quotes that do not pair, or a number or date that is none.
  invoice_prefix,  ///< Neither digits nor C and digits: what such an invoice means is not known.
  negative_price,
  fractional_pence,  ///< The price has more decimals than pence have, and they are not zero.
  zero_quantity,
  zero_price,      ///< Of a refund: nothing to pay back.
  wrong_sign,      ///< A refund of a quantity above zero, or a sale of one below zero that has a price.
  mixed_customer,  ///< The invoice belongs to another customer by its first row.
};
std::string_view to_string(RowFault fault);

/// Codes of both lists in one: what `rows_refused` counts by. Static text.
struct RowCode {
  std::string_view name;
  RowCode(RowFault fault) : name(to_string(fault)) {}  // NOLINT: implicit by design
  RowCode(Errc code) : name(to_string(code)) {}        // NOLINT: implicit by design
};

/// A row that was not booked.
struct RowRefusal {
  std::uint64_t line = 0;  ///< Physical line of the file that the row begins on, from 1.
  RowCode code;
  std::string invoice;  ///< As the file has it, if that could be read; cut to kInvoiceBytesMax.
  std::string reason;   ///< For people.
};

}  // namespace kontor::cmd::replay
