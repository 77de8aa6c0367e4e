#include <algorithm>
#include <cassert>

#include "cmd/kontor/replay/report.hpp"

namespace kontor::cmd::replay {
namespace {

/// Which customers and SKUs have a row that was booked.
class Seen {
 public:
  explicit Seen(std::size_t size) : seen_(size) {}
  void add(std::uint32_t index) {
    count_ += !seen_[index];
    seen_[index] = true;
  }
  std::uint64_t count() const { return count_; }

 private:
  std::vector<bool> seen_;
  std::uint64_t count_ = 0;
};

/// What rows of one kind come to when they are booked.
struct Sum {
  Minor pence = 0;
  Units units = 0;
};

/// Adds up the rows of an invoice, or refuses them all for `fault`.
class RowBooking {
 public:
  RowBooking(ReplayReport& report, Seen& skus) : report_(report), skus_(skus) {}

  Sum book(const Invoice& invoice, const std::vector<BookableRow>& rows, Errc fault) {
    Sum sum;
    for (const BookableRow& row : rows) {
      if (fault != Errc::none) {
        report_.refused.push_back({row.line, fault, invoice.number, "the engine refused the invoice"});
        continue;
      }
      ++report_.rows_booked;
      skus_.add(row.sku);
      sum.pence += row.price * row.quantity;
      sum.units += row.quantity;
    }
    return sum;
  }

 private:
  ReplayReport& report_;
  Seen& skus_;
};

}  // namespace

std::uint64_t ReplayReport::refused_total() const {
  std::uint64_t total = 0;
  for (const auto& [code, count] : rows_refused) total += count;
  return total;
}

ReplayTally::ReplayTally(const InvoiceFile& file) : file_(file), faults_(file.invoices().size()) {}

void ReplayTally::on_finished(const Step& step, Errc code) {
  if (code == Errc::none) return;
  add_trouble(step.request.key.str() + " was refused: " + std::string(to_string(code)));
  if (step.invoice == Step::kNone) return;
  Faults& faults = faults_[step.invoice];
  const OperationKind kind = kind_of(step.request.operation);
  Errc& fault = kind == OperationKind::checkout       ? faults.sales
                : kind == OperationKind::adjust_stock ? faults.adjustments
                                                      : faults.refunds;
  if (fault == Errc::none) fault = code;
}

void ReplayTally::add_trouble(std::string words) {
  ++troubles_total_;
  if (troubles_.size() < kTroublesMax) troubles_.push_back(std::move(words));
}

ReplayReport ReplayTally::report(const Bookkeeper& books) const {
  ReplayReport report;
  report.rows = file_.rows();
  report.refused = file_.refusals();
  report.troubles = troubles_;
  report.troubles_total = troubles_total_;
  Seen customers(file_.customers().size()), skus(file_.skus().size());
  RowBooking rows(report, skus);
  for (std::uint32_t i = 0; i < file_.invoices().size(); ++i) {
    const Invoice& invoice = file_.invoices()[i];
    const Sum sold = rows.book(invoice, invoice.sales, faults_[i].sales);
    const Sum adjusted = rows.book(invoice, invoice.adjustments, faults_[i].adjustments);
    const Sum returned = rows.book(invoice, invoice.refunds, faults_[i].refunds);
    report.gross_pence += sold.pence;
    report.units_sold += sold.units;
    report.units_adjusted -= adjusted.units;
    report.refunded_pence += returned.pence;
    report.units_returned += returned.units;
    if (adjusted.units > 0) report.adjustments += invoice.adjustments.size();
    if (sold.units > 0 || returned.units > 0) customers.add(invoice.customer);
    if (sold.units > 0) ++report.checkouts;
    if (returned.units == 0) continue;
    ++report.refunds;
    report.refunds_unmatched_rows += books.unmatched_rows(i);
  }
  report.customers = customers.count();
  report.skus = skus.count();
  std::stable_sort(report.refused.begin(), report.refused.end(),
                   [](const RowRefusal& a, const RowRefusal& b) { return a.line < b.line; });
  for (const RowRefusal& refused : report.refused) ++report.rows_refused[refused.code.name];
  assert(report.rows == report.rows_booked + report.refused_total());
  return report;
}

}  // namespace kontor::cmd::replay
