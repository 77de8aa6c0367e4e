#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"

namespace kontor::actors {
namespace {

using State = ParticipantState<InventoryParticipant>;
static_assert(!std::is_aggregate_v<State>);

InventoryActor::behavior_type inventory(InventoryActor::stateful_pointer<State> self, Site site,
                                        std::shared_ptr<std::unique_ptr<InventoryParticipant>> participant) {
  self->state.site = site;
  self->state.participant = std::move(*participant);
  return {
      [=](const Prepare& message) { on_prepare(self, message); },
      [=](const Decide& message) {
        self->state.participant->decide(*message.list);
        site.fabric->catalog.set(self->state.participant->resource().take_repriced());
      },
      [=](Capture) { on_capture(self); },
      [=](Slice) { on_slice(self, commit::Role::inventory); },
      [=](const ReadProduct& message) {
        const Product* product = self->state.participant->resource().find(message.sku);
        const Error unknown{Errc::unknown_sku, "sku"};
        answer_durably(site, message.answer, product ? Result<Product>(*product) : Result<Product>(unknown));
      },
  };
}

}  // namespace

InventoryActor spawn_inventory(caf::actor_system& system, Site site,
                               std::unique_ptr<InventoryParticipant> participant) {
  // Now, not in the actor's first turn: whoever opened the engine may buy at once.
  site.fabric->catalog.set(participant->resource().take_repriced());
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(inventory, site, std::make_shared<std::unique_ptr<InventoryParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors
