#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/cluster.hpp"
#include "actors/engine.hpp"
#include "actors/price_fetch.hpp"
#include "actors/shard.hpp"
#include "persistence/directory_lock.hpp"

namespace kontor {

/// What an engine is made of: for engine.cpp, which runs it, and engine_reads.cpp, which asks it.
struct Engine::Impl final : actors::ShardHost {
  EngineOptions options;
  std::unique_ptr<persistence::DirectoryLock> lock;
  std::unique_ptr<actors::Fabric> fabric;
  /// Those of this directory, ascending. Stores and journals outlive the actors. In a cluster they come and go.
  std::vector<std::shared_ptr<actors::Shard>> shards;
  mutable std::mutex shards_mutex;  // Guards the list.
  std::unique_ptr<caf::actor_system_config> config;
  std::unique_ptr<caf::actor_system> system;
  RecoveryReport recovery;
  std::atomic<std::size_t> fetching{0};  ///< Lots of checkouts that wait for prices.

  std::mutex mutex;  // Guards closing against calls that are entering.
  std::condition_variable idle;
  std::size_t inside = 0;
  bool closing = false, closed = false;

  /// A call that uses the actors, while it lasts. False once closing.
  class Entry {
   public:
    explicit Entry(Impl& impl) : impl_(impl) {
      const std::lock_guard guard(impl_.mutex);
      entered_ = !impl_.closing;
      if (entered_) ++impl_.inside;
    }
    ~Entry() {
      if (!entered_) return;
      const std::lock_guard guard(impl_.mutex);
      if (--impl_.inside == 0) impl_.idle.notify_all();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    explicit operator bool() const { return entered_; }

   private:
    Impl& impl_;
    bool entered_ = false;
  };

  Result<void> open_all(std::string* explanation);
  Result<std::shared_ptr<actors::Shard>> open_shard(ShardId id, std::uint16_t count, std::string* explanation);
  void start();
  void submit(std::span<const Request> requests, const OnOutcomes& on_outcomes, bool may_fetch);
  void fetch_prices(std::vector<actors::Unpriced> unpriced, const OnOutcomes& on_outcomes);
  Error admission(ShardId home, std::size_t more_bytes, bool full) const;
  std::vector<std::shared_ptr<actors::Shard>> open_shards() const {
    const std::lock_guard guard(shards_mutex);
    return shards;
  }
  bool storage_full() const {
    const std::lock_guard guard(shards_mutex);
    return std::any_of(shards.begin(), shards.end(), [](const auto& each) { return each->journal().storage_full(); });
  }
  // For the cluster, when a shard moves.
  void rest(ShardId shard, const std::function<std::size_t()>& waiting) override;
  Result<void> wake(ShardId shard, std::string* explanation) override;
  bool awake(ShardId shard) const override;
  void fail(const std::string& explanation) override;
  void drain();
  void close();
  /// Of one shard.
  std::uint64_t open_bytes_max() const { return std::min<std::uint64_t>(kOpenBytesMax, options.reserve_bytes / 4 * 3); }
  std::vector<ShardId> own_shards() const {
    std::vector<ShardId> own;
    for (const auto& shard : open_shards()) own.push_back(shard->id());
    return own;
  }
  std::size_t open_transactions() const {
    std::size_t open = 0;
    for (const auto& shard : fabric->shards) open += shard.open_transactions;
    return open;
  }
};

}  // namespace kontor
