// Accounts and money that moves between them.
#include "cmd/kontor/serve/decode.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kKindBytesMax = 16;

AccountKind kind_in(Fields& body) {
  if (!body.has("kind")) return AccountKind::wallet;
  const std::string_view text = body.text("kind", kKindBytesMax);
  for (const AccountKind kind : {AccountKind::wallet, AccountKind::external})
    if (text == to_string(kind)) return kind;
  body.refusal().set(Errc::invalid_argument, body.pointer_to("kind"), "wallet or external is needed");
  return AccountKind::wallet;
}

/// The other party of a move: two wallets, or a wallet and the outside; never twice the same.
AccountId other_than(const AccountId& account, std::string_view name, Fields& body) {
  const AccountId other = body.account(name);
  if (!account.empty() && other == account)
    body.refusal().set(Errc::invalid_argument, body.pointer_to(name), "both are the same account");
  return other;
}

}  // namespace

Operation decode_open_account(const PathNames&, Fields& body, Refusal& refusal) {
  OpenAccount open;
  open.account = body.account("id");
  open.currency = body.currency("currency");
  open.kind = kind_in(body);
  if (body.has("credit_limit")) {
    const Money limit = body.money("credit_limit", 0);
    open.credit_limit = limit.minor;
    if (limit.currency && open.currency && limit.currency != open.currency)
      refusal.set(Errc::currency_mismatch, body.pointer_to("credit_limit"), "not the account's currency");
    if (open.kind == AccountKind::external)
      refusal.set(Errc::invalid_argument, body.pointer_to("credit_limit"), "an external account has no limit");
  }
  return open;
}

Operation decode_deposit(const PathNames& path, Fields& body, Refusal& refusal) {
  Deposit deposit;
  deposit.account = account_in_path(path[0], refusal);
  deposit.external = other_than(deposit.account, "external", body);
  deposit.amount = body.money("amount", 1);
  return deposit;
}

Operation decode_withdraw(const PathNames& path, Fields& body, Refusal& refusal) {
  Withdraw withdraw;
  withdraw.account = account_in_path(path[0], refusal);
  withdraw.external = other_than(withdraw.account, "external", body);
  withdraw.amount = body.money("amount", 1);
  return withdraw;
}

Operation decode_transfer(const PathNames&, Fields& body, Refusal&) {
  Transfer transfer;
  transfer.source = body.account("source");
  transfer.target = other_than(transfer.source, "target", body);
  transfer.amount = body.money("amount", 1);
  return transfer;
}

}  // namespace kontor::cmd::serve
