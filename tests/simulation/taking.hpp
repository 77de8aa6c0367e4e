#pragma once
#include <cstdint>
#include <map>

#include "domain/handover.hpp"
#include "tests/simulation/note.hpp"

namespace kontor::sim {

class Member;

/// The taker's part of a move, as actors/cluster/taker.
class Taking {
 public:
  explicit Taking(Member& member) : member_(member) {}

  void offer(MemberId from, const Note& note);
  void block(MemberId from, const Note& note);
  void seal(MemberId from, const Note& note);
  /// Of the givers, what became of what is promised, until it is known: begins with a life.
  void ask_givers();
  void crash() { arriving_.clear(); }

 private:
  struct Arriving {
    MemberId from = 0;
    std::uint64_t epoch = 0, attempt = 0;
  };
  bool is_arriving(MemberId from, const Note& note) const;

  Member& member_;
  std::map<ShardId, Arriving> arriving_;
};

}  // namespace kontor::sim
