#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "persistence/journal_sink.hpp"
#include "persistence/store.hpp"

namespace kontor::persistence {

struct JournalOptions {
  /// Room kept, in the map and on disk, to finish what is promised: at least all that may be queued when storage_full()
  /// turns true, and ~10 % for LMDB's own pages.
  std::uint64_t reserve_bytes = kReserveBytesMin;
  /// After each commit of queued work, on the writer thread: all positions up to this one are durable. Must not block.
  std::function<void(Position durable)> on_durable;
  /// The write failed and its outcome is unknown. Called once, on the writer thread; nothing is written or announced
  /// after it. The engine ends the process here (fail-stop).
  std::function<void(const std::string& explanation)> on_failure;
};

/// Running totals since `start`, for metrics and reports.
struct JournalCounters {
  std::uint64_t commits = 0;  ///< LMDB transactions, each forced to disk.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;        ///< Of records with headers; tables not counted.
  std::uint64_t table_bytes = 0;  ///< Written by checkpoints.
  std::uint64_t sync_ns = 0;      ///< Time spent in commits.
};

/// The write side of a shard: one queue over all its actors, one thread, one LMDB transaction for all that is queued.
///
/// First in, first out over everything queued: when a position is durable, so is all that was queued before it.
/// Natural group commit: what gathers while a commit runs is the next commit (or several, of 16 MiB each). No timer.
/// Every public member may be called from any thread.
class Journal final : public JournalSink {
 public:
  /// `next` is the first position to give out: one past the last in `store`.
  Journal(Store& store, Position next, JournalOptions options);
  ~Journal() override;  ///< Stops.

  void start();
  /// Writes all that is queued, then ends the thread. No append may follow. Never called by an action.
  void stop();

  /// Queues one record and returns its position. `payload` is what record_codec wrote.
  Position append(Stream stream, RecordKind kind, std::string payload, std::int64_t written_at_ns) override;
  void put(Table table, std::string key, RecordKind kind, std::string payload) override;
  void erase(Table table, std::string key) override;
  /// Lets go of records below `before`, in the commit of all that was queued before or later: in slices of well under a
  /// millisecond, one with each commit and, while nothing is written, one in 10 ms.
  void truncate(Stream stream, Position before) override;
  /// Runs `action` on the writer thread once all that is queued now is durable; at once, on this thread, if it is.
  /// Actions run in the order in which they were given. After a failure they are dropped unrun.
  void after_durable(std::function<void()> action) override;

  Position appended() const;
  Position durable() const;
  std::size_t queued_bytes() const;
  /// New work must be refused: the map or the disk lacks room beyond the reserve. Clears itself when room returns.
  bool storage_full() const override;
  /// Of the map.
  std::uint64_t room_bytes() const override;
  JournalCounters counters() const;

 private:
  struct Item;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::persistence
