#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "persistence/directory_lock.hpp"
#include "persistence/recovery.hpp"

namespace kontor::persistence {

/// All shards of a closed engine or cluster, recovered in memory and without writing: what the next engine would see.
/// Transactions in doubt are resolved by their coordinators' journals, as recovery would by asking.
struct ShardSet {
  struct Shard {
    std::unique_ptr<Store> store;
    RecoveredShard state;
  };
  std::vector<std::unique_ptr<DirectoryLock>> locks;
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
  /// `dirs`: an engine's directory, or those of all nodes of a cluster. Errors: directory_in_use, not_found,
  /// corrupt_journal, incompatible_format, io_error.
  static Result<ShardSet> open(std::span<const std::filesystem::path> dirs, std::string* explanation = nullptr);
  static Result<ShardSet> open(const std::filesystem::path& dir, std::string* explanation = nullptr) {
    return open(std::span(&dir, 1), explanation);
  }
};

}  // namespace kontor::persistence
