#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "domain/inventory.hpp"

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace kontor::actors {

struct Fabric;

/// What a cluster asks of its engine when a shard moves, from its own threads, one thing at a time.
class ShardHost {
 public:
  virtual ~ShardHost() = default;
  /// Answers what the shard has open, ends its actors and closes its store; its file is whole then. Nothing new comes
  /// to it; `waiting` requests that are counted as open do not concern it.
  virtual void rest(ShardId shard, const std::function<std::size_t()>& waiting) = 0;
  /// Opens it, and its actors are housed. Errors: as Engine::open.
  virtual Result<void> wake(ShardId shard, std::string* explanation) = 0;
  /// It is open, and may be put to rest. What has just come is not for a moment.
  virtual bool awake(ShardId shard) const = 0;
  /// A write failed, and what is durable is not known. Does not return.
  virtual void fail(const std::string& explanation) = 0;
};

/// What an engine needs of the cluster that it is a node of (actors/cluster/). Called by the engine only, in this
/// order.
class Cluster {
 public:
  virtual ~Cluster() = default;
  /// Reads where shards are. Errors: as Engine::open.
  virtual Result<void> open(const std::filesystem::path& dir, std::string* explanation) = 0;
  virtual std::uint16_t shards() const = 0;    ///< Of the whole cluster.
  virtual bool here(ShardId shard) const = 0;  ///< Lives in this node's directory.

  virtual void configure(caf::actor_system_config& config) = 0;
  /// Puts stand-ins for all shards into `fabric`, which from now on says where its actors are housed.
  virtual void join(caf::actor_system& system, Fabric& fabric, ShardHost& host) = 0;
  /// Own actors are there: others may be answered.
  virtual void serve() = 0;
  /// Own products as they were defined or priced.
  virtual void list(std::span<const Product> products) = 0;
  /// No shard moves any more, and what was on its way from here is here again.
  virtual void settle() = 0;
  /// What was asked of others fails; nothing is sent or heard any more, and own actors are not reached.
  virtual void leave() = 0;
};

}  // namespace kontor::actors
