#pragma once
#include <limits>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "domain/plan.hpp"

/// Random requests with every field anywhere in its range, for codecs and hashes: not requests that make sense
/// together. To be called inside a property: each draws from the running one.
namespace kontor::tests {

template <class Name>
Name any_name() {
  static const std::string kLetters = "abcXYZ019-_ /\xc3";
  std::string text;
  const auto size = *rc::gen::inRange<std::size_t>(1, Name::kBytesMax + 1);
  for (std::size_t i = 0; i < size; ++i) text += *rc::gen::elementOf(kLetters);
  return Name::unchecked(text);
}

/// Often at the ends of its range.
template <class Number>
Number any_number(Number lowest, Number highest) {
  switch (*rc::gen::inRange(0, 8)) {
    case 0: return lowest;
    case 1: return highest;
    case 2: return static_cast<Number>(lowest + 1);
    default: return highest - lowest == 0 ? lowest : *rc::gen::inRange<Number>(lowest, highest);
  }
}

inline Currency any_currency() { return {any_number<std::uint16_t>(1, 0xffff)}; }
inline Money any_money(Minor lowest) { return {any_number<Minor>(lowest, kAmountMinorMax), any_currency()}; }
inline Units any_units() { return any_number<Units>(1, kQuantityUnitsMax); }
inline std::uint32_t any_version() { return any_number<std::uint32_t>(0, 0xffff'ffff); }
/// Unix time, or a distance in it, in ns.
inline std::int64_t any_time() { return any_number<std::int64_t>(0, std::numeric_limits<std::int64_t>::max()); }
inline TransactionId any_transaction() {
  return {any_number<ShardId>(0, kShardsMax - 1), any_number<std::uint32_t>(1, 0xffff'ffff),
          any_number<std::uint64_t>(0, ~std::uint64_t{0})};
}

template <class Item, class Make>
std::vector<Item> any_list(std::size_t least, std::size_t most, const Make& make) {
  std::vector<Item> out(*rc::gen::inRange<std::size_t>(least, most + 1));
  for (Item& item : out) item = make();
  return out;
}
inline std::vector<OrderLine> any_order_lines() {
  return any_list<OrderLine>(0, 6, [] { return OrderLine{any_number<std::uint32_t>(0, kLinesMax - 1), any_units()}; });
}

inline Checkout any_checkout() {
  Checkout out;
  out.customer = any_name<AccountId>();
  out.currency = any_currency();
  out.payees = any_list<AccountId>(1, 4, any_name<AccountId>);
  if (*rc::gen::arbitrary<bool>()) out.fee = {any_name<AccountId>(), any_number<std::uint16_t>(0, kFeeBasisPointsMax)};
  out.lines = any_list<Line>(1, 6, [&] {
    return Line{any_name<Sku>(), any_units(), any_number<Minor>(0, kAmountMinorMax), any_version(),
                static_cast<std::uint8_t>(*rc::gen::inRange<std::size_t>(0, out.payees.size()))};
  });
  return out;
}

inline std::vector<StockLine> any_stock_lines(Units lowest) {
  return any_list<StockLine>(1, 6, [=] {
    return StockLine{any_name<Sku>(), any_number<Units>(lowest, kQuantityUnitsMax)};
  });
}

inline Operation any_operation(OperationKind kind) {
  const auto account = any_name<AccountId>;
  switch (kind) {
    case OperationKind::open_account:
      return OpenAccount{account(), any_currency(), *rc::gen::element(AccountKind::wallet, AccountKind::external),
                         any_number<Minor>(0, kAmountMinorMax)};
    case OperationKind::deposit: return Deposit{account(), account(), any_money(1)};
    case OperationKind::withdraw: return Withdraw{account(), account(), any_money(1)};
    case OperationKind::transfer: return Transfer{account(), account(), any_money(1)};
    case OperationKind::define_product: return DefineProduct{any_name<Sku>(), any_money(0)};
    case OperationKind::set_price: return SetPrice{any_name<Sku>(), any_money(0), any_version()};
    case OperationKind::receive_stock: return ReceiveStock{any_stock_lines(1)};
    case OperationKind::adjust_stock: return AdjustStock{any_stock_lines(-kQuantityUnitsMax)};
    case OperationKind::checkout: return any_checkout();
    case OperationKind::cancel: return Cancel{any_transaction()};
    case OperationKind::refund: return Refund{any_transaction(), any_order_lines(), *rc::gen::arbitrary<bool>()};
    case OperationKind::fulfil: return Fulfil{any_transaction(), any_order_lines()};
    case OperationKind::unmatched_refund:
      return UnmatchedRefund{account(), account(), any_currency(), any_list<ReturnLine>(1, 6, [] {
                               return ReturnLine{any_name<Sku>(), any_units(), any_number<Minor>(0, kAmountMinorMax)};
                             })};
    case OperationKind::reserve: return Reserve{any_checkout(), any_time(), any_time()};
    case OperationKind::redeem: return Redeem{any_transaction()};
    case OperationKind::release:
      return Release{any_transaction(), *rc::gen::element(ReleaseReason::asked, ReleaseReason::expired)};
  }
  return {};
}

}  // namespace kontor::tests
