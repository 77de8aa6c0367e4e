#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"

namespace kontor::actors {
namespace {

using State = ParticipantState<PaymentParticipant>;
static_assert(!std::is_aggregate_v<State>);

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
  };
}

}  // namespace

PaymentActor spawn_payment(caf::actor_system& system, Site site, std::unique_ptr<PaymentParticipant> participant) {
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(payment, site, std::make_shared<std::unique_ptr<PaymentParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors
