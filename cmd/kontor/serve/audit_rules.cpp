#include "cmd/kontor/serve/audit_rules.hpp"

#include <algorithm>

namespace kontor::cmd::serve {
namespace {

using persistence::views::AccountView;
using persistence::views::ProductView;

/// A total that is `first` or `second` at the looks: what may not have arrived yet, or was decided after them, aside.
bool within(Units total, Units first, Units second, Units promised) {
  return total >= std::min(first, second) - promised && total <= std::max(first, second) + promised;
}

ProductView totals_of(const Product& row) { return {row.received, row.adjusted, row.sold, row.returned, row.reserved}; }

std::string words(const ProductView& totals) {
  return "received " + std::to_string(totals.received) + ", adjusted " + std::to_string(totals.adjusted) + ", sold " +
         std::to_string(totals.sold) + ", returned " + std::to_string(totals.returned) +
         (totals.reserved == 0 ? "" : ", reserved " + std::to_string(totals.reserved));
}

}  // namespace

Finding judge(const Account& row, const AccountSpan& span) {
  if (!span.after || row.currency != span.after->currency) return Finding::differs;
  const AccountView before = span.before.value_or(AccountView{span.after->number, row.currency, 0, 0});
  const bool still = before == *span.after;
  if (still && row.balance == before.balance) return Finding::exact;
  if (still && row.held == 0 && row.incoming == 0) return Finding::differs;
  const Minor least = before.balance + span.debits - row.incoming, most = before.balance + span.credits + row.held;
  return row.balance >= least && row.balance <= most ? Finding::in_motion : Finding::differs;
}

Finding judge(const Product& row, const ProductSpan& span) {
  if (!span.after) return Finding::differs;
  const ProductView before = span.before.value_or(ProductView{}), after = *span.after, now = totals_of(row);
  if (before == after && now == before) return Finding::exact;
  const Units promised = row.held + row.incoming + row.leaving;
  if (before == after && promised == 0) return Finding::differs;
  const bool explained = within(now.received, before.received, after.received, promised) &&
                         within(now.adjusted, before.adjusted, after.adjusted, promised) &&
                         within(now.sold, before.sold, after.sold, promised) &&
                         within(now.returned, before.returned, after.returned, promised) &&
                         within(now.reserved, before.reserved, after.reserved, promised);
  return explained ? Finding::in_motion : Finding::differs;
}

std::vector<std::string> broken(const Account& row) {
  std::vector<std::string> out;
  if (row.held < 0 || row.incoming < 0) out.emplace_back("less than nothing is promised");
  if (row.kind == AccountKind::wallet && row.available() < 0)
    out.push_back("balance " + std::to_string(row.balance) + " with " + std::to_string(row.held) +
                  " held is below its limit");
  return out;
}

std::vector<std::string> broken(const Product& row) {
  std::vector<std::string> out;
  if (row.held < 0 || row.reserved < 0 || row.held + row.reserved > row.on_hand)
    out.emplace_back("held and reserved are not between 0 and on hand");
  if (row.incoming < 0) out.emplace_back("less than nothing is promised");
  if (row.received + row.adjusted + row.returned != row.on_hand + row.sold)
    out.emplace_back("received + adjusted + returned is not on hand + sold");
  return out;
}

std::string difference(const Account& row, const AccountSpan& span) {
  if (!span.after) return "no committed request opened it";
  if (row.currency != span.after->currency) return "its currency is not that of its entries";
  return "balance is " + std::to_string(row.balance) + ", its entries add up to " + std::to_string(span.after->balance);
}

std::string difference(const Product& row, const ProductSpan& span) {
  if (!span.after) return "no committed request defined it";
  return words(totals_of(row)) + "; the log adds up to " + words(*span.after);
}

}  // namespace kontor::cmd::serve
