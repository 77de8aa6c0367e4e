#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "tests/simulation/coverage.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/trace.hpp"

namespace kontor::sim {

/// Virtual time and what will happen in it. Nothing here knows a wall clock.
class Timetable {
 public:
  std::int64_t now_ns() const { return now_ns_; }
  void after(std::int64_t delay_ns, std::function<void()> event) {
    if (free_.empty()) free_.push_back(actions_.size()), actions_.emplace_back();
    actions_[free_.back()] = std::move(event);
    events_.push({now_ns_ + delay_ns, order_++, free_.back()});
    free_.pop_back();
  }
  bool empty() const { return events_.empty(); }
  std::int64_t next_ns() const { return events_.top().at_ns; }
  bool due() const { return !events_.empty() && events_.top().at_ns <= now_ns_; }
  void move_to(std::int64_t now_ns) { now_ns_ = now_ns; }
  /// The next event; must be due.
  void run_one() {
    const std::size_t action = events_.top().action;
    const std::function<void()> event =
        std::exchange(actions_[action], nullptr);  // It may plan others, in its place too.
    free_.push_back(action);
    events_.pop();
    event();
  }

 private:
  struct Event {
    std::int64_t at_ns = 0;
    std::uint64_t order = 0;  ///< Of events at the same time, the one planned first comes first.
    std::size_t action = 0;   ///< Which of `actions_`: a heap moves its entries about, so they are small.
    bool operator<(const Event& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };
  std::int64_t now_ns_ = 1'000'000'000;
  std::uint64_t order_ = 0;
  std::priority_queue<Event> events_;
  std::vector<std::function<void()>> actions_;
  std::vector<std::size_t> free_;  ///< Of these.
};

/// What was seen of a run.
struct Counters {
  Coverage coverage;
  FaultCounters faults{};
  std::uint64_t seeds = 0, requests = 0, checkouts_decided = 0, checkouts = 0, committed = 0, aborted = 0, answers = 0,
                replayed = 0;
  std::uint64_t messages = 0, commits = 0, records = 0, crashes = 0, recoveries = 0, checkpoints = 0, steps = 0;
  std::uint64_t keys_again = 0;  ///< Effects of a key that had one before, which was forgotten.
  std::uint64_t reserved = 0, redeemed = 0, released = 0, expired = 0;  ///< Committed, of `committed`.
  std::uint64_t moves_begun = 0, moves_decided = 0, moves_done = 0, moves_given_up = 0;
  std::uint64_t mirrored = 0, audits = 0, reads = 0, virtual_ms = 0;
};

/// Crashes by number: while it counts, every point at which a shard can die has the next one.
struct CrashPlan {
  std::vector<std::uint64_t> at;  ///< At which points the shard that is there dies.
  bool counting = false;
  std::uint64_t points = 0;
  bool hits() { return counting && std::find(at.begin(), at.end(), points++) != at.end(); }
};

/// What all parts of a run share.
struct Surroundings {
  Options options;
  Trace& trace;
  Counters& counters;
  CrashPlan plan;
  Timetable time;

  /// Counts a fault that happens now. Always true, for conditions.
  bool happened(Fault fault) { return ++counters.faults[static_cast<std::size_t>(fault)] > 0; }
  /// Whether a fault of this class happens now, drawn from `random`.
  bool strikes(Fault fault, Random& random, unsigned permille) {
    return options.on(fault) && random.chance(permille) && happened(fault);
  }
};

}  // namespace kontor::sim
