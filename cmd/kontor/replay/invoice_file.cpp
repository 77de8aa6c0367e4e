#include "cmd/kontor/replay/invoice_file.hpp"

#include "cmd/kontor/replay/byte_source.hpp"

namespace kontor::cmd::replay {

void InvoiceFile::add(const CsvRow& row) {
  ++rows_;
  auto refused = read_row(row, read_);
  if (!refused) refused = place(read_);
  if (refused) refusals_.push_back(std::move(*refused));
}

/// Checks what a row cannot know alone, then keeps it. Guards change nothing: a refused row leaves no trace, so that
/// neither an account nor a product is made for it.
std::optional<RowRefusal> InvoiceFile::place(const InvoiceRow& row) {
  const auto refuse = [&](RowCode code, const char* reason) { return RowRefusal{row.line, code, row.invoice, reason}; };
  const auto known = invoice_by_number_.find(row.invoice);
  const Invoice fresh;
  const Invoice& invoice = known == invoice_by_number_.end() ? fresh : invoices_[known->second];

  const bool needs_customer = row.kind != RowKind::adjustment;
  if (needs_customer && invoice.customer != Invoice::kNoCustomer && customers_[invoice.customer] != row.customer)
    return refuse(RowFault::mixed_customer, "the invoice belongs to another customer by an earlier row");
  const auto& same = row.kind == RowKind::sale         ? invoice.sales
                     : row.kind == RowKind::adjustment ? invoice.adjustments
                                                       : invoice.refunds;
  if (same.size() == kLinesMax) return refuse(Errc::too_large, "more lines than one invoice may have");
  const auto amount = multiply(row.price, row.quantity, kAmountMinorMax);
  const auto total = amount ? kontor::add(invoice.total, *amount, kAmountMinorMax) : amount;
  if (!total) return refuse(Errc::amount_out_of_range, "the invoice's total is out of range");
  if (amount_ > kFileAmountMax - *amount || units_ > kFileUnitsMax - row.quantity)
    return refuse(Errc::amount_out_of_range, "the file's total is out of range");

  Invoice& into = invoice_of(row);
  if (needs_customer) into.customer = customer_of(row.customer);
  into.total = *total;
  amount_ += *amount;
  units_ += row.quantity;
  auto& rows = row.kind == RowKind::sale         ? into.sales
               : row.kind == RowKind::adjustment ? into.adjustments
                                                 : into.refunds;
  rows.push_back({row.line, row.quantity, row.price, sku_of(row.sku)});
  return {};
}

Invoice& InvoiceFile::invoice_of(const InvoiceRow& row) {
  const auto [at, added] = invoice_by_number_.try_emplace(row.invoice, static_cast<std::uint32_t>(invoices_.size()));
  if (added) invoices_.emplace_back().number = row.invoice;
  return invoices_[at->second];
}

std::uint32_t InvoiceFile::customer_of(const std::string& customer) {
  const auto [at, added] = customer_by_number_.try_emplace(customer, static_cast<std::uint32_t>(customers_.size()));
  if (added) customers_.push_back(customer);
  return at->second;
}

std::uint32_t InvoiceFile::sku_of(const Sku& sku) {
  const auto [at, added] = sku_by_name_.try_emplace(sku, static_cast<std::uint32_t>(skus_.size()));
  if (added) skus_.push_back(sku);
  return at->second;
}

InvoiceFile read_invoice_file(const std::string& path, const std::function<void(std::uint64_t rows)>& on_progress) {
  constexpr std::uint64_t kProgressRows = 10'000;
  CsvReader reader(open_bytes(path));
  CsvRow row;
  if (!reader.next(row)) throw UnreadableFile(path + ": the file is empty");
  if (!is_header(row)) throw UnreadableFile(path + ": the first line is not the header " + std::string(kHeader));
  InvoiceFile file;
  while (reader.next(row)) {
    if (file.rows() == kFileRowsMax)
      throw UnreadableFile(path + ": more than " + std::to_string(kFileRowsMax) + " rows");
    file.add(row);
    if (file.rows() % kProgressRows == 0) on_progress(file.rows());
  }
  return file;
}

}  // namespace kontor::cmd::replay
