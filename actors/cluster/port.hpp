#pragma once
#include "actors/fabric.hpp"

namespace kontor::actors {

class Route;

/// The actor that stands for one of a shard's four, `role` of them, wherever they are (route.hpp).
caf::strong_actor_ptr make_port(caf::actor_system& system, Fabric& fabric, ShardId shard, std::size_t role,
                                Route& route);

}  // namespace kontor::actors
