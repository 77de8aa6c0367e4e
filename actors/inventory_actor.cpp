#include "actors/participant_actors.hpp"
#include "actors/participant_behavior.hpp"

namespace kontor::actors {
namespace {

using State = ParticipantState<InventoryParticipant>;
static_assert(!std::is_aggregate_v<State>);

Result<ProductPage> page_of(const Inventory& inventory, const ReadProducts& wanted) {
  const auto& rows = inventory.rows();
  std::size_t begin = 0, end = rows.size();
  if (wanted.from) {
    const auto row = inventory.row_of(*wanted.from);
    if (!row) return Error{Errc::unknown_sku, "from"};
    wanted.back ? end = *row : begin = std::size_t{*row} + 1;
  }
  ProductPage page;
  page.more = end - begin > wanted.most;
  if (page.more) wanted.back ? begin = end - wanted.most : end = begin + wanted.most;
  page.products.reserve(end - begin);
  for (std::size_t row = begin; row < end; ++row) page.products.push_back(rows[static_cast<Inventory::Index>(row)]);
  return page;
}

InventoryActor::behavior_type inventory(InventoryActor::stateful_pointer<State> self, Site site,
                                        std::shared_ptr<std::unique_ptr<InventoryParticipant>> participant) {
  self->state.site = site;
  self->state.participant = std::move(*participant);
  return {
      [=](const Prepare& message) { on_prepare(self, message); },
      [=](const Decide& message) {
        self->state.participant->decide(*message.list);
        site.fabric->list(self->state.participant->resource().take_repriced());
      },
      [=](Capture) { on_capture(self); },
      [=](Slice) { on_slice(self, commit::Role::inventory); },
      [=](const ReadProduct& message) {
        const Product* product = self->state.participant->resource().find(message.sku);
        const Error unknown{Errc::unknown_sku, "sku"};
        answer_durably(site, message.answer, product ? Result<Product>(*product) : Result<Product>(unknown));
      },
      [=](const ReadProducts& message) {
        answer_durably(site, message.answer, page_of(self->state.participant->resource(), message));
      },
  };
}

}  // namespace

InventoryActor spawn_inventory(caf::actor_system& system, Site site,
                               std::unique_ptr<InventoryParticipant> participant) {
  // Now, not in the actor's first turn: whoever opened the engine may buy at once.
  site.fabric->list(participant->resource().take_repriced());
  // CAF copies the arguments of a behaviour, so what can only be moved travels in a shared box.
  return system.spawn(inventory, site, std::make_shared<std::unique_ptr<InventoryParticipant>>(std::move(participant)));
}

}  // namespace kontor::actors
