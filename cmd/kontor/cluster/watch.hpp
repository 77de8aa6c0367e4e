#pragma once
#include <atomic>
#include <chrono>

#include "cmd/kontor/client/caller.hpp"

namespace kontor::cmd {

struct WatchOptions {
  client::CallOptions call;              ///< `url`: of the nodes, one after the other with commas between them.
  std::chrono::nanoseconds duration{0};  ///< 0: until interrupted.
};

/// Looks at all nodes once a second: a table that stays in its place on a terminal, a line now and then elsewhere.
/// A node that does not answer is down, and is asked again. Returns what the program ends with.
int watch_cluster(const WatchOptions& options, const std::atomic<bool>& stop);

}  // namespace kontor::cmd
