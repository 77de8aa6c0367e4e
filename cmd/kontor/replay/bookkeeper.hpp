#pragma once
#include <cstdint>
#include <vector>

#include "cmd/kontor/replay/invoice_file.hpp"
#include "cmd/kontor/replay/purchases.hpp"
#include "cmd/kontor/replay/step.hpp"

/// Turns invoices into operations, and knows what every balance and every stock must be. Pure: what comes out depends
/// on the file up to there and on nothing else, so a second run sends the same operations with the same keys.
namespace kontor::cmd::replay {

inline constexpr Currency kPounds{826};

/// Accounts by index: two of the shop, then one for each customer.
inline constexpr std::uint32_t kBank = 0, kShop = 1, kCustomersBegin = 2;

/// What the bookkeeper expects of a product.
struct ExpectedStock {
  Units received = 0, sold = 0, returned = 0, adjusted = 0;  ///< Adjusted is negative: units written off.
  Units on_hand() const { return received + returned + adjusted - sold; }
};

class Bookkeeper {
 public:
  explicit Bookkeeper(const InvoiceFile& file);

  /// The accounts that no row names. Appends to `steps`.
  void open(std::vector<Step>& steps);
  /// All that books `invoice`, in order: accounts and products at first sight, money and stock that are missing, then
  /// the checkout, the adjustment or the refunds. Invoices are booked once each, in order.
  void book(std::uint32_t invoice, std::vector<Step>& steps);

  AccountId account_id(std::uint32_t account) const;
  std::uint32_t accounts() const { return static_cast<std::uint32_t>(balances_.size()); }
  Minor balance(std::uint32_t account) const { return balances_[account]; }
  const ExpectedStock& stock(std::uint32_t sku) const { return stocks_[sku]; }
  /// Rows of a refund invoice of which any quantity found no purchase.
  std::uint32_t unmatched_rows(std::uint32_t invoice) const { return unmatched_rows_[invoice]; }

 private:
  void open_account(std::uint32_t account, AccountKind kind, std::vector<Step>& steps);
  void define_products(const std::vector<BookableRow>& rows, std::vector<Step>& steps);
  void fund(const Invoice& invoice, std::uint32_t account, std::vector<Step>& steps);
  void receive(const std::vector<BookableRow>& rows, const std::string& key, std::vector<Step>& steps);
  void sell(std::uint32_t index, std::vector<Step>& steps);
  void adjust(std::uint32_t index, std::vector<Step>& steps);
  void refund(std::uint32_t index, std::vector<Step>& steps);
  void refund_orders(std::uint32_t index, std::vector<Purchases::Part>& parts, std::vector<Step>& steps);
  void refund_unmatched(std::uint32_t index, std::vector<ReturnLine> lines, const std::vector<std::uint32_t>& skus,
                        std::vector<Step>& steps);

  const InvoiceFile& file_;
  std::vector<Minor> balances_;
  std::vector<bool> opened_, defined_;
  std::vector<ExpectedStock> stocks_;
  std::vector<std::uint32_t> unmatched_rows_;
  Purchases purchases_;
};

}  // namespace kontor::cmd::replay
