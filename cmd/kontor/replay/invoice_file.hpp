#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "cmd/kontor/replay/invoice_rows.hpp"

/// A whole file, sorted into invoices. Rows with one InvoiceNo are one invoice wherever they stand, in the place of the
/// first of them: the number is the idempotency key, so there can be only one. (The real file has an invoice with a
/// refund of another customer in its middle.)
namespace kontor::cmd::replay {

inline constexpr std::size_t kFileRowsMax = 5'000'000;  // All are in memory: 40 bytes each, 150 if refused.
inline constexpr std::int64_t kFileAmountMax = 1'000'000'000'000'000'000;  // Pence and units of all rows: no balance
                                                                           // (4 * 10^18) can be out of range.
inline constexpr std::int64_t kFileUnitsMax = 1'000'000'000'000'000;       // As above, of stock (4 * 10^15).

/// A row that can be booked.
struct BookableRow {
  std::uint64_t line = 0;
  Units quantity = 0;
  Minor price = 0;
  std::uint32_t sku = 0;  ///< Index into InvoiceFile::skus().
};

struct Invoice {
  static constexpr std::uint32_t kNoCustomer = 0xffffffff;
  std::string number;
  std::uint32_t customer = kNoCustomer;  ///< Index into InvoiceFile::customers(); none: adjustments only.
  std::vector<BookableRow> sales, adjustments, refunds;  ///< Refunds, or the other two.
  Minor total = 0;                                       ///< Of sales or refunds, in pence.
};

class InvoiceFile {
 public:
  /// The next row of the file, whatever it holds.
  void add(const CsvRow& row);

  const std::vector<Invoice>& invoices() const { return invoices_; }
  const std::vector<Sku>& skus() const { return skus_; }
  /// By their number; the empty one is the guest.
  const std::vector<std::string>& customers() const { return customers_; }
  const std::vector<RowRefusal>& refusals() const { return refusals_; }
  std::uint64_t rows() const { return rows_; }

 private:
  std::optional<RowRefusal> place(const InvoiceRow& row);
  Invoice& invoice_of(const InvoiceRow& row);
  std::uint32_t customer_of(const std::string& customer);
  std::uint32_t sku_of(const Sku& sku);

  std::vector<Invoice> invoices_;
  std::vector<Sku> skus_;
  std::vector<std::string> customers_;
  std::vector<RowRefusal> refusals_;
  boost::unordered_flat_map<std::string, std::uint32_t> invoice_by_number_, customer_by_number_;
  boost::unordered_flat_map<Sku, std::uint32_t> sku_by_name_;
  InvoiceRow read_;
  std::uint64_t rows_ = 0;
  std::int64_t amount_ = 0, units_ = 0;  ///< Of all rows placed.
};

/// Reads all rows behind the header; `on_progress` is called now and then with the rows so far.
/// Throws UnreadableFile: no such file, damaged, another header, more than kFileRowsMax rows.
InvoiceFile read_invoice_file(const std::string& path, const std::function<void(std::uint64_t rows)>& on_progress);

}  // namespace kontor::cmd::replay
