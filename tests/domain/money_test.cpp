#include "domain/money.hpp"

#include <limits>
#include <set>

#include "tests/domain/values.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("money: a currency is read by its code in capitals, and only so", "[domain][money]") {
  const auto [code, number, exponent] = GENERATE(table<std::string_view, int, int>(
      {{"GBP", 826, 2}, {"EUR", 978, 2}, {"JPY", 392, 0}, {"KWD", 414, 3}, {"AED", 784, 2}, {"ZWG", 924, 2}}));
  const auto currency = parse_currency(code);
  REQUIRE(currency);
  CHECK(currency->number == number);
  CHECK(currency_code(*currency) == code);
  CHECK(currency_exponent(*currency) == exponent);
}

TEST_CASE("money: what is no code of the table is no currency", "[domain][money]") {
  const std::string_view code = GENERATE("", "gbp", "GB", "GBPX", "XTS", "AAA", "ZZZ", "GBP ", " GBP", "826");
  CHECK(parse_currency(code).code() == Errc::invalid_argument);
  CHECK(currency_code(Currency{0}) == "???");
  CHECK(currency_code(Currency{9'999}) == "???");
  CHECK(currency_exponent(Currency{9'999}) == 0);
}

TEST_CASE("money: no two currencies share a number", "[domain][money]") {
  std::set<std::string_view> codes;
  for (unsigned number = 1; number < 1'000; ++number) {
    const Currency currency{static_cast<std::uint16_t>(number)};
    const std::string_view code = currency_code(currency);
    if (code == "???") continue;
    CHECK(codes.insert(code).second);
    const auto back = parse_currency(code);
    REQUIRE(back);
    CHECK(back->number == number);  // A second entry with this number would be found first by one of the two ways.
    CHECK(currency_exponent(currency) <= 3);
  }
  CHECK(codes.size() == 155);
}

TEST_CASE("money: amounts are read as they are written", "[domain][money]") {
  struct Row {
    std::string_view text;
    Currency currency;
    Errc code;
    Minor minor = 0;
  };
  const auto row = GENERATE(values<Row>({
      {"12.34", kGbp, Errc::none, 1'234},
      {"12.3", kGbp, Errc::none, 1'230},
      {"12", kGbp, Errc::none, 1'200},
      {"0", kGbp, Errc::none, 0},
      {"-0.00", kGbp, Errc::none, 0},
      {"-0.01", kGbp, Errc::none, -1},
      {"007", kGbp, Errc::none, 700},
      {"12.3400", kGbp, Errc::none, 1'234},  // Zeros beyond the minor unit say nothing.
      {"12.345", kGbp, Errc::amount_out_of_range},
      {"12.3401", kGbp, Errc::amount_out_of_range},
      {"500", kJpy, Errc::none, 500},
      {"500.0", kJpy, Errc::none, 500},
      {"500.5", kJpy, Errc::amount_out_of_range},
      {"1.234", kKwd, Errc::none, 1'234},
      {"1.2345", kKwd, Errc::amount_out_of_range},
      {"10000000000000.00", kGbp, Errc::none, kAmountMinorMax},
      {"-10000000000000.00", kGbp, Errc::none, -kAmountMinorMax},
      {"10000000000000.01", kGbp, Errc::amount_out_of_range},
      {"10000000000001", kGbp, Errc::amount_out_of_range},
      {"1000000000000000", kJpy, Errc::none, kAmountMinorMax},
      {"1000000000000001", kJpy, Errc::amount_out_of_range},
      {"99999999999999999999999999999999999", kGbp, Errc::amount_out_of_range},
      {"", kGbp, Errc::invalid_argument},
      {"-", kGbp, Errc::invalid_argument},
      {"+1", kGbp, Errc::invalid_argument},
      {".", kGbp, Errc::invalid_argument},
      {".5", kGbp, Errc::invalid_argument},
      {"5.", kGbp, Errc::invalid_argument},
      {"5.", kJpy, Errc::invalid_argument},
      {"1.2.3", kGbp, Errc::invalid_argument},
      {"1,000", kGbp, Errc::invalid_argument},
      {" 1", kGbp, Errc::invalid_argument},
      {"1 ", kGbp, Errc::invalid_argument},
      {"1e3", kGbp, Errc::invalid_argument},
      {"--1", kGbp, Errc::invalid_argument},
      {"0x10", kGbp, Errc::invalid_argument},
  }));
  INFO(row.text << " " << currency_code(row.currency));
  const auto minor = parse_minor(row.text, row.currency);
  REQUIRE(minor.code() == row.code);
  if (minor) CHECK(*minor == row.minor);
}

TEST_CASE("money: amounts are printed with all their decimals", "[domain][money]") {
  const auto [minor, currency, text] = GENERATE(table<Minor, Currency, std::string>({
      {0, kGbp, "0.00 GBP"},
      {5, kGbp, "0.05 GBP"},
      {-5, kGbp, "-0.05 GBP"},
      {1'234, kGbp, "12.34 GBP"},
      {-1'234, kGbp, "-12.34 GBP"},
      {7, kJpy, "7 JPY"},
      {7, kKwd, "0.007 KWD"},
      {12'345, kKwd, "12.345 KWD"},
      {7, Currency{9'999}, "7 ???"},
      {kHighest, kGbp, "92233720368547758.07 GBP"},
      {kLowest, kGbp, "-92233720368547758.08 GBP"},
  }));
  CHECK(to_string(Money{minor, currency}) == text);
}

TEST_CASE("money: what is printed is read back", "[domain][money]") {
  property("amounts of all exponents", 300, [] {
    const Minor minor = *rc::gen::inRange<Minor>(-kAmountMinorMax, kAmountMinorMax + 1);
    const Currency currency = *rc::gen::element(kGbp, kJpy, kKwd);
    std::string text = to_string(Money{minor, currency});
    text.resize(text.size() - 4);  // Without the currency.
    const auto back = parse_minor(text, currency);
    RC_ASSERT(static_cast<bool>(back));
    RC_ASSERT(*back == minor);
  });
}

TEST_CASE("money: sums and products are exact, or refused", "[domain][money]") {
  struct Row {
    std::int64_t a, b, max;
    Errc sum, product;
  };
  constexpr Errc kOk = Errc::none, kOut = Errc::amount_out_of_range;
  const auto row = GENERATE(values<Row>({
      {0, 0, 0, kOk, kOk},
      {1, 0, 0, kOut, kOk},
      {2, 3, 5, kOk, kOut},
      {2, 3, 6, kOk, kOk},
      {-2, -3, 5, kOk, kOut},
      {-2, -4, 5, kOut, kOut},
      {7, -3, 5, kOk, kOut},
      {kAmountMinorMax, 0, kAmountMinorMax, kOk, kOk},
      {kAmountMinorMax, 1, kAmountMinorMax, kOut, kOk},
      {-kAmountMinorMax, -1, kAmountMinorMax, kOut, kOk},
      {kAmountMinorMax, kQuantityUnitsMax, kAmountMinorMax, kOut, kOut},  // The product wraps 64 bits.
      {kHighest, kHighest, kHighest, kOut, kOut},
      {kLowest, kLowest, kHighest, kOut, kOut},
      {kLowest, -1, kHighest, kOut, kOut},
      {kLowest, 1, kHighest, kOk, kOut},
      {kHighest, 1, kHighest, kOut, kOk},
      {kHighest, -kHighest, kHighest, kOk, kOut},
  }));
  CAPTURE(row.a, row.b, row.max);
  const auto total = add(row.a, row.b, row.max);
  const auto product = multiply(row.a, row.b, row.max);
  CHECK(total.code() == row.sum);
  CHECK(product.code() == row.product);
  if (total) CHECK(*total == row.a + row.b);
  if (product) CHECK(*product == row.a * row.b);
}

TEST_CASE("money: arithmetic agrees with wider integers", "[domain][money]") {
  __extension__ using Wide = __int128;
  property("sums and products of any numbers", 500, [] {
    const auto a = *rc::gen::arbitrary<std::int64_t>(), b = *rc::gen::arbitrary<std::int64_t>();
    const auto shift = *rc::gen::inRange(0, 63);
    const std::int64_t small = b >> shift, max = kHighest >> *rc::gen::inRange(0, 63);
    const auto within = [&](Wide value) { return value <= max && value >= -Wide{max}; };
    RC_ASSERT(static_cast<bool>(add(a, small, max)) == within(Wide{a} + small));
    RC_ASSERT(static_cast<bool>(multiply(a, small, max)) == within(Wide{a} * small));
  });
}

}  // namespace kontor::tests
