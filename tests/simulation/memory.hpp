#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "domain/handover.hpp"
#include "tests/simulation/move_points.hpp"
#include "tests/simulation/surroundings.hpp"

namespace kontor::sim {

/// What a member remembers of the shards, as actors/cluster/places: what is known is durable, and one change is written
/// at a time. What waits, and what is being written, a crash takes.
class Memory {
 public:
  Memory(Surroundings& around, MemberId own, std::vector<Holding> beginning);

  const Holding& of(ShardId shard) const { return holdings_[shard]; }
  std::vector<Place> places() const;
  bool idle() const { return changes_.empty(); }

  /// `rule`: whether the holding changes, and to what; `then`, when that is durable or there was nothing to write.
  /// A rule of domain/handover.hpp. `before`: the point of a move; the one behind it is `after`.
  using Rule = std::function<bool(Holding&)>;
  using Then = std::function<void(bool changed)>;
  void change(ShardId shard, Rule rule, Then then, std::optional<MovePoint> before = {});
  void crash();

  /// A move reached a point; the member may be dead then.
  std::function<void(ShardId, MovePoint)> on_point;
  /// Something is durable.
  std::function<void(ShardId, const Holding&)> on_written;

 private:
  struct Change {
    ShardId shard = 0;
    Rule rule;
    Then then;
    std::optional<MovePoint> before;
  };
  void begin();
  void end(const Holding& next);

  Surroundings& around_;
  Random random_;
  std::vector<Holding> holdings_;
  std::deque<Change> changes_;  ///< The first is being written.
  std::uint64_t life_ = 0;
};

}  // namespace kontor::sim
