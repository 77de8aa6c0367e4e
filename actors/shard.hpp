#pragma once
#include <chrono>
#include <filesystem>
#include <latch>
#include <memory>
#include <string>

#include "actors/fabric.hpp"
#include "persistence/journal.hpp"
#include "persistence/recovery.hpp"

namespace kontor::actors {

/// One shard of an engine: its store, its journal thread and its four actors.
class Shard {
 public:
  struct Options {
    ShardId id = 0;
    std::uint16_t shards = 1;
    std::filesystem::path dir;
    std::uint64_t map_bytes = 0, reserve_bytes = 0, checkpoint_journal_bytes = 0;
    std::function<void(const std::string&)> on_fatal;
  };

  /// Opens the store and recovers; nothing is written yet. Errors: see Store::open and recover.
  static Result<std::unique_ptr<Shard>> open(const Options& options, std::string* explanation);
  ~Shard();

  /// Queues the record that says that a new incarnation begins, and spawns the actors into `fabric`.
  void spawn(caf::actor_system& system, Fabric& fabric);
  /// Starts the journal, when all shards have spawned.
  void start() { journal_->start(); }
  /// Ends the actors; what they queued is written when this goes. The fabric must not lead to them any more.
  void stop();
  /// Waits until everything that was asked of the participants before is answered. False: not in time.
  bool settled(std::chrono::milliseconds within);
  /// Answers whatever is open as unknown. False: not in time.
  bool give_up(std::chrono::milliseconds within);
  /// After `stop`: waits until the actors are gone, and with them all that reads the store.
  void await_end();

  ShardId id() const { return options_.id; }
  const persistence::RecoveredShard& recovered() const { return recovered_; }
  persistence::Journal& journal() { return *journal_; }

 private:
  Shard() = default;
  Options options_;
  std::unique_ptr<persistence::Store> store_;
  std::unique_ptr<persistence::Journal> journal_;
  std::unique_ptr<persistence::KeyIndex> keys_;
  persistence::RecoveredShard recovered_;
  Handles actors_;
  std::shared_ptr<std::latch> ended_;
  std::function<void(Position)> on_durable_;  ///< Set before the journal starts.
};

}  // namespace kontor::actors
