#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "persistence/directory_lock.hpp"
#include "persistence/recovery.hpp"

namespace kontor::persistence {

/// All shards of a closed directory, recovered in memory and without writing: what the next engine would see.
/// Transactions in doubt are resolved by their coordinators' journals, as recovery would by asking.
struct ShardSet {
  struct Shard {
    std::unique_ptr<Store> store;
    RecoveredShard state;
  };
  std::unique_ptr<DirectoryLock> lock;
  std::vector<Shard> shards;
  std::uint64_t in_doubt = 0;  ///< Resolved this way.

  /// An enrolled request and what became of it. Errors: not_found, corrupt_journal.
  struct Found {
    ArchivedRequest request;
    ItemState state = ItemState::absent;
  };
  Result<Found> find(const TransactionId& transaction) const;

  /// Of stores that are open already, one for each shard.
  static Result<ShardSet> of(std::vector<std::unique_ptr<Store>> stores, std::string* explanation = nullptr,
                             Replay replay = Replay::side_by_side);
  /// Errors: directory_in_use, not_found, corrupt_journal, incompatible_format, io_error.
  static Result<ShardSet> open(const std::filesystem::path& dir, std::string* explanation = nullptr);
};

}  // namespace kontor::persistence
