#pragma once
#include "actors/cluster/peer.hpp"
#include "actors/fabric.hpp"

namespace kontor::actors {

/// Puts handles into `fabric` that stand for the four actors of `shard`, which lives at `peer`: what is sent to them is
/// written into the peer's outbox at once, on the sender's thread. Senders see no difference to a local shard, but for
/// an Errc::shard_unreachable. Fabric and peer outlive the actor system.
void stand_in(caf::actor_system& system, Fabric& fabric, ShardId shard, Peer& peer);

}  // namespace kontor::actors
