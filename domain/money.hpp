#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/limits.hpp"
#include "domain/result.hpp"

namespace kontor {

/// An amount in minor units (pence, cents, yen). Always an integer; there is no floating point in Kontor.
using Minor = std::int64_t;

/// An ISO 4217 currency by its numeric code (GBP is 826), so that stored bytes outlive this table. 0 means "none".
struct Currency {
  std::uint16_t number = 0;
  explicit operator bool() const { return number != 0; }
  friend bool operator==(const Currency&, const Currency&) = default;
};

/// Looks up an alphabetic code, in capitals as ISO writes it. Errors: invalid_argument.
Result<Currency> parse_currency(std::string_view code);
/// The alphabetic code, or "???" for a number that is not in the table.
std::string_view currency_code(Currency currency);
/// Digits after the decimal point: 2 for GBP, 0 for JPY, 3 for KWD.
int currency_exponent(Currency currency);

struct Money {
  Minor minor = 0;
  Currency currency;
  friend bool operator==(const Money&, const Money&) = default;
};

/// Reads "12.34" with exactly as many decimals as the currency allows, or fewer. Errors: invalid_argument (not a plain
/// decimal number), amount_out_of_range (finer than a minor unit, or beyond kAmountMinorMax).
Result<Minor> parse_minor(std::string_view text, Currency currency);
/// "12.34 GBP".
std::string to_string(Money money);

/// Checked arithmetic. Errors: amount_out_of_range when the result's magnitude exceeds `max`.
Result<std::int64_t> add(std::int64_t a, std::int64_t b, std::int64_t max);
Result<std::int64_t> multiply(std::int64_t a, std::int64_t b, std::int64_t max);

}  // namespace kontor
