#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "cmd/kontor/client/caller.hpp"

namespace kontor::cmd {

struct MoveOptions {
  client::CallOptions call;
  unsigned shard = 0;
  std::string to;
  std::vector<std::string> without;  ///< Nodes that are to have nothing.
  bool dry_run = false;
};

/// Has a shard moved and waits until it is there. Returns what the program ends with.
int move_one_shard(const MoveOptions& options, const std::atomic<bool>& stop);

/// Likewise, one after the other, all that make the nodes even (domain/ring.hpp). What was moved stays moved when it is
/// interrupted; the next one goes on.
int rebalance_shards(const MoveOptions& options, const std::atomic<bool>& stop);

}  // namespace kontor::cmd
