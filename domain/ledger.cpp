#include "domain/ledger.hpp"

namespace kontor {
namespace {

Result<void> check_posting(const Account& account, const PaymentDemand& demand) {
  if (account.currency != demand.currency) return Error{Errc::currency_mismatch, "account"};
  if (account.kind != demand.kind) return Error{Errc::account_kind, to_string(account.kind)};
  if (demand.amount > kAmountMinorMax || demand.amount < -kAmountMinorMax)
    return Error{Errc::amount_out_of_range, "amount"};
  if (demand.amount >= 0) {
    const Minor after = account.balance + account.incoming + demand.amount;  // Each term is below 2^62.
    if (after > kBalanceMinorMax) return Error{Errc::amount_out_of_range, "balance"};
    return {};
  }
  if (account.kind == AccountKind::external) {
    if (account.balance - account.held + demand.amount < -kBalanceMinorMax)
      return Error{Errc::amount_out_of_range, "balance"};
    return {};
  }
  if (account.available() + demand.amount < 0)
    return Error{Errc::insufficient_funds, "account", 0, account.available()};
  return {};
}

}  // namespace

Result<Ledger::Claim> Ledger::decide(std::span<const PaymentDemand> demands) const {
  Claim claim;
  const PaymentDemand* previous = nullptr;
  for (const PaymentDemand& demand : demands) {
    if (previous && !(previous->account < demand.account)) return Error{Errc::invalid_argument, "account named twice"};
    previous = &demand;
    const auto row = row_of(demand.account);
    if (demand.action == PaymentAction::open_account) {
      if (demands.size() != 1) return Error{Errc::invalid_argument, "account"};
      if (row) return Error{Errc::already_exists, "account"};
      if (creating_.contains(demand.account)) return Error{Errc::conflict, "account is being opened"};
      if (rows_.size() + creating_.size() >= accounts_max_) return Error{Errc::too_large, "accounts"};
      return resolve(demands);
    }
    if (!row) return Error{Errc::unknown_account, "account"};
    if (auto allowed = check_posting(rows_[*row], demand); !allowed) return allowed.error();
    claim.postings.push_back({*row, demand.amount});
  }
  return claim;
}

Result<Ledger::Claim> Ledger::resolve(std::span<const PaymentDemand> demands) const {
  Claim claim;
  for (const PaymentDemand& demand : demands) {
    if (demand.action == PaymentAction::open_account) {
      claim.creation =
          std::make_unique<Account>(Account{demand.account, demand.currency, demand.kind, demand.amount, 0, 0, 0});
      continue;
    }
    const auto row = row_of(demand.account);
    if (!row) return Error{Errc::unknown_account, "account"};
    claim.postings.push_back({*row, demand.amount});
  }
  return claim;
}

void Ledger::describe(const Claim& claim, std::vector<PaymentDemand>& out) const {
  if (const Account* account = claim.creation.get())
    out.push_back({account->id, PaymentAction::open_account, account->kind, account->currency, account->credit_limit});
  for (const Posting& posting : claim.postings) {
    const Account& account = rows_[posting.row];
    out.push_back({account.id, PaymentAction::post, account.kind, account.currency, posting.amount});
  }
}

void Ledger::hold(const Posting& posting) {
  Account& account = rows_.change(posting.row);
  if (posting.amount < 0) {
    account.held -= posting.amount;
  } else {
    account.incoming += posting.amount;
  }
}

void Ledger::settle(const Posting& posting, bool commit) {
  Account& account = rows_.change(posting.row);
  if (posting.amount < 0) {
    account.held += posting.amount;
    assert(account.held >= 0);
  } else {
    account.incoming -= posting.amount;
    assert(account.incoming >= 0);
  }
  if (commit) account.balance += posting.amount;
}

void Ledger::settle_creation(const Account& account, bool commit) {
  creating_.erase(account.id);
  if (commit) add(account);
}

const Account* Ledger::find(const AccountId& id) const {
  const auto row = row_of(id);
  return row ? &rows_[*row] : nullptr;
}

bool Ledger::add(const Account& account) {
  if (row_of(account.id)) return false;
  by_id_.add(account.id, rows_.add(account));
  return true;
}

}  // namespace kontor
