#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/operations.hpp"
#include "domain/order.hpp"

/// What a shop should do, written from the descriptions of the operations alone: no function of domain/ is called here.
/// Plain sums over maps by name; what is promised is added up anew from the open transactions each time.
namespace kontor::tests {

class Model {
 public:
  struct Wallet {
    AccountKind kind = AccountKind::wallet;
    int currency = 0;
    Minor limit = 0, balance = 0;
  };
  struct Item {
    int currency = 0;
    Minor price = 0;
    std::uint32_t version = 1;
    Units on_hand = 0, received = 0, adjusted = 0, sold = 0, returned = 0, reserved = 0;
  };
  struct SaleLine {
    std::string sku;
    Units bought = 0, refunded = 0, fulfilled = 0;
    Minor price = 0;
    std::size_t payee = 0;
    friend bool operator==(const SaleLine&, const SaleLine&) = default;
  };
  struct Sale {
    std::string customer, fee_account;
    std::vector<std::string> payees;
    std::vector<SaleLine> lines;
    int currency = 0;
    Minor basis_points = 0;
    std::uint32_t version = 1;
    OrderStatus status = OrderStatus::placed;
    std::int64_t expires = 0;  ///< 0: it did not begin as a reservation.
  };

  /// What is expected of a request: a refusal, or a repeat, or that it is open now.
  struct Expected {
    Errc refusal = Errc::none;
    std::optional<std::uint64_t> repeat_of;
  };
  /// `body` is equal for equal requests only. `sequence` names the transaction from now on.
  Expected begin(std::uint64_t sequence, const Request& request, std::uint64_t body, std::int64_t now);
  void settle(std::uint64_t sequence, bool commit);
  void refresh();

  std::map<std::string, Wallet> wallets;
  std::map<std::string, Item> items;
  std::map<std::uint64_t, Sale> sales;

  /// Of the open transactions: debits or credits of an account, units that a SKU will lose or gain, or that are
  /// reserved and will not stay so.
  Minor promised_money(const std::string& account, bool debits) const;
  enum class Way { out, in, from_reserved };
  Units promised_units(const std::string& sku, Way way) const;
  bool pricing(const std::string& sku) const;
  std::size_t keys_in_use() const { return open_.size(); }
  bool amending(std::uint64_t sale) const;

 private:
  enum class Kind { sell, take_back, receive, adjust, reserve, redeem, release };
  struct Need {
    Units units = 0;
    std::uint32_t version = 0;
    Kind kind = Kind::sell;
    int currency = 0;  ///< 0: any.
    Way way() const;
  };
  struct Leg {
    Minor amount = 0;
    AccountKind kind = AccountKind::wallet;
  };
  /// Everything one request does if it commits.
  struct Effects {
    Errc refusal = Errc::none;  ///< Seen without asking anybody.
    std::map<std::string, Leg> money;
    int currency = 0;
    std::map<std::string, Need> stock;
    std::optional<std::pair<std::string, Wallet>> opens;
    std::optional<std::pair<std::string, Item>> defines;
    std::optional<std::pair<std::string, Money>> prices;
    std::uint32_t priced_version = 0;
    std::optional<Sale> sale;
    std::optional<std::uint64_t> amends;
    std::uint32_t amended_version = 0;
    std::optional<OrderStatus> becomes;
    std::map<std::size_t, std::pair<Units, Units>> lines;  ///< Refunded and fulfilled, by line.
    std::string key;
    std::uint64_t body = 0;
  };

  Effects effects_of(const Operation& operation, std::int64_t now) const;
  void move(Effects& out, const AccountId& from, AccountKind from_kind, const AccountId& to, AccountKind to_kind,
            Money amount) const;
  void stock(Effects& out, const std::vector<StockLine>& lines, Kind kind) const;
  void checkout(Effects& out, const Checkout& op) const;
  void unmatched(Effects& out, const UnmatchedRefund& op) const;
  void amendment(Effects& out, const OrderId& order, const std::vector<OrderLine>* lines, char what,
                 bool restock) const;
  void reserve(Effects& out, const Reserve& op, std::int64_t now) const;
  void end(Effects& out, const OrderId& order, OrderStatus becomes, std::int64_t now) const;
  std::optional<Sale> remembered(const OrderId& order) const;
  static void charge(Effects& out, const Sale& sale, const std::vector<Minor>& from, const std::vector<Minor>& to);
  static std::vector<Minor> due(const Sale& sale);

  Errc order_says(const Effects& effects) const;
  Errc inventory_says(const Effects& effects) const;
  Errc payment_says(const Effects& effects) const;

  std::map<std::string, Item> listed_;        ///< Products as they were at the last refresh.
  std::map<std::uint64_t, Sale> remembered_;  ///< Likewise orders.
  std::map<std::uint64_t, Effects> open_;
  struct Used {
    std::uint64_t sequence = 0, body = 0;
  };
  std::map<std::string, Used> used_;
};

}  // namespace kontor::tests
