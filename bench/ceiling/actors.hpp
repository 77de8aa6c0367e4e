#pragma once
#include "bench/ceiling/batch.hpp"
#include "bench/ceiling/group_commit.hpp"

namespace kontor::ceiling {

/// Who talks to whom; complete before the first message.
struct Parties {
  GroupCommit* journal = nullptr;
  caf::actor coordinator, order, payment, inventory;
  caf::actor driver;  ///< Gets each decided batch.
};

/// Spawns the four actors and starts the journal's thread.
void start(caf::actor_system& system, Parties& parties);
void stop(Parties& parties);

}  // namespace kontor::ceiling
