#include <algorithm>

#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"

namespace kontor::actors {
namespace {

using State = ParticipantState<PaymentParticipant>;
static_assert(!std::is_aggregate_v<State>);

Result<AccountPage> page_of(const Ledger& ledger, const ReadAccounts& wanted) {
  const auto& rows = ledger.rows();
  std::size_t begin = 0;
  if (wanted.from) {
    const auto row = ledger.row_of(*wanted.from);
    if (!row) return Error{Errc::unknown_account, "from"};
    begin = std::size_t{*row} + 1;
  }
  const std::size_t end = std::min<std::size_t>(rows.size(), begin + wanted.most);
  AccountPage page{{}, end < rows.size()};
  page.accounts.reserve(end - begin);
  for (std::size_t row = begin; row < end; ++row) page.accounts.push_back(rows[static_cast<Ledger::Index>(row)]);
  return page;
}

PaymentActor::behavior_type payment(PaymentActor::stateful_pointer<State> self, Site site,
                                    std::shared_ptr<std::unique_ptr<PaymentParticipant>> participant) {
  self->state.site = site;
  self->state.participant = std::move(*participant);
  return {
      [=](const Prepare& message) { on_prepare(self, message); },
      [=](const Decide& message) { self->state.participant->decide(*message.list); },
      [=](Capture) { on_capture(self); },
      [=](Slice) { on_slice(self, commit::Role::payment); },
      [=](const ReadAccount& message) {
        const Account* account = self->state.participant->resource().find(message.account);
        const Error unknown{Errc::unknown_account, "account"};
        answer_durably(site, message.answer, account ? Result<Account>(*account) : Result<Account>(unknown));
      },
      [=](const ReadAccounts& message) {
        answer_durably(site, message.answer, page_of(self->state.participant->resource(), message));
      },
  };
}

}  // namespace

PaymentActor spawn_payment(caf::actor_system& system, Site site, std::unique_ptr<PaymentParticipant> participant) {
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(payment, site, std::make_shared<std::unique_ptr<PaymentParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors
