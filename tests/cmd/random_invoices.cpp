#include "tests/cmd/random_invoices.hpp"

#include <random>
#include <vector>

namespace kontor::tests {
namespace {

class Writer {
 public:
  explicit Writer(std::uint32_t seed) : random_(seed) {}

  std::string write(std::uint32_t invoices) {
    text_ = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    for (std::uint32_t i = 0; i < invoices; ++i) {
      const std::string number = std::to_string(500'000 + i);
      const std::uint32_t kind = below(100);
      if (kind < 60)
        sale(number);
      else if (kind < 90)
        refund("C" + number);
      else if (kind < 95)
        for (std::uint32_t n = 0; n < 1 + below(3); ++n) row(number, product(), -1 - int(below(20)), 0, "");
      else
        row(number, product(), -1, 100, customer());  // Refused.
    }
    return std::move(text_);
  }

 private:
  struct Bought {
    std::string customer;
    std::uint32_t product, pence;
    int quantity;
  };

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  std::uint32_t product() { return below(30); }
  std::string customer() { return below(5) == 0 ? "" : std::to_string(12'000 + below(12)) + ".0"; }

  void sale(const std::string& number) {
    const std::string whose = customer();
    const std::uint32_t lines = 1 + below(8);
    for (std::uint32_t n = 0; n < lines; ++n) {
      // Prices vary a little, so that some refunds match in part only.
      const Bought bought{whose, product(), below(10) == 0 ? 0 : 100 + below(3), 1 + static_cast<int>(below(12))};
      row(number, bought.product, bought.quantity, bought.pence, whose);
      if (bought.pence > 0) bought_.push_back(bought);
      if (below(30) == 0) refund("C1" + number);  // In the middle of the invoice.
    }
  }

  void refund(const std::string& number) {
    if (bought_.empty()) return row(number, product(), -1, 250, customer());
    const std::string whose = bought_[below(static_cast<std::uint32_t>(bought_.size()))].customer;
    for (std::uint32_t n = 0; n < 1 + below(4); ++n) {
      const Bought& what = bought_[below(static_cast<std::uint32_t>(bought_.size()))];
      row(number, what.product, -1 - static_cast<int>(below(static_cast<std::uint32_t>(what.quantity) + 4)), what.pence,
          whose);
    }
  }

  void row(const std::string& number, std::uint32_t product, int quantity, std::uint32_t pence,
           const std::string& whose) {
    const std::string rest = std::to_string(pence % 100);
    text_ += number + ",P" + std::to_string(product) + ",\"THING, \"\"" + std::to_string(product) + "\"\"\"," +
             std::to_string(quantity) + ",2011-02-03 04:05:00," + std::to_string(pence / 100) + "." +
             (rest.size() < 2 ? "0" : "") + rest + "," + whose + ",United Kingdom\n";
  }

  std::mt19937 random_;
  std::string text_;
  std::vector<Bought> bought_;
};

}  // namespace

std::string random_invoices(std::uint32_t seed, std::uint32_t invoices) { return Writer(seed).write(invoices); }

}  // namespace kontor::tests
