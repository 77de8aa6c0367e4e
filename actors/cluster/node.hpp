#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/cluster/options.hpp"
#include "domain/ids.hpp"

namespace kontor {

namespace actors {
class Cluster;
}

/// A node of a cluster, to be given to an engine (EngineOptions::cluster). Links without CAF's headers.
class Node {
 public:
  /// Reads the certificates; nothing is listened on before the engine opens. Errors: invalid_argument, io_error;
  /// `explanation` gets a sentence for people.
  static Result<std::shared_ptr<Node>> make(const ClusterOptions& options, std::string* explanation);
  ~Node();

  const std::shared_ptr<actors::Cluster>& cluster() const;
  const ClusterOptions& options() const;
  /// All other members. Any thread.
  std::vector<PeerStatus> peers() const;
  /// Of each shard.
  std::vector<ShardPlace> places() const;
  /// What this node gives away at the moment.
  std::optional<MoveProgress> moving() const;
  /// The last ones that this node was asked for, the newest last.
  std::vector<AskedMove> moves() const;
  /// Has a shard moved to another member, by whom has it. `then` is told when it is there (no error), or that it is
  /// not, on some thread: it must not block. Errors: invalid_argument, shard_unreachable, overloaded, storage_full
  /// (there), io_error, outcome_unknown (the link to its owner went: `places` will tell), shutting_down. May be called
  /// while the engine is open. A move that is under way already is not begun again.
  void move(ShardId shard, const std::string& to, const std::function<void(const Error&)>& then);
  /// Whom this node knows to belong to the cluster, itself too.
  std::vector<Member> members() const;
  /// Makes the cluster larger by a member, while it runs; `then` as `move`'s. The new node starts with
  /// ClusterOptions::joins, sooner or later. Errors: invalid_argument (a name or an address that cannot be, or more
  /// members than shards), already_exists (at another address), shard_unreachable, outcome_unknown, shutting_down. Once
  /// it is there asking again changes nothing.
  void add(const Member& member, const std::function<void(const Error&)>& then);
  /// Reads the certificates again, for connections from now on. Errors: as `make`; the old ones stay.
  Result<void> reload(std::string* explanation);

 private:
  Node();
  class Impl;
  std::shared_ptr<Impl> impl_;
  std::shared_ptr<actors::Cluster> cluster_;
};

}  // namespace kontor
