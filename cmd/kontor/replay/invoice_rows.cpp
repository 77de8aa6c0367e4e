#include "cmd/kontor/replay/invoice_rows.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace kontor::cmd::replay {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

/// Appends `digits` to `value`. False: beyond `max`.
bool append_digits(std::string_view digits, std::int64_t max, std::int64_t& value) {
  for (const char c : digits) {
    if (value > (max - (c - '0')) / 10) return false;
    value = value * 10 + (c - '0');
  }
  return true;
}

/// What a terminal and JSON can show, whatever the file holds.
std::string shown(std::string_view text, std::size_t bytes_max) {
  std::string out(text.substr(0, bytes_max));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';  // Also the bytes of UTF-8, which the cut may have split.
  return out;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShownBytesMax = 40;
  return "\"" + shown(text, kShownBytesMax) + (text.size() > kShownBytesMax ? "...\"" : "\"");
}

/// One refusal in the making: all have the same line and invoice.
class Refuse {
 public:
  explicit Refuse(const CsvRow& row) : row_(row) {}

  RowRefusal operator()(RowCode code, std::string reason) const {
    const bool readable = row_.fault == CsvFault::none && !row_.fields.empty();
    return {row_.line, code, readable ? shown(row_.fields[0], kInvoiceBytesMax) : std::string(), std::move(reason)};
  }

 private:
  const CsvRow& row_;
};

using Refused = std::optional<RowRefusal>;

Refused read_invoice(const std::string& text, const Refuse& refuse, InvoiceRow& out) {
  if (text.empty()) return refuse(Errc::invalid_argument, "InvoiceNo is empty");
  if (text.size() > kInvoiceBytesMax) return refuse(Errc::too_large, "InvoiceNo is too long");
  const bool refund = text.front() == 'C';
  if (!all_digits(std::string_view(text).substr(refund ? 1 : 0)))
    return refuse(RowFault::invoice_prefix, "InvoiceNo " + quoted(text) + " is neither digits nor C and digits");
  out.invoice = text;
  out.kind = refund ? RowKind::refund : RowKind::sale;
  return {};
}

Refused read_sku(const std::string& text, const Refuse& refuse, InvoiceRow& out) {
  if (text.find_first_not_of(' ') == std::string::npos) return refuse(Errc::invalid_argument, "StockCode is empty");
  const auto sku = Sku::parse(text);
  if (!sku) return refuse(sku.code(), "StockCode " + quoted(text));
  out.sku = *sku;
  return {};
}

Refused read_quantity(const std::string& text, const Refuse& refuse, Number& out) {
  out = read_whole(text, kQuantityUnitsMax);
  if (out.fault == NumberFault::none) return {};
  const bool large = out.fault == NumberFault::too_large;
  return refuse(large ? RowCode(Errc::too_large) : RowCode(RowFault::unreadable_row), "Quantity " + quoted(text));
}

Refused read_price(const std::string& text, const Refuse& refuse, InvoiceRow& out) {
  const Number price = read_pence(text, kAmountMinorMax);
  const std::string reason = "UnitPrice " + quoted(text);
  if (price.fault == NumberFault::unreadable) return refuse(RowFault::unreadable_row, reason);
  if (price.negative) return refuse(RowFault::negative_price, reason);
  if (price.fault == NumberFault::too_large) return refuse(Errc::too_large, reason);
  if (price.fault == NumberFault::fraction) return refuse(RowFault::fractional_pence, reason);
  out.price = price.value;
  return {};
}

Refused read_customer(std::string_view text, const Refuse& refuse, InvoiceRow& out) {
  // Spreadsheets make a number with a missing value somewhere in its column a fraction: 17850.0.
  std::string_view digits = text;
  if (digits.ends_with(".0")) digits.remove_suffix(2);
  if (!text.empty() && !all_digits(digits)) return refuse(RowFault::unreadable_row, "CustomerID " + quoted(text));
  if (digits.size() > kCustomerBytesMax) return refuse(Errc::too_large, "CustomerID is too long");
  out.customer = digits;
  return {};
}

/// What the signs of quantity and price mean together.
Refused sort_row(const Number& quantity, const Refuse& refuse, InvoiceRow& out) {
  if (quantity.value == 0) return refuse(RowFault::zero_quantity, "Quantity is 0");
  out.quantity = quantity.negative ? -quantity.value : quantity.value;
  if (out.kind == RowKind::refund) {
    if (!quantity.negative) return refuse(RowFault::wrong_sign, "a refund of a Quantity above 0");
    if (out.price == 0) return refuse(RowFault::zero_price, "a refund with UnitPrice 0");
    return {};
  }
  if (!quantity.negative) return {};
  if (out.price > 0) return refuse(RowFault::wrong_sign, "a sale of a Quantity below 0");
  out.kind = RowKind::adjustment;
  return {};
}

/// Takes an unsigned number of one to `digits_max` digits off `text`, within [low, high].
bool take_number(std::string_view& text, std::size_t digits_max, int low, int high) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = static_cast<std::size_t>(end - text.begin());
  int value = 0;
  if (digits == 0 || digits > digits_max) return false;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return value >= low && value <= high;
}

bool take_byte(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_day(std::string_view& text) {
  constexpr int kYearMax = 9999;
  std::string_view first_edition = text;
  if (take_number(first_edition, 2, 1, 12) && take_byte(first_edition, '/')) {
    text = first_edition;
    return take_number(text, 2, 1, 31) && take_byte(text, '/') && take_number(text, 4, 1, kYearMax);
  }
  return take_number(text, 4, 1, kYearMax) && take_byte(text, '-') && take_number(text, 2, 1, 12) &&
         take_byte(text, '-') && take_number(text, 2, 1, 31);
}

}  // namespace

bool is_header(const CsvRow& row) {
  if (row.fault != CsvFault::none || row.columns != kColumns) return false;
  std::string joined;
  for (const std::string& field : row.fields) joined += (joined.empty() ? "" : ",") + field;
  return joined == kHeader;
}

Number read_whole(std::string_view text, std::int64_t max) {
  Number number;
  number.negative = take_byte(text, '-');
  if (!all_digits(text)) return {0, NumberFault::unreadable};
  if (!append_digits(text, max, number.value)) return {0, NumberFault::too_large, number.negative};
  if (number.negative) number.value = -number.value;
  number.negative = number.value < 0;  // There is no negative zero.
  return number;
}

Number read_pence(std::string_view text, std::int64_t max) {
  constexpr std::size_t kDecimals = 2;
  Number number;
  number.negative = take_byte(text, '-');
  const auto point = std::min(text.find('.'), text.size());
  const std::string_view pounds = text.substr(0, point);
  const bool has_point = point < text.size();
  std::string_view decimals = has_point ? text.substr(point + 1) : std::string_view();
  if (!all_digits(pounds) || (has_point && !all_digits(decimals))) return {0, NumberFault::unreadable};
  while (decimals.ends_with('0')) decimals.remove_suffix(1);
  // A fraction is negative only if something is left of it; "-0.00" is zero.
  const bool zero = decimals.empty() && pounds.find_first_not_of('0') == std::string_view::npos;
  number.negative = number.negative && !zero;
  std::array<char, kDecimals> pence{'0', '0'};
  std::copy_n(decimals.begin(), std::min(decimals.size(), kDecimals), pence.begin());
  if (!append_digits(pounds, max, number.value) || !append_digits({pence.data(), kDecimals}, max, number.value))
    return {0, NumberFault::too_large, number.negative};
  if (decimals.size() > kDecimals) return {0, NumberFault::fraction, number.negative};
  if (number.negative) number.value = -number.value;
  return number;
}

bool is_date(std::string_view text) {
  if (!take_day(text) || !(take_byte(text, ' ') || take_byte(text, 'T'))) return false;
  if (!take_number(text, 2, 0, 23) || !take_byte(text, ':') || !take_number(text, 2, 0, 59)) return false;
  return text.empty() || (take_byte(text, ':') && take_number(text, 2, 0, 59) && text.empty());
}

std::optional<RowRefusal> read_row(const CsvRow& row, InvoiceRow& out) {
  const Refuse refuse(row);
  if (row.fault == CsvFault::too_long) return refuse(Errc::too_large, "the row is too long");
  if (row.fault == CsvFault::malformed) return refuse(RowFault::unreadable_row, "quotes do not pair");
  if (row.columns != kColumns)
    return refuse(RowFault::unreadable_row, std::to_string(row.columns) + " fields where 8 belong");
  out.line = row.line;
  Number quantity;
  if (auto refused = read_invoice(row.fields[0], refuse, out)) return refused;
  if (auto refused = read_sku(row.fields[1], refuse, out)) return refused;
  if (auto refused = read_quantity(row.fields[3], refuse, quantity)) return refused;
  if (!is_date(row.fields[4])) return refuse(RowFault::unreadable_row, "InvoiceDate " + quoted(row.fields[4]));
  if (auto refused = read_price(row.fields[5], refuse, out)) return refused;
  if (auto refused = read_customer(row.fields[6], refuse, out)) return refused;
  return sort_row(quantity, refuse, out);
}

}  // namespace kontor::cmd::replay
