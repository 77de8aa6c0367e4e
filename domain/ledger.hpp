#pragma once
#include <memory>
#include <span>

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "domain/demands.hpp"
#include "domain/name_index.hpp"
#include "domain/rows.hpp"

/// Accounts and double entry. Pure. Debits claim, credits never fail once promised and count only when committed.
/// Invariants: a wallet's balance - held >= -credit_limit; all balances of one currency sum to zero.
namespace kontor {

struct Account {
  AccountId id;
  Currency currency;
  AccountKind kind = AccountKind::wallet;
  Minor credit_limit = 0;
  Minor balance = 0;
  Minor held = 0;      ///< Debits promised and undecided.
  Minor incoming = 0;  ///< Credits promised and undecided: not spendable, but room is kept for them.
  /// What a new debit may take.
  Minor available() const { return balance - held + credit_limit; }
};

/// The payment actor's resource; see commit/participant.hpp for what each function is for.
class Ledger {
 public:
  using Demand = PaymentDemand;
  using Row = Account;
  using Index = Rows<Account>::Index;

  struct Posting {
    Index row = 0;
    Minor amount = 0;
  };
  struct Claim {
    boost::container::small_vector<Posting, 3> postings;
    std::unique_ptr<Account> creation;  ///< Set for open_account, which stands alone.
  };

  Ledger() = default;
  /// With room for fewer accounts: tests reach the bound that way.
  explicit Ledger(std::size_t accounts_max) : accounts_max_(accounts_max) {}

  /// May the demands of one transaction be promised? They are sorted by account, each once.
  /// Errors: unknown_account, already_exists, conflict (being opened), currency_mismatch, account_kind,
  /// insufficient_funds (figure: what is available), amount_out_of_range, too_large (accounts), invalid_argument.
  Result<Claim> decide(std::span<const PaymentDemand> demands) const;
  /// The claim of demands that were accepted before. Errors: unknown_account (the journal contradicts itself).
  Result<Claim> resolve(std::span<const PaymentDemand> demands) const;
  /// The demands that `claim` came from; appended to `out`.
  void describe(const Claim& claim, std::vector<PaymentDemand>& out) const;

  void hold(const Posting& posting);
  void settle(const Posting& posting, bool commit);
  void hold_creation(const Account& account) { creating_.insert(account.id); }
  void settle_creation(const Account& account, bool commit);

  /// A hint that these will be decided soon.
  void prefetch(std::span<const PaymentDemand> demands) const {
    for (const PaymentDemand& demand : demands)
      if (const auto row = by_id_.candidate(demand.account)) rows_.prefetch(*row);
  }
  const Account* find(const AccountId& id) const;
  std::optional<Index> row_of(const AccountId& id) const {
    return by_id_.find(id, [this](Index row) -> const AccountId& { return rows_[row].id; });
  }
  const Rows<Account>& rows() const { return rows_; }
  Rows<Account>& rows() { return rows_; }
  /// Adds a row, from a commit or a checkpoint. False: it is there already.
  bool add(const Account& account);

 private:
  std::size_t accounts_max_ = kAccountsMax;
  Rows<Account> rows_;
  NameIndex<AccountId> by_id_;
  boost::unordered_flat_set<AccountId> creating_;
};

}  // namespace kontor
