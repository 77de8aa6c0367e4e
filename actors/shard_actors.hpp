#pragma once
#include <memory>
#include <string>

#include "actors/coordinator_actor.hpp"
#include "persistence/key_index.hpp"

namespace kontor::actors {

/// The first position that a new life of this store may give out.
Position next_position(const persistence::Store& store);

/// The start of a shard's life after recovery, whichever journal is behind `site`: queues the record that says that a
/// new incarnation begins (and the format of a fresh store), and spawns the four actors, which are returned and housed
/// in the fabric. `recovered` is used up but for what it counts.
Handles spawn_actors(caf::actor_system& system, const Site& site, CoordinatorOptions options,
                     const persistence::Store& store, std::unique_ptr<persistence::KeyIndex> keys,
                     persistence::RecoveredShard& recovered);

}  // namespace kontor::actors
