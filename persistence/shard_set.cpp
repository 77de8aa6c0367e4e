#include "persistence/shard_set.hpp"

#include <algorithm>
#include <map>

#include "domain/commit/stance.hpp"

namespace kontor::persistence {
namespace {

/// Presumed abort: committed if the coordinator has a commit on record that is not acknowledged, else aborted.
bool committed_by(const RecoveredShard& coordinator, const TransactionId& transaction) {
  return std::any_of(coordinator.unacknowledged.begin(), coordinator.unacknowledged.end(),
                     [&](const auto& entry) { return entry.first == transaction; });
}

void settle(RecoveredShard& shard, const commit::Decision& decision) {
  if (const auto it = shard.order.open().find(decision.transaction); it != shard.order.open().end()) {
    const Position prepared = it->second.prepared;
    const auto batch = std::lower_bound(shard.batches.begin(), shard.batches.end(), prepared,
                                        [](const OrderBatch& b, Position p) { return b.position < p; });
    if (batch != shard.batches.end()) settle_item(*batch, decision);
  }
  shard.order.settle(decision, shard.next);
  shard.inventory.settle(decision, shard.next);
  shard.payment.settle(decision, shard.next);
}

/// Three-phase transactions: as an election among all shards would end them. Returns how many are in doubt.
std::size_t settle_by_election(std::vector<ShardSet::Shard>& shards) {
  std::map<TransactionId, std::vector<commit::Stance>> stances;
  for (const ShardSet::Shard& shard : shards)
    for (const auto& [transaction, stance] : shard.state.stances) stances[transaction].push_back(stance);
  std::size_t in_doubt = 0;
  for (const auto& [transaction, taken] : stances) {
    const bool commit = commit::would_commit(taken);
    for (ShardSet::Shard& shard : shards) settle(shard.state, {transaction, commit});
    in_doubt += std::any_of(taken.begin(), taken.end(), [](const auto& s) { return !is_final(s.phase); }) ? 1u : 0u;
  }
  return in_doubt;
}

}  // namespace

Result<ShardSet::Found> ShardSet::find(const TransactionId& transaction) const {
  if (transaction.shard >= shards.size()) return Error{Errc::not_found, "shard"};
  const Shard& home = shards[transaction.shard];
  const OrderArchive archive(*home.store, transaction.shard);
  auto request = archive.find(transaction);
  if (!request) return request.error();
  const Locator locator = request->locator;
  const auto& batches = home.state.batches;
  const auto batch = std::lower_bound(batches.begin(), batches.end(), locator.position(),
                                      [](const OrderBatch& b, Position p) { return b.position < p; });
  if (batch != batches.end() && batch->position == locator.position())
    return Found{std::move(*request), static_cast<ItemState>(batch->states[locator.index()])};
  const auto stored = archive.outcome(locator);
  if (!stored) return stored.error();
  return Found{std::move(*request), *stored};
}

Result<ShardSet> ShardSet::of(std::vector<std::unique_ptr<Store>> stores, std::string* explanation, Replay replay) {
  ShardSet set;
  const auto count = static_cast<std::uint16_t>(stores.size());
  for (ShardId id = 0; id < count; ++id) {
    auto state = recover(*stores[id], {kFormatVersion, id, count}, nullptr, explanation, replay);
    if (!state) return state.error();
    set.shards.push_back({std::move(stores[id]), std::move(*state)});
  }
  set.in_doubt = settle_by_election(set.shards);
  for (Shard& shard : set.shards) {
    for (const InDoubt& doubt : shard.state.in_doubt) {
      const TransactionId& transaction = doubt.transaction;
      if (!shard.state.order.holds(transaction) && !shard.state.inventory.holds(transaction) &&
          !shard.state.payment.holds(transaction))
        continue;  // Just settled.
      const bool known = transaction.shard < set.shards.size();
      settle(shard.state, {transaction, known && committed_by(set.shards[transaction.shard].state, transaction)});
      ++set.in_doubt;
    }
  }
  return set;
}

Result<ShardSet> ShardSet::open(std::span<const std::filesystem::path> dirs, std::string* explanation) {
  const auto refuse = [&](Errc code, const std::string& text) {
    if (explanation) *explanation = text;
    return Error{code, "shards"};
  };
  std::vector<std::unique_ptr<DirectoryLock>> locks;
  std::map<ShardId, std::filesystem::path> found;
  for (const std::filesystem::path& dir : dirs) {
    auto lock = DirectoryLock::shared(dir, explanation);
    if (!lock) return lock.error();
    locks.push_back(std::move(*lock));
    for (const ShardId id : shards_in(dir))
      if (!found.emplace(id, shard_dir(dir, id)).second)
        return refuse(Errc::incompatible_format,
                      shard_dir(dir, id).string() + ": another directory has this shard too");
  }
  if (found.empty()) return refuse(Errc::not_found, dirs.front().string() + ": no shard is in it");
  std::vector<std::unique_ptr<Store>> stores;
  for (const auto& [id, path] : found) {
    if (id != stores.size())
      return refuse(Errc::not_found, "shard " + std::to_string(stores.size()) +
                                         " is missing; of a cluster, name the directories of all nodes");
    auto store = Store::open({path, kMapBytesDefault, true}, explanation);
    if (!store) return store.error();
    stores.push_back(std::move(*store));
  }
  auto set = of(std::move(stores), explanation);
  if (set) set->locks = std::move(locks);
  return set;
}

}  // namespace kontor::persistence
