#pragma once
#include "actors/fabric.hpp"
#include "persistence/recovery.hpp"

namespace kontor::actors {

struct CoordinatorOptions {
  std::uint64_t checkpoint_journal_bytes = kCheckpointJournalBytes;  ///< 0: only when asked.
  std::function<std::uint64_t()> journal_bytes;                      ///< Written since the start.
  std::size_t batch_transactions_max = kBatchTransactionsMax;
};

/// What the coordinator takes over from recovery.
struct CoordinatorStart {
  std::uint32_t incarnation = 1;
  std::vector<std::pair<TransactionId, std::uint64_t>> unacknowledged;
  std::map<ShardId, TransactionId> high_water;
  std::vector<persistence::InDoubt> in_doubt;
  persistence::Stances stances;
  Position durable = 0;  ///< The record `opened` of this life comes next.
};

CoordinatorActor spawn_coordinator(caf::actor_system& system, Site site, CoordinatorOptions options,
                                   CoordinatorStart start);

}  // namespace kontor::actors
