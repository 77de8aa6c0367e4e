#pragma once
#include <map>
#include <set>

#include "tests/support/shop_words.hpp"

namespace kontor::testing {

/// What a shop is after some committed requests: plain sums, without promises, batches, shards or a journal. Written
/// from the operations' descriptions, not from the code under test.
class ShopModel {
 public:
  std::map<std::string, Account> accounts;
  std::map<std::string, Product> products;
  std::map<OrderId, Order> orders;

  /// Why a request cannot commit when it is alone: any of these may be the answer. Empty: it must commit.
  std::set<Errc> refusals(const Operation& operation) const;
  /// It committed as `transaction`. A checkout's prices are those given, or the products' own.
  void apply(const Operation& operation, const TransactionId& transaction);
  State state() const;

 private:
  struct Move {
    std::string account;
    AccountKind kind;
    Currency currency;
    Minor amount;
  };
  struct Effects {
    std::vector<Move> moves;
    std::map<std::string, Units> stock;     ///< Change of on_hand.
    std::map<std::string, Units> reserved;  ///< And of this.
    std::set<Errc> refusals;
  };
  Checkout resolved(Checkout checkout) const;
  Effects effects(const Operation& operation) const;
  void add(const OpenAccount& op, Effects& out) const;
  void add(const Deposit& op, Effects& out) const;
  void add(const Withdraw& op, Effects& out) const;
  void add(const Transfer& op, Effects& out) const;
  void add(const DefineProduct& op, Effects& out) const;
  void add(const SetPrice& op, Effects& out) const;
  void add(const ReceiveStock& op, Effects& out) const;
  void add(const AdjustStock& op, Effects& out) const;
  void add(const Checkout& op, Effects& out) const;
  void add(const UnmatchedRefund& op, Effects& out) const;
  void add(const Cancel& op, Effects& out) const { amendment(op, out); }
  void add(const Refund& op, Effects& out) const { amendment(op, out); }
  void add(const Fulfil& op, Effects& out) const { amendment(op, out); }
  void add(const Reserve& op, Effects& out) const;
  void add(const Redeem& op, Effects& out) const;
  void add(const Release& op, Effects& out) const;
  void amendment(const Operation& operation, Effects& out) const;
  static void move(const AccountId& source, AccountKind source_kind, const AccountId& target, AccountKind target_kind,
                   Money amount, Effects& out);
  void check(Effects& effects) const;
  static std::vector<Minor> shares(const Checkout& checkout, const std::vector<Units>& kept);
  static void move_shares(const Checkout& checkout, const std::vector<Minor>& before, const std::vector<Minor>& after,
                          std::vector<Move>& moves);
  void amend_order(const Operation& operation);
};

// --- Sales and what is taken back of them.

/// What is due for the units kept: gross by payee.
inline std::vector<Minor> ShopModel::shares(const Checkout& checkout, const std::vector<Units>& kept) {
  std::vector<Minor> gross(checkout.payees.size());
  for (std::size_t i = 0; i < kept.size(); ++i)
    gross[checkout.lines[i].payee] += checkout.lines[i].unit_price * kept[i];
  return gross;
}

inline void ShopModel::move_shares(const Checkout& checkout, const std::vector<Minor>& before,
                                   const std::vector<Minor>& after, std::vector<Move>& moves) {
  const auto fee = [&](Minor gross) {
    return gross * checkout.fee.basis_points / 10'000;  // A test's amounts are small.
  };
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Minor gross = after[i] - before[i], fees = fee(after[i]) - fee(before[i]);
    moves.push_back({checkout.customer.str(), AccountKind::wallet, checkout.currency, -gross});
    moves.push_back({checkout.payees[i].str(), AccountKind::wallet, checkout.currency, gross - fees});
    if (!checkout.fee.account.empty())
      moves.push_back({checkout.fee.account.str(), AccountKind::wallet, checkout.currency, fees});
  }
}

inline Checkout ShopModel::resolved(Checkout checkout) const {
  for (Line& line : checkout.lines) {
    const auto product = products.find(line.sku.str());
    if (line.unit_price == kCatalogPrice) line.unit_price = product == products.end() ? 0 : product->second.price;
  }
  return checkout;
}

inline void ShopModel::add(const Checkout& checkout, Effects& out) const {
  const Checkout priced = resolved(checkout);
  std::vector<Units> kept;
  for (const Line& line : priced.lines) {
    const auto product = products.find(line.sku.str());
    if (product != products.end() && product->second.currency != checkout.currency)
      out.refusals.insert(Errc::currency_mismatch);
    if (product != products.end() && line.expected_version != 0 && line.expected_version != product->second.version)
      out.refusals.insert(Errc::price_changed);
    out.stock[line.sku.str()] -= line.quantity;
    kept.push_back(line.quantity);
  }
  move_shares(priced, std::vector<Minor>(priced.payees.size()), shares(priced, kept), out.moves);
}

/// Nothing is paid, but the accounts must be there.
inline void ShopModel::add(const Reserve& op, Effects& out) const {
  add(op.checkout, out);
  for (Move& move : out.moves) move.amount = 0;
  for (auto& [name, units] : std::exchange(out.stock, {})) out.reserved[name] = -units;
  if (op.expires_at_ns != 0 && op.expires_at_ns <= op.begun_at_ns) out.refusals.insert(Errc::reservation_expired);
}

inline void ShopModel::add(const Redeem& op, Effects& out) const {
  const auto found = orders.find(op.order);
  if (found == orders.end()) return void(out.refusals.insert(Errc::unknown_order));
  const Order& order = found->second;
  const OrderStatus status = order.progress.status;
  if (status == OrderStatus::expired || op.begun_at_ns >= order.expires_at_ns)
    out.refusals.insert(Errc::reservation_expired);
  if (status != OrderStatus::reserved) out.refusals.insert(Errc::order_state);
  Effects paid;
  add(order.checkout, paid);
  out.moves = paid.moves, out.stock = out.reserved = paid.stock;
}

inline void ShopModel::add(const Release& op, Effects& out) const {
  const auto found = orders.find(op.order);
  if (found == orders.end()) return void(out.refusals.insert(Errc::unknown_order));
  const Order& order = found->second;
  const bool early = op.reason == ReleaseReason::expired && op.begun_at_ns < order.expires_at_ns;
  if (early || order.progress.status != OrderStatus::reserved) out.refusals.insert(Errc::order_state);
  for (const Line& line : order.checkout.lines) out.reserved[line.sku.str()] -= line.quantity;
}

inline void ShopModel::amendment(const Operation& operation, Effects& out) const {
  const auto found = orders.find(names_in(operation).order);
  if (found == orders.end()) {
    out.refusals.insert(Errc::unknown_order);
    return;
  }
  const Order& order = found->second;
  if (order.progress.status != OrderStatus::placed) out.refusals.insert(Errc::order_state);
  const auto* refund = std::get_if<Refund>(&operation);
  const auto* fulfil = std::get_if<Fulfil>(&operation);
  std::vector<OrderLine> lines = refund ? refund->lines : fulfil ? fulfil->lines : std::vector<OrderLine>{};
  std::vector<Units> kept, left;
  bool any = false;
  for (const LineProgress& line : order.progress.lines) {
    kept.push_back(line.bought - line.refunded);
    left.push_back(fulfil ? std::max<Units>(0, line.bought - line.refunded - line.fulfilled) : kept.back());
    any = any || left.back() > 0;
    if (!refund && !fulfil && (line.refunded > 0 || line.fulfilled > 0)) out.refusals.insert(Errc::order_state);
  }
  if (lines.empty() && !any) out.refusals.insert({Errc::exceeds_order, Errc::order_state});
  const bool all = lines.empty();
  for (std::uint32_t i = 0; all && i < left.size(); ++i)
    if (left[i] > 0) lines.push_back({i, left[i]});
  const std::vector<Minor> before = shares(order.checkout, kept);
  for (const OrderLine& line : lines) {
    if (line.line >= left.size()) {
      out.refusals.insert(Errc::invalid_argument);
      return;
    }
    if (line.quantity > left[line.line]) out.refusals.insert(Errc::exceeds_order);
    if (fulfil) continue;
    kept[line.line] -= line.quantity;
    if (!refund || refund->restock) out.stock[order.checkout.lines[line.line].sku.str()] += line.quantity;
  }
  if (!fulfil) move_shares(order.checkout, before, shares(order.checkout, kept), out.moves);
}

// --- Every operation.

inline void ShopModel::move(const AccountId& source, AccountKind source_kind, const AccountId& target,
                            AccountKind target_kind, Money amount, Effects& out) {
  out.moves.push_back({source.str(), source_kind, amount.currency, -amount.minor});
  out.moves.push_back({target.str(), target_kind, amount.currency, amount.minor});
}
inline void ShopModel::add(const OpenAccount& op, Effects& out) const {
  if (accounts.contains(op.account.str())) out.refusals.insert(Errc::already_exists);
}
inline void ShopModel::add(const Deposit& op, Effects& out) const {
  move(op.external, AccountKind::external, op.account, AccountKind::wallet, op.amount, out);
}
inline void ShopModel::add(const Withdraw& op, Effects& out) const {
  move(op.account, AccountKind::wallet, op.external, AccountKind::external, op.amount, out);
}
inline void ShopModel::add(const Transfer& op, Effects& out) const {
  move(op.source, AccountKind::wallet, op.target, AccountKind::wallet, op.amount, out);
}
inline void ShopModel::add(const DefineProduct& op, Effects& out) const {
  if (products.contains(op.sku.str())) out.refusals.insert(Errc::already_exists);
}
inline void ShopModel::add(const SetPrice& op, Effects& out) const {
  const auto product = products.find(op.sku.str());
  if (product == products.end()) {
    out.refusals.insert(Errc::unknown_sku);
    return;
  }
  if (product->second.currency != op.price.currency) out.refusals.insert(Errc::currency_mismatch);
  if (op.expected_version != 0 && op.expected_version != product->second.version)
    out.refusals.insert(Errc::price_changed);
}
inline void ShopModel::add(const ReceiveStock& op, Effects& out) const {
  for (const StockLine& line : op.lines) out.stock[line.sku.str()] += line.quantity;
}
inline void ShopModel::add(const AdjustStock& op, Effects& out) const {
  for (const StockLine& line : op.lines) out.stock[line.sku.str()] += line.quantity;
}
inline void ShopModel::add(const UnmatchedRefund& op, Effects& out) const {
  Minor total = 0;
  for (const ReturnLine& line : op.lines) {
    total += line.unit_price * line.quantity;
    out.stock[line.sku.str()] += line.quantity;
  }
  move(op.payee, AccountKind::wallet, op.customer, AccountKind::wallet, {total, op.currency}, out);
}

inline ShopModel::Effects ShopModel::effects(const Operation& operation) const {
  Effects out;
  std::visit([&](const auto& op) { add(op, out); }, operation);
  return out;
}

/// Would balances and stock allow it?
inline void ShopModel::check(Effects& effects) const {
  std::map<std::string, Minor> sums;
  for (const Move& move : effects.moves) {
    const auto account = accounts.find(move.account);
    if (account == accounts.end()) {
      effects.refusals.insert(Errc::unknown_account);
      continue;
    }
    if (account->second.kind != move.kind) effects.refusals.insert(Errc::account_kind);
    if (account->second.currency != move.currency) effects.refusals.insert(Errc::currency_mismatch);
    sums[move.account] += move.amount;
  }
  for (const auto& [name, sum] : sums) {
    const Account& account = accounts.at(name);
    if (account.kind == AccountKind::wallet && sum < 0 && account.balance + sum < -account.credit_limit)
      effects.refusals.insert(Errc::insufficient_funds);
  }
  std::map<std::string, Units> taken = effects.reserved;  // Of what is on hand and not reserved.
  for (const auto& [name, units] : effects.stock) taken[name] -= units;
  for (const auto& [name, units] : taken) {
    const auto product = products.find(name);
    if (product == products.end()) {
      effects.refusals.insert(Errc::unknown_sku);
    } else if (product->second.on_hand - product->second.reserved - units < 0) {
      effects.refusals.insert(Errc::out_of_stock);
    }
  }
}

inline std::set<Errc> ShopModel::refusals(const Operation& operation) const {
  Effects all = effects(operation);
  check(all);
  return all.refusals;
}

inline void ShopModel::amend_order(const Operation& operation) {
  Order& order = orders.at(names_in(operation).order);
  const auto* release = std::get_if<Release>(&operation);
  if (release || std::holds_alternative<Redeem>(operation)) {
    order.progress.status = !release                                    ? OrderStatus::placed
                            : release->reason == ReleaseReason::expired ? OrderStatus::expired
                                                                        : OrderStatus::released;
    ++order.progress.version;
    return;
  }
  const auto* refund = std::get_if<Refund>(&operation);
  const auto* fulfil = std::get_if<Fulfil>(&operation);
  std::vector<OrderLine> lines = refund ? refund->lines : fulfil ? fulfil->lines : std::vector<OrderLine>{};
  for (std::uint32_t i = 0; lines.empty() && i < order.progress.lines.size(); ++i) {
    LineProgress& line = order.progress.lines[i];
    const Units kept = line.bought - line.refunded;
    (fulfil ? line.fulfilled : line.refunded) += fulfil ? std::max<Units>(0, kept - line.fulfilled) : kept;
  }
  for (const OrderLine& named : lines) {
    LineProgress& line = order.progress.lines[named.line];
    (fulfil ? line.fulfilled : line.refunded) += named.quantity;
  }
  if (!refund && !fulfil) order.progress.status = OrderStatus::cancelled;
  ++order.progress.version;
}

inline void ShopModel::apply(const Operation& operation, const TransactionId& transaction) {
  const Effects all = effects(operation);
  for (const Move& move : all.moves) accounts.at(move.account).balance += move.amount;
  for (const auto& [name, units] : all.stock) {
    Product& product = products.at(name);
    product.on_hand += units;
    if (std::holds_alternative<Checkout>(operation) || std::holds_alternative<Redeem>(operation)) {
      product.sold -= units;
    } else if (std::holds_alternative<ReceiveStock>(operation)) {
      product.received += units;
    } else {
      (std::holds_alternative<AdjustStock>(operation) ? product.adjusted : product.returned) += units;
    }
  }
  for (const auto& [name, units] : all.reserved) products.at(name).reserved += units;
  if (const auto* open = std::get_if<OpenAccount>(&operation))
    accounts[open->account.str()] = {open->account, open->currency, open->kind, open->credit_limit, 0, 0, 0};
  if (const auto* define = std::get_if<DefineProduct>(&operation)) {
    Product& product = products[define->sku.str()];
    product.sku = define->sku, product.currency = define->price.currency, product.price = define->price.minor;
  }
  if (const auto* price = std::get_if<SetPrice>(&operation)) {
    Product& product = products.at(price->sku.str());
    product.price = price->price.minor;
    ++product.version;
  }
  const auto* reserve = std::get_if<Reserve>(&operation);
  if (const auto* checkout = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation)) {
    Order& order = orders[transaction];
    order = {transaction, resolved(*checkout), {}, reserve ? reserve->expires_at_ns : 0};
    if (reserve) order.progress.status = OrderStatus::reserved;
    for (const Line& line : checkout->lines) order.progress.lines.push_back({line.quantity, 0, 0});
  }
  if (names_in(operation).order) amend_order(operation);
}

inline State ShopModel::state() const {
  State out;
  for (const auto& [name, account] : accounts) out["account " + name] = fact(account);
  for (const auto& [name, product] : products) out["sku " + name] = fact(product);
  for (const auto& [id, order] : orders) out[order_text(id)] = fact(order);
  return out;
}

}  // namespace kontor::testing
