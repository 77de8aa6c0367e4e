#pragma once
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/simulation/giving.hpp"
#include "tests/simulation/links.hpp"
#include "tests/simulation/memory.hpp"
#include "tests/simulation/node.hpp"
#include "tests/simulation/note.hpp"
#include "tests/simulation/place_rules.hpp"
#include "tests/simulation/taking.hpp"

namespace kontor::sim {

/// What members share with each other and with the run.
struct MemberParts {
  Surroundings& around;
  Judge& judge;
  std::vector<std::unique_ptr<Node>>& nodes;  ///< By shard: the one life that a shard may have at a time.
  Links& links;
  PlaceRules& rules;
  std::function<void(MemberId, ShardId, MovePoint)> on_point;  ///< Members may die in it.
};

/// A machine between which shards move: its disk, its memory of where shards are, and its part of each move. A crash
/// takes all that runs on it.
class Member {
 public:
  /// What lies on its disk of a shard. An open shard's store is its node's.
  struct Disk {
    std::unique_ptr<persistence::Store> own, arriving;
    std::unique_ptr<persistence::Store> left;  ///< Not its own any more.
  };

  Member(MemberParts& parts, MemberId id, const std::vector<Holding>& beginning);

  MemberId id() const { return id_; }
  bool up() const { return up_; }
  std::uint64_t life() const { return life_; }
  bool has_open(ShardId shard) const { return open_[shard]; }
  const Memory& memory() const { return memory_; }
  /// Nothing of a move is under way.
  bool idle() const;

  /// Its first start, with the shards that are its own from the beginning.
  void begin();
  void crash(std::int64_t down_ns);
  /// Asked from outside. False: it cannot.
  bool give(ShardId shard, MemberId to);
  void linked(MemberId peer);
  void unlinked(MemberId peer);
  void take(MemberId from, const Note& note);
  void heal() { healed_ = true; }

  // --- For its parts of a move.

  MemberParts& parts() { return parts_; }
  Memory& memory() { return memory_; }
  Disk& disk(ShardId shard) { return disks_[shard]; }
  Node& node(ShardId shard) { return *parts_.nodes[shard]; }
  /// Opens it and says so: what was said to it before was dropped.
  void wake(ShardId shard);
  void close(ShardId shard);
  void note_road();
  /// Asks, and `then` is told at the latest when it waited long enough or the link is gone.
  void ask(MemberId to, Note note, std::function<void(Errc)> then);
  void answer(MemberId to, std::uint64_t ticket, Errc verdict);
  void announce();
  void announce(MemberId to);
  /// False: it died there.
  bool lives_on(ShardId shard, MovePoint point);

 private:
  struct Question {
    MemberId of = 0;
    std::function<void(Errc)> then;
  };
  std::uint16_t shards() const { return parts_.around.options.shards; }
  void start();
  void open(ShardId shard);
  void tidy_up(ShardId shard);
  void take_places(MemberId from, const std::vector<Place>& places);
  void learned(MemberId from, ShardId shard, const Place& heard, Learned what);
  void take_whose(MemberId from, const Note& note);
  void reply(std::uint64_t ticket, Errc verdict);

  MemberParts& parts_;
  const MemberId id_;
  Random random_;
  Memory memory_;
  std::vector<Disk> disks_;
  std::vector<bool> open_;
  Giving giving_;
  Taking taking_;
  bool up_ = false, healed_ = false;
  std::uint64_t life_ = 0, tickets_ = 0;
  std::map<std::uint64_t, Question> questions_;
};

}  // namespace kontor::sim
