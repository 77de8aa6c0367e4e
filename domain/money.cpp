#include "domain/money.hpp"

#include <algorithm>
#include <array>

namespace kontor {
namespace {

struct Entry {
  std::string_view code;
  std::uint16_t number;
  std::uint8_t exponent;
};

// ISO 4217, list one: active codes that have minor units, sorted by alphabetic code. Funds and metals are left out.
constexpr Entry kCurrencies[] = {
    {"AED", 784, 2}, {"AFN", 971, 2}, {"ALL", 8, 2},   {"AMD", 51, 2},  {"AOA", 973, 2}, {"ARS", 32, 2},
    {"AUD", 36, 2},  {"AWG", 533, 2}, {"AZN", 944, 2}, {"BAM", 977, 2}, {"BBD", 52, 2},  {"BDT", 50, 2},
    {"BGN", 975, 2}, {"BHD", 48, 3},  {"BIF", 108, 0}, {"BMD", 60, 2},  {"BND", 96, 2},  {"BOB", 68, 2},
    {"BRL", 986, 2}, {"BSD", 44, 2},  {"BTN", 64, 2},  {"BWP", 72, 2},  {"BYN", 933, 2}, {"BZD", 84, 2},
    {"CAD", 124, 2}, {"CDF", 976, 2}, {"CHF", 756, 2}, {"CLP", 152, 0}, {"CNY", 156, 2}, {"COP", 170, 2},
    {"CRC", 188, 2}, {"CUP", 192, 2}, {"CVE", 132, 2}, {"CZK", 203, 2}, {"DJF", 262, 0}, {"DKK", 208, 2},
    {"DOP", 214, 2}, {"DZD", 12, 2},  {"EGP", 818, 2}, {"ERN", 232, 2}, {"ETB", 230, 2}, {"EUR", 978, 2},
    {"FJD", 242, 2}, {"FKP", 238, 2}, {"GBP", 826, 2}, {"GEL", 981, 2}, {"GHS", 936, 2}, {"GIP", 292, 2},
    {"GMD", 270, 2}, {"GNF", 324, 0}, {"GTQ", 320, 2}, {"GYD", 328, 2}, {"HKD", 344, 2}, {"HNL", 340, 2},
    {"HTG", 332, 2}, {"HUF", 348, 2}, {"IDR", 360, 2}, {"ILS", 376, 2}, {"INR", 356, 2}, {"IQD", 368, 3},
    {"IRR", 364, 2}, {"ISK", 352, 0}, {"JMD", 388, 2}, {"JOD", 400, 3}, {"JPY", 392, 0}, {"KES", 404, 2},
    {"KGS", 417, 2}, {"KHR", 116, 2}, {"KMF", 174, 0}, {"KPW", 408, 2}, {"KRW", 410, 0}, {"KWD", 414, 3},
    {"KYD", 136, 2}, {"KZT", 398, 2}, {"LAK", 418, 2}, {"LBP", 422, 2}, {"LKR", 144, 2}, {"LRD", 430, 2},
    {"LSL", 426, 2}, {"LYD", 434, 3}, {"MAD", 504, 2}, {"MDL", 498, 2}, {"MGA", 969, 2}, {"MKD", 807, 2},
    {"MMK", 104, 2}, {"MNT", 496, 2}, {"MOP", 446, 2}, {"MRU", 929, 2}, {"MUR", 480, 2}, {"MVR", 462, 2},
    {"MWK", 454, 2}, {"MXN", 484, 2}, {"MYR", 458, 2}, {"MZN", 943, 2}, {"NAD", 516, 2}, {"NGN", 566, 2},
    {"NIO", 558, 2}, {"NOK", 578, 2}, {"NPR", 524, 2}, {"NZD", 554, 2}, {"OMR", 512, 3}, {"PAB", 590, 2},
    {"PEN", 604, 2}, {"PGK", 598, 2}, {"PHP", 608, 2}, {"PKR", 586, 2}, {"PLN", 985, 2}, {"PYG", 600, 0},
    {"QAR", 634, 2}, {"RON", 946, 2}, {"RSD", 941, 2}, {"RUB", 643, 2}, {"RWF", 646, 0}, {"SAR", 682, 2},
    {"SBD", 90, 2},  {"SCR", 690, 2}, {"SDG", 938, 2}, {"SEK", 752, 2}, {"SGD", 702, 2}, {"SHP", 654, 2},
    {"SLE", 925, 2}, {"SOS", 706, 2}, {"SRD", 968, 2}, {"SSP", 728, 2}, {"STN", 930, 2}, {"SVC", 222, 2},
    {"SYP", 760, 2}, {"SZL", 748, 2}, {"THB", 764, 2}, {"TJS", 972, 2}, {"TMT", 934, 2}, {"TND", 788, 3},
    {"TOP", 776, 2}, {"TRY", 949, 2}, {"TTD", 780, 2}, {"TWD", 901, 2}, {"TZS", 834, 2}, {"UAH", 980, 2},
    {"UGX", 800, 0}, {"USD", 840, 2}, {"UYU", 858, 2}, {"UZS", 860, 2}, {"VED", 926, 2}, {"VES", 928, 2},
    {"VND", 704, 0}, {"VUV", 548, 0}, {"WST", 882, 2}, {"XAF", 950, 0}, {"XCD", 951, 2}, {"XOF", 952, 0},
    {"XPF", 953, 0}, {"YER", 886, 2}, {"ZAR", 710, 2}, {"ZMW", 967, 2}, {"ZWG", 924, 2},
};
static_assert(std::is_sorted(std::begin(kCurrencies), std::end(kCurrencies),
                             [](const Entry& a, const Entry& b) { return a.code < b.code; }));

const Entry* find(Currency currency) {
  for (const Entry& entry : kCurrencies)
    if (entry.number == currency.number) return &entry;
  return nullptr;
}

}  // namespace

Result<Currency> parse_currency(std::string_view code) {
  const auto it = std::lower_bound(std::begin(kCurrencies), std::end(kCurrencies), code,
                                   [](const Entry& entry, std::string_view wanted) { return entry.code < wanted; });
  if (it == std::end(kCurrencies) || it->code != code) return Error{Errc::invalid_argument, "currency"};
  return Currency{it->number};
}

std::string_view currency_code(Currency currency) {
  const Entry* entry = find(currency);
  return entry ? entry->code : "???";
}

int currency_exponent(Currency currency) {
  const Entry* entry = find(currency);
  return entry ? entry->exponent : 0;
}

Result<std::int64_t> add(std::int64_t a, std::int64_t b, std::int64_t max) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum) || sum > max || sum < -max) return Error{Errc::amount_out_of_range, "sum"};
  return sum;
}

Result<std::int64_t> multiply(std::int64_t a, std::int64_t b, std::int64_t max) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > max || product < -max)
    return Error{Errc::amount_out_of_range, "product"};
  return product;
}

Result<Minor> parse_minor(std::string_view text, Currency currency) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const Error malformed{Errc::invalid_argument, "amount"};
  const Error beyond{Errc::amount_out_of_range, "amount"};
  const int exponent = currency_exponent(currency);
  Minor minor = 0;
  int decimals = -1;  // -1 while before the point.
  bool digits = false;
  for (const char c : text) {
    if (c == '.' && decimals < 0 && digits) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return malformed;
    digits = true;
    if (decimals >= exponent) {
      if (c != '0') return beyond;  // Finer than a minor unit; trailing zeros are harmless.
      continue;
    }
    minor = minor * 10 + (c - '0');
    if (minor > kAmountMinorMax) return beyond;
    if (decimals >= 0) ++decimals;
  }
  if (!digits || text.back() == '.') return malformed;
  for (int i = decimals < 0 ? 0 : decimals; i < exponent; ++i) {
    minor *= 10;
    if (minor > kAmountMinorMax) return beyond;
  }
  return negative ? -minor : minor;
}

std::string to_string(Money money) {
  const int exponent = currency_exponent(money.currency);
  const auto bits = static_cast<std::uint64_t>(money.minor);
  std::string digits = std::to_string(money.minor < 0 ? 0 - bits : bits);  // Also of the lowest, which has no opposite.
  if (exponent > 0) {
    const auto width = static_cast<std::size_t>(exponent);
    if (digits.size() <= width) digits.insert(0, width + 1 - digits.size(), '0');
    digits.insert(digits.size() - width, 1, '.');
  }
  return (money.minor < 0 ? "-" : "") + digits + " " + std::string(currency_code(money.currency));
}

}  // namespace kontor
