#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "domain/handover.hpp"
#include "persistence/placement_store.hpp"

namespace kontor::actors {

/// Which member has which shard, as this node knows: the rules of domain/handover.hpp over a store, so that whatever is
/// known here is durable. Any thread.
class Places {
 public:
  /// A new directory's beginning: member i has the shards i, i + members, i + 2 members …; of one that joins a cluster
  /// that is there already, nothing is known before others tell.
  Places(MemberId own, std::size_t members, std::uint16_t shards, bool joins);

  /// Reads what a node's directory remembers, and puts its shards' directories in order: what arrived or was given
  /// away before a crash. Errors: as PlacementStore; corrupt_journal (a shard that came here is not there).
  Result<void> open(const std::filesystem::path& dir, std::string* explanation);

  MemberId own() const { return own_; }
  /// Once open.
  persistence::PlacementStore& store() { return *store_; }
  std::uint16_t shards() const { return static_cast<std::uint16_t>(members_.size()); }
  /// Or kNobody.
  MemberId member_of(ShardId shard) const { return members_[shard]; }
  bool here(ShardId shard) const { return member_of(shard) == own_; }
  Holding holding(ShardId shard) const;
  std::vector<Place> all() const;

  // As in domain/handover.hpp. False: it cannot be written, and what is durable is not known.
  struct Promised {
    bool kept = false;  ///< The vote.
    bool written = true;
  };
  Promised promise(ShardId shard, const Arrival& arrival);
  struct Given {
    bool decided = false;  ///< Not when this node has heard meanwhile of a newer place than the try began with.
    bool written = true;
  };
  /// `epoch`: that it will have there.
  Given give(ShardId shard, MemberId to, std::uint64_t attempt, std::uint64_t epoch);
  struct Heard {
    Learned learned = Learned::nothing;
    bool written = true;
  };
  Heard learn(ShardId shard, const Place& place);
  bool release(ShardId shard, std::uint64_t attempt);

  // In the node's directory, beside the shards that it has:
  std::filesystem::path shard_dir(ShardId shard) const;
  std::filesystem::path arriving_dir(ShardId shard) const;  ///< A copy that is not its own yet.
  std::filesystem::path left_dir(ShardId shard) const;      ///< One that is not its own any more.
  static bool sync_dir(const std::filesystem::path& dir);
  /// Errors: io_error. Durable.
  Result<void> move_dir(const std::filesystem::path& from, const std::filesystem::path& to) const;

 private:
  bool save(ShardId shard, const Holding& holding);
  Result<void> put_in_order(ShardId shard, std::string* explanation);

  const MemberId own_;
  std::filesystem::path dir_;
  std::unique_ptr<persistence::PlacementStore> store_;
  mutable std::mutex mutex_;
  std::vector<Holding> holdings_;
  std::vector<std::atomic<MemberId>> members_;  ///< Of `holdings_`, for those who ask for each message.
};

}  // namespace kontor::actors
