#include <limits>

#include "cmd/kontor/replay/invoice_file.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace kontor;
using namespace kontor::cmd::replay;

InvoiceFile file_of(const std::string& rows) {
  InvoiceFile file;
  read_csv(rows, 1 << 20, [&](const CsvRow& row) { file.add(row); });
  return file;
}

/// The code of the only row, or the kind that it is booked as.
std::string fate_of(const std::string& row) {
  const InvoiceFile file = file_of(row);
  REQUIRE(file.rows() == 1);
  if (!file.refusals().empty()) {
    CHECK(file.invoices().empty());
    CHECK(file.skus().empty());
    CHECK(file.customers().empty());
    return std::string(file.refusals().front().code.name);
  }
  const Invoice& invoice = file.invoices().front();
  return !invoice.sales.empty() ? "sale" : !invoice.adjustments.empty() ? "adjustment" : "refund";
}

TEST_CASE("replay rows: each row is booked as one kind, or refused with one code", "[cmd][replay]") {
  const std::string day = "2011-01-31 23:59:00", rest = ",1.25,17850.0,France";
  const auto [row, want] = GENERATE_COPY(table<std::string, std::string>({
      {"536365,A,MUG,6," + day + ",2.55,17850.0,France", "sale"},
      {"536365,A,,6," + day + ",2.55,,", "sale"},
      {"536365,A,MUG,6," + day + ",0,17850,France", "sale"},
      {"536365,A,MUG,6," + day + ",-0.00,17850,France", "sale"},
      {"536365,A,MUG,6," + day + ",2.550000,17850,France", "sale"},
      {"536365,A B,MUG,6," + day + rest, "sale"},
      {"536365,A,MUG,6,12/1/2010 8:26" + rest, "sale"},
      {"536365,A,MUG,-6," + day + ",0.0,,France", "adjustment"},
      {"C536365,A,MUG,-6," + day + rest, "refund"},
      // The row as a whole.
      {"536365,A,MUG,6," + day + ",1.25,17850.0", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1.25,17850.0,France,", "unreadable_row"},
      {"536365", "unreadable_row"},
      {"\"536365\"x,A,MUG,6," + day + rest, "unreadable_row"},
      {"536365,A," + std::string(kCsvRowBytesMax, 'M') + ",6," + day + rest, "too_large"},
      // InvoiceNo.
      {",A,MUG,6," + day + rest, "invalid_argument"},
      {std::string(kInvoiceBytesMax + 1, '7') + ",A,MUG,6," + day + rest, "too_large"},
      {"A563185,A,MUG,1," + day + ",-11062.06,,France", "invoice_prefix"},
      {"I536365,A,MUG,1," + day + rest, "invoice_prefix"},
      {"c536365,A,MUG,-1," + day + rest, "invoice_prefix"},
      {"C,A,MUG,-1," + day + rest, "invoice_prefix"},
      {"CC1,A,MUG,-1," + day + rest, "invoice_prefix"},
      {"-536365,A,MUG,1," + day + rest, "invoice_prefix"},
      {"536365.0,A,MUG,1," + day + rest, "invoice_prefix"},
      {" 536365,A,MUG,1," + day + rest, "invoice_prefix"},
      // StockCode.
      {"536365,,MUG,6," + day + rest, "invalid_argument"},
      {"536365,  ,MUG,6," + day + rest, "invalid_argument"},
      {"536365,A\tB,MUG,6," + day + rest, "invalid_argument"},
      {"536365,\xff\xfe,MUG,6," + day + rest, "invalid_argument"},
      {"536365," + std::string(kNameBytesMax + 1, 'S') + ",MUG,6," + day + rest, "too_large"},
      // Quantity.
      {"536365,A,MUG,," + day + rest, "unreadable_row"},
      {"536365,A,MUG,six," + day + rest, "unreadable_row"},
      {"536365,A,MUG,6.5," + day + rest, "unreadable_row"},
      {"536365,A,MUG,+6," + day + rest, "unreadable_row"},
      {"536365,A,MUG,0x6," + day + rest, "unreadable_row"},
      {"536365,A,MUG,1000000000," + day + rest, "sale"},
      {"536365,A,MUG,1000000001," + day + rest, "too_large"},
      {"536365,A,MUG,-99999999999999999999999," + day + rest, "too_large"},
      {"536365,A,MUG,0," + day + rest, "zero_quantity"},
      {"C536365,A,MUG,-0," + day + rest, "zero_quantity"},
      // InvoiceDate.
      {"536365,A,MUG,6," + rest, "unreadable_row"},
      {"536365,A,MUG,6,yesterday" + rest, "unreadable_row"},
      {"536365,A,MUG,6,2011-13-01 00:00:00" + rest, "unreadable_row"},
      {"536365,A,MUG,6,2011-01-31" + rest, "unreadable_row"},
  }));
  CAPTURE(row);
  CHECK(fate_of(row) == want);
}

TEST_CASE("replay rows: prices, customers and signs are booked or refused with one code", "[cmd][replay]") {
  const std::string day = "2011-01-31 23:59:00", rest = ",1.25,17850.0,France";
  const auto [row, want] = GENERATE_COPY(table<std::string, std::string>({
      // UnitPrice.
      {"536365,A,MUG,6," + day + ",,17850.0,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1.2.3,17850.0,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1e2,17850.0,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",.5,17850.0,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",nan,17850.0,France", "unreadable_row"},
      {"536365,A,MUG,1," + day + ",-0.01,17850.0,France", "negative_price"},
      {"536365,A,MUG,1," + day + ",-0.001,17850.0,France", "negative_price"},
      {"C536365,A,MUG,-1," + day + ",-1.25,17850.0,France", "negative_price"},
      {"536365,A,MUG,1," + day + ",0.001,17850.0,France", "fractional_pence"},
      {"536365,A,MUG,1," + day + ",10.555,17850.0,France", "fractional_pence"},
      {"536365,A,MUG,1," + day + ",10000000000000.00,17850.0,France", "sale"},
      {"536365,A,MUG,1," + day + ",10000000000000.01,17850.0,France", "too_large"},
      {"536365,A,MUG,1," + day + ",99999999999999999999999999,17850.0,France", "too_large"},
      {"536365,A,MUG,2," + day + ",9999999999999.99,17850.0,France", "amount_out_of_range"},
      // CustomerID.
      {"536365,A,MUG,6," + day + ",1.25,guest,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1.25,17850.5,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1.25,.0,France", "unreadable_row"},
      {"536365,A,MUG,6," + day + ",1.25," + std::string(kInvoiceBytesMax + 1, '7') + ",France", "too_large"},
      // What the signs mean together.
      {"536365,A,MUG,-6," + day + rest, "wrong_sign"},
      {"C536365,A,MUG,6," + day + rest, "wrong_sign"},
      {"C536365,A,MUG,-6," + day + ",0,17850.0,France", "zero_price"},
  }));
  CAPTURE(row);
  CHECK(fate_of(row) == want);
}

TEST_CASE("replay rows: prices become pence without floating point", "[cmd][replay]") {
  const auto [text, pence] = GENERATE(table<std::string, Minor>({
      {"0", 0},
      {"0.0", 0},
      {"3", 300},
      {"2.5", 250},
      {"2.55", 255},
      {"0.07", 7},
      {"16888.02", 1'688'802},
      {"1.10000", 110},
      {"-11062.06", -1'106'206},
      {"007.10", 710},
      {"1.15", 115},
      {"4.35", 435},
  }));
  CAPTURE(text);
  const Number number = read_pence(text, kAmountMinorMax);
  CHECK(number.fault == NumberFault::none);
  CHECK(number.value == pence);
}

TEST_CASE("replay rows: dates of both editions are read, others are not", "[cmd][replay]") {
  for (const char* good : {"2010-12-01 08:26:00", "2010-12-01 08:26", "2010-12-01T08:26:00", "12/1/2010 8:26",
                           "1/31/2011 23:59", "01/31/2011 23:59:59"})
    CHECK(is_date(good));
  for (const char* bad :
       {"", "2010-12-01", "2010-12-01 ", "2010-12-01 24:00", "2010-00-01 08:26", "2010-12-32 08:26", "13/1/2010 8:26",
        "1/32/2010 8:26", "12/1/2010", "2010-12-01 08:60:00", "2010-12-01 08:26:00 ", "20101-12-01 08:26",
        "2010/12/01 08:26", "12-1-2010 8:26", "2010-12-01 08:26:00.5"})
    CHECK_FALSE(is_date(bad));
}

TEST_CASE("replay rows: the header is exactly that of the file", "[cmd][replay]") {
  const auto matches = [](const std::string& text) {
    bool result = false;
    read_csv(text, 1 << 20, [&](const CsvRow& row) { result = is_header(row); });
    return result;
  };
  CHECK(matches(std::string(kHeader)));
  CHECK(matches("\"InvoiceNo\"" + std::string(kHeader.substr(9)) + "\r\n"));
  CHECK_FALSE(matches(std::string(kHeader) + ","));
  CHECK_FALSE(matches("Invoice" + std::string(kHeader.substr(9))));
  CHECK_FALSE(matches("\"" + std::string(kHeader) + "\""));
}

const std::string kTail = ",2011-01-31 10:00:00,1.25,";

TEST_CASE("replay file: rows of one invoice belong together wherever they stand", "[cmd][replay]") {
  const InvoiceFile file = file_of("1,A,MUG,1" + kTail +
                                   "7.0,UK\n"
                                   "C2,B,CUP,-1" +
                                   kTail +
                                   "8.0,UK\n"
                                   "1,A,MUG,2" +
                                   kTail +
                                   "7.0,UK\n"
                                   "1,A,MUG,-3,2011-01-31 10:00:00,0,,UK\n");
  REQUIRE(file.invoices().size() == 2);
  const Invoice& first = file.invoices()[0];
  CHECK(first.number == "1");
  CHECK(first.total == 375);
  REQUIRE(first.sales.size() == 2);
  CHECK(first.sales[1].line == 3);
  REQUIRE(first.adjustments.size() == 1);
  CHECK(first.adjustments[0].quantity == 3);
  CHECK(file.invoices()[1].number == "C2");
  CHECK(file.skus().size() == 2);
  CHECK(file.customers() == std::vector<std::string>{"7", "8"});
}

TEST_CASE("replay file: an invoice has the customer of its first row; others are refused", "[cmd][replay]") {
  const InvoiceFile file = file_of(
      "1,A,MUG,-1,2011-01-31 10:00:00,0,9.0,UK\n"
      "1,A,MUG,1" +
      kTail +
      "7.0,UK\n"
      "1,B,MUG,1" +
      kTail +
      "8.0,UK\n"
      "1,C,MUG,1" +
      kTail +
      ",UK\n"
      "1,D,MUG,1" +
      kTail + "7,UK\n");
  REQUIRE(file.invoices().size() == 1);
  CHECK(file.invoices()[0].sales.size() == 2);
  CHECK(file.invoices()[0].adjustments.size() == 1);  // A count of stock belongs to nobody.
  CHECK(file.customers() == std::vector<std::string>{"7"});
  CHECK(file.skus().size() == 2);
  REQUIRE(file.refusals().size() == 2);
  CHECK(file.refusals()[0].line == 3);
  CHECK(file.refusals()[0].code.name == "mixed_customer");
  CHECK(file.refusals()[0].invoice == "1");
  CHECK(file.refusals()[1].line == 4);
}

TEST_CASE("replay file: lines beyond kLinesMax are refused one by one, those within are booked", "[cmd][replay]") {
  std::string rows;
  for (std::size_t i = 0; i < kLinesMax + 2; ++i) rows += "1,A,MUG,1" + kTail + "7.0,UK\n";
  rows += "1,A,MUG,-1,2011-01-31 10:00:00,0,,UK\n";  // Has a bound of its own: it is an operation of its own.
  const InvoiceFile file = file_of(rows);
  REQUIRE(file.invoices().size() == 1);
  CHECK(file.invoices()[0].sales.size() == kLinesMax);
  CHECK(file.invoices()[0].adjustments.size() == 1);
  REQUIRE(file.refusals().size() == 2);
  CHECK(file.refusals()[0].line == kLinesMax + 1);
  CHECK(file.refusals()[0].code.name == "too_large");
}

TEST_CASE("replay file: rows beyond the range of an invoice or of all balances are refused", "[cmd][replay]") {
  const std::string huge = ",A,MUG,1,2011-01-31 10:00:00,9999999999999.99,,UK\n";  // One penny below the bound.
  const InvoiceFile one = file_of("1" + huge + "1" + huge + "1,B,MUG,1,2011-01-31 10:00:00,0.01,,UK\n");
  CHECK(one.invoices()[0].sales.size() == 2);
  REQUIRE(one.refusals().size() == 1);
  CHECK(one.refusals()[0].line == 2);

  std::string rows;
  for (int i = 0; i < 1'002; ++i) rows += std::to_string(i) + huge;
  const InvoiceFile many = file_of(rows);
  CHECK(many.invoices().size() == 1'000);
  REQUIRE(many.refusals().size() == 2);
  CHECK(many.refusals()[1].code.name == "amount_out_of_range");
}

TEST_CASE("replay file: what a refusal shows is fit for terminals and JSON", "[cmd][replay]") {
  const InvoiceFile file = file_of("\x1b[31m\xff,A,MUG,1" + kTail + ",UK\n");
  REQUIRE(file.refusals().size() == 1);
  CHECK(file.refusals()[0].invoice == "?[31m?");
  CHECK(file.refusals()[0].reason == "InvoiceNo \"?[31m?\" is neither digits nor C and digits");
}

TEST_CASE("replay file: a file that is none of ours is unreadable", "[cmd][replay]") {
  const auto read = [](const char* path) { read_invoice_file(path, [](std::uint64_t) {}); };
  CHECK_THROWS_WITH(read("/nowhere.csv"), Catch::Contains("No such file"));
  CHECK_THROWS_WITH(read("/dev/null"), Catch::Contains("empty"));
  CHECK_THROWS_WITH(read("/etc/passwd"), Catch::Contains("header"));
}

}  // namespace
