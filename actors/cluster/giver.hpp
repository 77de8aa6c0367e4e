#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "actors/cluster/options.hpp"
#include "actors/cluster/wire_moves.hpp"

namespace kontor::actors {

class CopySource;
class Peer;
struct MoveParts;

/// Gives shards of this node away, one at a time, on a thread of its own: the giver's part of domain/handover.hpp.
class Giver {
 public:
  explicit Giver(MoveParts& parts);
  ~Giver() { stop(); }

  /// `then` is told when it is done (no error) or given up, on the giver's thread or at once. Errors: invalid_argument
  /// (it is not this node's, or is to go nowhere), overloaded (kMovesMax wait), shard_unreachable, storage_full
  /// (there), io_error, shutting_down.
  void give(ShardId shard, MemberId to, std::function<void(const Error&)> then);
  /// The try that it is at; 0: none.
  std::uint64_t trying() const { return trying_; }
  std::optional<MoveProgress> progress() const;
  /// What is under way is given up, and the shard is open again.
  void stop();

 private:
  struct Job {
    ShardId shard = 0;
    MemberId to = 0;
    std::function<void(const Error&)> then;
  };
  void run();
  Error give(const Job& job);
  Error copy(const Job& job, CopySource& source);
  bool await_awake(ShardId shard) const;
  Error copy_rest(const Job& job, CopySource& source, std::uint64_t epoch);
  Error ask(const Job& job, wire::Kind kind, const persistence::ByteWriter& body, std::chrono::milliseconds patience);
  void show(const Job& job, std::uint64_t copied);

  MoveParts& parts_;
  std::atomic<std::uint64_t> trying_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::optional<MoveProgress> progress_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace kontor::actors
