#pragma once
#include <memory>

#include "actors/messages.hpp"
#include "actors/order_participant.hpp"
#include "actors/rows_participant.hpp"

/// The three participants as typed actors: each handles whole batches and answers its own shard's coordinator.
namespace kontor::actors {

OrderActor spawn_order(caf::actor_system& system, Site site, std::unique_ptr<OrderParticipant> participant);
InventoryActor spawn_inventory(caf::actor_system& system, Site site, std::unique_ptr<InventoryParticipant> participant);
PaymentActor spawn_payment(caf::actor_system& system, Site site, std::unique_ptr<PaymentParticipant> participant);

}  // namespace kontor::actors
