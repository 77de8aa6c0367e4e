#include "actors/coordinator_actor.hpp"

#include "actors/coordinator_state.hpp"

namespace kontor::actors {
namespace {

static_assert(!std::is_aggregate_v<CoordinatorState>);

CoordinatorActor::behavior_type coordinator(CoordinatorState::Self self, Site site, CoordinatorOptions options,
                                            CoordinatorStart start) {
  CoordinatorState* state = &self->state;
  state->start(self, site, std::move(options), start);
  return {
      // CAF compares a message's type with one after the other: the usual ones come first.
      [=](const Votes& message) { state->on_votes(message); },
      [=](Flush) { state->on_flush(); },
      [=](Durable message) { state->on_durable(message.position); },
      [=](Tick) { state->on_tick(); },
      [=](const SiteVotes& message) { state->on_site_votes(message); },
      [=](const Notices& message) { state->on_notices(message); },
      [=](const Decisions& message) { state->on_decisions(message); },
      [=](const Acknowledge& message) { state->on_acknowledge(message); },
      [=](const Prepare& message) { state->on_prepare(message); },
      [=](const Submit& message) { state->on_submit(message.submission); },
      [=](const Inquire& message) { state->on_inquire(message); },
      [=](const Checkpoint& message) { state->on_checkpoint(message.done); },
      [=](CheckpointDone) { state->on_checkpoint_done(); },
      [=](Captured message) { state->on_captured(message.role); },
      [=](const ReadDoubts& message) { state->on_read_doubts(message); },
      [=](const ResolveDoubt& message) { state->on_resolve_doubt(message); },
      [=](const GiveUp& message) { state->on_give_up(*message.done); },
  };
}

}  // namespace

CoordinatorActor spawn_coordinator(caf::actor_system& system, Site site, CoordinatorOptions options,
                                   CoordinatorStart start) {
  return system.spawn(coordinator, site, std::move(options), std::move(start));
}

}  // namespace kontor::actors
