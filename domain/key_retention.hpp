#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

#include "domain/ids.hpp"

/// When idempotency keys are forgotten. Pure: time comes as a field.
///
/// 1. What decides is the *age* of a shard: for how long it has run, over all its lives, by a clock that nobody sets.
///    No wall clock takes part, so none that jumps can have a key forgotten early; and while a shard is down nobody can
///    repeat a request, so that time does not count.
/// 2. A *mark* says: at this age everything enrolled before this position was decided. Keys are as old as the first
///    mark behind them, so at most as old as their effects; a transaction that is in doubt holds the marks up.
/// 3. When the newest mark that is as old as the retention is found, all before it is forgotten at once: by position.
/// 4. What is forgotten stays forgotten. A longer retention, from the next life on, holds for what is not.
namespace kontor {

/// What outlives a shard's life. Marks ascend, in both.
struct KeyAges {
  struct Mark {
    std::int64_t age_ns = 0;
    Position before = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  std::int64_t age_ns = 0;
  Position forgotten_before = 0;  ///< 0: nothing is forgotten.
  std::vector<Mark> marks;
  friend bool operator==(const KeyAges&, const KeyAges&) = default;
};

class KeyRetention {
 public:
  /// `retention`: 0 for ever; `earlier` is what the last life stored.
  KeyRetention(std::chrono::nanoseconds retention, KeyAges earlier);

  /// The shard has run for `ran_ns` in this life, and all that was enrolled before `decided_before` is decided; neither
  /// ever falls. Takes this in; true: `store` is wanted.
  bool look(std::int64_t ran_ns, Position decided_before);
  /// For the caller to store. It must be on its way to the disk before anybody acts on its `forgotten_before`:
  /// otherwise a crash could bring back what was taken for new.
  const KeyAges& store();

 private:
  void mark(Position decided_before);
  void forget();

  std::int64_t retention_ns_, earlier_ns_, stored_ns_;
  KeyAges ages_;
  bool wanted_ = false;
};

}  // namespace kontor
