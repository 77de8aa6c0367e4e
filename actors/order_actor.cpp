#include "actors/intake.hpp"
#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"

namespace kontor::actors {
namespace {

using State = ParticipantState<OrderParticipant>;
static_assert(!std::is_aggregate_v<State>);

OrderId order_of(const Operation& operation) {
  if (const auto* op = std::get_if<Cancel>(&operation)) return op->order;
  if (const auto* op = std::get_if<Refund>(&operation)) return op->order;
  if (const auto* op = std::get_if<Fulfil>(&operation)) return op->order;
  return {};
}

/// Plans amendments against the orders as they are now and hands them to the coordinators of their keys.
void amend(OrderActor::stateful_pointer<State> self, const Amend::List& list) {
  const Site& site = self->state.site;
  Intake intake(site.fabric->size(), list.requests.size(), site.fabric->protocol, site.fabric->default_deadline());
  for (std::size_t i = 0; i < list.requests.size(); ++i) {
    const Request& request = list.requests[i];
    intake.amend(request, list.indexes[i], self->state.participant->order(order_of(request.operation)));
  }
  for (ShardId home = 0; home < site.fabric->size(); ++home) {
    auto submission = intake.take(home);
    if (!submission) continue;
    submission->on_outcomes = list.on_outcomes;
    site.fabric->shards[home].open_bytes += submission->bytes;
    self->send(site.fabric->shards[home].coordinator, Submit{std::move(submission)});
  }
}

OrderActor::behavior_type order(OrderActor::stateful_pointer<State> self, Site site,
                                std::shared_ptr<std::unique_ptr<OrderParticipant>> participant) {
  self->state.site = site;
  self->state.participant = std::move(*participant);
  return {
      [=](const Prepare& message) { on_prepare(self, message); },
      [=](const Decide& message) { self->state.participant->decide(*message.list); },
      [=](Capture) { on_capture(self); },
      [=](Slice) { on_slice(self, commit::Role::order); },
      [=](const Amend& message) { amend(self, *message.list); },
      [=](const ReadOrder& message) {
        answer_durably(site, message.answer, self->state.participant->order(message.order));
      },
      [=](const ReadTransaction& message) {
        answer_durably(site, message.answer, self->state.participant->transaction(message.transaction));
      },
      [=](const ReadEvents& message) {  // Decided is durable.
        message.answer(self->state.participant->events(persistence::Locator{message.after}, message.most));
      },
  };
}

}  // namespace

OrderActor spawn_order(caf::actor_system& system, Site site, std::unique_ptr<OrderParticipant> participant) {
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(order, site, std::make_shared<std::unique_ptr<OrderParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors
