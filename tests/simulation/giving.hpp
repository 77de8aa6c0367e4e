#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "domain/handover.hpp"
#include "domain/result.hpp"
#include "persistence/store_memory.hpp"
#include "tests/simulation/random.hpp"

namespace kontor::sim {

class Member;

/// The giver's part of a move, one at a time, as actors/cluster/giver.
class Giving {
 public:
  Giving(Member& member, std::uint64_t seed);

  void give(ShardId shard, MemberId to);
  /// The try that it is at; 0: none.
  std::uint64_t trying() const { return attempt_; }
  bool idle() const { return attempt_ == 0 && jobs_.empty(); }
  void crash();

 private:
  struct Job {
    ShardId shard = 0;
    MemberId to = 0;
  };
  void begin();
  void copy_round();
  void send_changes(const persistence::MemoryStore& now, void (Giving::*then)());
  void copied();
  void rest();
  void seal();
  void decide();
  void given();
  /// The shard is open here again.
  void give_up();
  void end();
  /// Not another try, and the machine lives.
  auto during_this_try(void (Giving::*then)());

  Member& member_;
  Random random_;
  std::deque<Job> jobs_;
  Job job_;
  std::uint64_t attempt_ = 0, epoch_ = 0;
  unsigned rounds_left_ = 0;
  bool at_rest_ = false;
  std::unique_ptr<persistence::MemoryStore> sent_;
};

}  // namespace kontor::sim
