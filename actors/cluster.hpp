#pragma once
#include <cstdint>
#include <span>

#include "domain/inventory.hpp"

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace kontor::actors {

struct Fabric;

/// What an engine needs of the cluster that it is a node of (actors/cluster/). Called by the engine only, in this
/// order.
class Cluster {
 public:
  virtual ~Cluster() = default;
  virtual std::uint16_t shards() const = 0;    ///< Of the whole cluster.
  virtual bool here(ShardId shard) const = 0;  ///< Lives in this node's directory.

  virtual void configure(caf::actor_system_config& config) = 0;
  /// Puts handles for the shards of other nodes into `fabric`, and looks for those nodes. Own handles may come later.
  virtual void join(caf::actor_system& system, Fabric& fabric) = 0;
  /// Own actors are there: others may be answered.
  virtual void serve() = 0;
  /// Own products as they were defined or priced.
  virtual void list(std::span<const Product> products) = 0;
  /// What was asked of others fails; nothing is sent or heard any more.
  virtual void leave() = 0;
};

}  // namespace kontor::actors
