#pragma once
#include <functional>
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
};

}  // namespace kontor::persistence
