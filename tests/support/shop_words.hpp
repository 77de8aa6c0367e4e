#pragma once
#include <cassert>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "domain/inventory.hpp"
#include "domain/ledger.hpp"
#include "domain/operations.hpp"
#include "domain/order.hpp"

/// Short words for requests and for what is read back, so that tests of the engine read as stories.
namespace kontor::testing {

inline constexpr Currency kGbp{826}, kEur{978};
inline Money gbp(Minor minor) { return {minor, kGbp}; }
inline Money eur(Minor minor) { return {minor, kEur}; }

template <class Name>
Name named(std::string_view text) {
  const auto name = Name::parse(text);
  assert(name);
  return *name;
}
inline AccountId acc(std::string_view text) { return named<AccountId>(text); }
inline Sku sku(std::string_view text) { return named<Sku>(text); }
inline IdempotencyKey key(std::string_view text) { return named<IdempotencyKey>(text); }

/// Pays `payee` for `lines`; more payees and a fee are added by the test.
inline Checkout purchase(std::string_view customer, std::string_view payee, std::vector<Line> lines) {
  return {acc(customer), kGbp, {acc(payee)}, std::move(lines), {}};
}

/// A test's loops, made shorter where each step costs several times as much.
constexpr std::size_t scaled(std::size_t count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return count / 4 + 1;
#else
  return count;
#endif
}

/// What can be read back, object by object, as text: two states compare as maps and differ in readable lines.
using State = std::map<std::string, std::string>;

inline std::string fact(const Account& a) {
  return std::string(to_string(a.kind)) + " limit " + std::to_string(a.credit_limit) + " balance " +
         to_string(Money{a.balance, a.currency}) + " held " + std::to_string(a.held) + " incoming " +
         std::to_string(a.incoming);
}
inline std::string fact(const Product& p) {
  return to_string(Money{p.price, p.currency}) + " v" + std::to_string(p.version) + (p.pricing ? " pricing" : "") +
         " on_hand " + std::to_string(p.on_hand) + " held " + std::to_string(p.held) + " incoming " +
         std::to_string(p.incoming) + " received " + std::to_string(p.received) + " adjusted " +
         std::to_string(p.adjusted) + " sold " + std::to_string(p.sold) + " returned " + std::to_string(p.returned) +
         (p.reserved != 0 ? " reserved " + std::to_string(p.reserved) : "") +
         (p.leaving != 0 ? " leaving " + std::to_string(p.leaving) : "");
}
inline std::string fact(const OrderProgress& progress) {
  std::string out = std::string(to_string(progress.status)) + " v" + std::to_string(progress.version);
  for (const LineProgress& line : progress.lines)
    out += " [bought " + std::to_string(line.bought) + " refunded " + std::to_string(line.refunded) + " fulfilled " +
           std::to_string(line.fulfilled) + "]";
  return out;
}

inline std::string fact(const Order& order) {
  std::string out = order.checkout.customer.str() + ":";
  for (const Line& line : order.checkout.lines)
    out += " " + line.sku.str() + " x" + std::to_string(line.quantity) + " at " + std::to_string(line.unit_price);
  if (order.expires_at_ns != 0) out += " until " + std::to_string(order.expires_at_ns);
  return out + "; " + fact(order.progress);
}

/// No promise is open on it.
inline bool quiet(const Account& a) { return a.held == 0 && a.incoming == 0; }
inline bool quiet(const Product& p) { return p.held == 0 && p.incoming == 0 && p.leaving == 0 && !p.pricing; }

/// The accounts, SKUs and order that an operation names.
struct Names {
  std::vector<AccountId> accounts;
  std::vector<Sku> skus;
  OrderId order;
};
inline Names names_in(const Operation& operation) {
  Names out;
  const auto accounts = [&](std::initializer_list<AccountId> list) {
    for (const AccountId& id : list)
      if (!id.empty()) out.accounts.push_back(id);
  };
  const auto lines = [&](const auto& list) {
    for (const auto& line : list)
      if (!line.sku.empty()) out.skus.push_back(line.sku);
  };
  if (const auto* o = std::get_if<OpenAccount>(&operation)) accounts({o->account});
  if (const auto* o = std::get_if<Deposit>(&operation)) accounts({o->external, o->account});
  if (const auto* o = std::get_if<Withdraw>(&operation)) accounts({o->external, o->account});
  if (const auto* o = std::get_if<Transfer>(&operation)) accounts({o->source, o->target});
  if (const auto* o = std::get_if<DefineProduct>(&operation)) lines(std::vector<StockLine>{{o->sku, 1}});
  if (const auto* o = std::get_if<SetPrice>(&operation)) lines(std::vector<StockLine>{{o->sku, 1}});
  if (const auto* o = std::get_if<ReceiveStock>(&operation)) lines(o->lines);
  if (const auto* o = std::get_if<AdjustStock>(&operation)) lines(o->lines);
  const auto* reserve = std::get_if<Reserve>(&operation);
  if (const auto* o = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation)) {
    accounts({o->customer, o->fee.account});
    for (const AccountId& payee : o->payees) accounts({payee});
    lines(o->lines);
  }
  if (const auto* o = std::get_if<UnmatchedRefund>(&operation)) accounts({o->customer, o->payee}), lines(o->lines);
  if (const auto* o = std::get_if<Cancel>(&operation)) out.order = o->order;
  if (const auto* o = std::get_if<Refund>(&operation)) out.order = o->order;
  if (const auto* o = std::get_if<Fulfil>(&operation)) out.order = o->order;
  if (const auto* o = std::get_if<Redeem>(&operation)) out.order = o->order;
  if (const auto* o = std::get_if<Release>(&operation)) out.order = o->order;
  return out;
}

}  // namespace kontor::testing
