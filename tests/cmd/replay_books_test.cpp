#include "cmd/kontor/replay/bookkeeper.hpp"
#include "tests/cmd/random_invoices.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace kontor;
using namespace kontor::cmd::replay;
using Lines = std::vector<std::string>;

std::string units(Units quantity, const Sku& sku) { return " " + std::to_string(quantity) + "x" + sku.str(); }
std::string pence(Minor amount) { return std::to_string(amount) + "p"; }

/// An operation as one line: its key, and what it moves.
struct Story {
  std::string operator()(const OpenAccount&) const { return ""; }
  std::string operator()(const Deposit& o) const { return " " + o.account.str() + " " + pence(o.amount.minor); }
  std::string operator()(const DefineProduct& o) const { return " " + pence(o.price.minor); }
  std::string operator()(const ReceiveStock& o) const { return of(o.lines); }
  std::string operator()(const AdjustStock& o) const { return of(o.lines); }
  std::string operator()(const Checkout& o) const {
    std::string text = " " + o.customer.str();
    for (const Line& line : o.lines) text += units(line.quantity, line.sku) + "@" + pence(line.unit_price);
    return text;
  }
  std::string operator()(const Refund& o) const {
    std::string text = o.restock ? "" : " keeping";
    for (const OrderLine& line : o.lines)
      text += " line" + std::to_string(line.line) + ":" + std::to_string(line.quantity);
    return text;
  }
  std::string operator()(const UnmatchedRefund& o) const {
    std::string text = " " + o.customer.str();
    for (const ReturnLine& line : o.lines) text += units(line.quantity, line.sku) + "@" + pence(line.unit_price);
    return text;
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return " unexpected";
  }
  static std::string of(const std::vector<StockLine>& lines) {
    std::string text;
    for (const StockLine& line : lines) text += units(line.quantity, line.sku);
    return text;
  }
};

Lines story_of(const std::vector<Step>& steps, const InvoiceFile& file) {
  Lines lines;
  for (const Step& step : steps) {
    std::string line = step.request.key.str() + std::visit(Story{}, step.request.operation);
    if (std::holds_alternative<Refund>(step.request.operation)) line += " of " + file.invoices()[step.order].number;
    lines.push_back(line);
  }
  return lines;
}

/// Rows are written "invoice,sku,quantity,price,customer".
InvoiceFile file_of(const Lines& rows) {
  InvoiceFile file;
  CsvRow row;
  for (const std::string& text : rows) {
    read_csv(text, 1 << 20, [&](const CsvRow& part) {
      const auto& f = part.fields;
      row.fields = {f[0], f[1], "", f[2], "2011-01-01 00:00:00", f[3], f[4], ""};
    });
    row.columns = row.fields.size();
    ++row.line;
    file.add(row);
  }
  REQUIRE(file.refusals().empty());
  return file;
}

Lines book(const Lines& rows) {
  const InvoiceFile file = file_of(rows);
  Bookkeeper books(file);
  std::vector<Step> steps;
  for (std::uint32_t i = 0; i < file.invoices().size(); ++i) books.book(i, steps);
  return story_of(steps, file);
}

TEST_CASE("replay books: a sale is funded, supplied and booked at the prices of its rows", "[cmd][replay]") {
  CHECK(book({"1,MUG,2,2.50,7", "1,MUG,1,2.00,7", "1,CUP,3,0,7"}) ==
        Lines{"define/MUG 250p", "define/CUP 0p", "open/customer/7", "fund/1 customer/7 700p",
              "stock/1 2xMUG 1xMUG 3xCUP", "invoice/1 customer/7 2xMUG@250p 1xMUG@200p 3xCUP@0p"});
}

TEST_CASE("replay books: what an earlier refund left is used before more is brought in", "[cmd][replay]") {
  CHECK(book({"1,MUG,4,2.50,", "C2,MUG,-3,2.50,", "3,MUG,5,2.00,", "4,MUG,1,3.00,"}) ==
        Lines{"define/MUG 250p", "open/customer/guest", "fund/1 customer/guest 1000p", "stock/1 4xMUG",
              "invoice/1 customer/guest 4xMUG@250p", "refund/C2/0 line0:3 of 1", "fund/3 customer/guest 250p",
              "stock/3 2xMUG", "invoice/3 customer/guest 5xMUG@200p", "fund/4 customer/guest 300p", "stock/4 1xMUG",
              "invoice/4 customer/guest 1xMUG@300p"});
}

TEST_CASE("replay books: a refund takes the newest purchases of customer, SKU and price, line by line",
          "[cmd][replay]") {
  const Lines steps = book({"1,MUG,2,2.50,7", "1,MUG,1,2.50,7", "2,MUG,2,2.50,7", "3,MUG,9,2.50,8", "4,MUG,9,2.60,7",
                            "C5,MUG,-3,2.50,7", "C5,MUG,-1,2.50,7", "C6,MUG,-4,2.50,7", "7,MUG,1,2.50,7"});
  const auto begin = std::find_if(steps.begin(), steps.end(), [](const auto& s) { return s.starts_with("refund"); });
  const auto end = std::find_if(begin, steps.end(), [](const auto& s) { return s.starts_with("stock/7"); });
  CHECK(Lines(begin, end) == Lines{"refund/C5/0 line0:2 of 2", "refund/C5/1 line0:1 line1:1 of 1",
                                   "refund/C6/0 line0:1 of 1", "refund/C6/unmatched customer/7 3xMUG@250p",
                                   "invoice/7 customer/7 1xMUG@250p"});
}

TEST_CASE("replay books: the shop is lent what refunds of unknown purchases take from it", "[cmd][replay]") {
  CHECK(book({"C1,LAMP,-2,20.00,7", "2,LAMP,1,30.00,7", "C3,LAMP,-1,31.00,8"}) ==
        Lines{"define/LAMP 2000p", "open/customer/7", "fund/C1 merchant/shop 4000p",
              "refund/C1/unmatched customer/7 2xLAMP@2000p", "invoice/2 customer/7 1xLAMP@3000p", "open/customer/8",
              "fund/C3 merchant/shop 100p", "refund/C3/unmatched customer/8 1xLAMP@3100p"});
}

TEST_CASE("replay books: an adjustment comes after the sale of its invoice and never takes stock below zero",
          "[cmd][replay]") {
  CHECK(book({"1,MUG,-2,0,", "1,CUP,-1,0,", "1,MUG,3,1.00,", "2,MUG,-1,0,"}) ==
        Lines{"define/MUG 100p", "define/CUP 0p", "open/customer/guest", "fund/1 customer/guest 300p", "stock/1 3xMUG",
              "invoice/1 customer/guest 3xMUG@100p", "stock/1/adjust 2xMUG 1xCUP", "adjust/1 -2xMUG -1xCUP",
              "stock/2/adjust 1xMUG", "adjust/2 -1xMUG"});
}

TEST_CASE("replay books: keys differ, and a second run sends the very same requests", "[cmd][replay]") {
  InvoiceFile file;
  bool header = true;
  read_csv(tests::random_invoices(3, 500), 1 << 20, [&](const CsvRow& row) {
    if (!std::exchange(header, false)) file.add(row);
  });
  const auto steps_of = [&] {
    Bookkeeper books(file);
    std::vector<Step> steps;
    books.open(steps);
    for (std::uint32_t i = 0; i < file.invoices().size(); ++i) books.book(i, steps);
    return steps;
  };
  const auto steps = steps_of();
  std::vector<std::string> keys;
  keys.reserve(steps.size());
  for (const Step& step : steps) keys.push_back(step.request.key.str());
  std::sort(keys.begin(), keys.end());
  CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
  CHECK(story_of(steps_of(), file) == story_of(steps, file));
}

TEST_CASE("replay purchases: the newest go first, in parts, and only those of the same key", "[cmd][replay]") {
  Purchases purchases;
  const Purchases::Key mine{1, 2, 250}, dearer{1, 2, 251}, other{2, 2, 250};
  purchases.add(mine, {10, 0, 5});
  purchases.add(dearer, {11, 0, 5});
  purchases.add(other, {12, 0, 5});
  purchases.add(mine, {13, 4, 2});
  std::vector<Purchases::Part> parts;
  CHECK(purchases.take(mine, 4, parts) == 0);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].order == 13);
  CHECK(parts[0].line == 4);
  CHECK(parts[0].quantity == 2);
  CHECK(parts[1].order == 10);
  CHECK(parts[1].quantity == 2);
  parts.clear();
  CHECK(purchases.take(mine, 4, parts) == 1);
  CHECK(purchases.take(mine, 4, parts) == 4);
  CHECK(parts.size() == 1);
  CHECK(purchases.take({1, 3, 250}, 1, parts) == 1);
}

}  // namespace
