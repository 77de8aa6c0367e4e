#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "persistence/record.hpp"

namespace kontor::persistence {

/// The write side of a shard, as its actors see it. `Journal` is the real one; tests have one that commits when told.
class JournalSink {
 public:
  virtual ~JournalSink() = default;

  /// Queues one record and returns its position. `payload` is what record_codec wrote.
  virtual Position append(Stream stream, RecordKind kind, std::string payload, std::int64_t written_at_ns) = 0;
  virtual void put(Table table, std::string key, RecordKind kind, std::string payload) = 0;
  virtual void erase(Table table, std::string key) = 0;
  /// Lets go of records below `before`, a few with each following commit, so that no commit grows by it.
  virtual void truncate(Stream stream, Position before) = 0;
  /// Runs `action` on the writer thread once all that is queued now is durable; at once, on this thread, if it is.
  virtual void after_durable(std::function<void()> action) = 0;

  /// What is promised needs all the room that is left: nothing else may take of it.
  virtual bool storage_full() const { return false; }
  /// Room for what is promised to nobody; without a bound, the largest number. Not for every step: it may be searched.
  virtual std::uint64_t room_bytes() const { return std::numeric_limits<std::uint64_t>::max(); }
};

}  // namespace kontor::persistence
