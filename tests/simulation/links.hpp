#pragma once
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/note.hpp"

namespace kontor::sim {

/// The members' connections, as actors/cluster/link over TCP: while one stands it brings each note once and in order,
/// whatever the network does; what was on its way when it broke is lost, or comes too late and is dropped. Each side
/// notices by itself that it broke. What a member says in a shard's name does not go through here but bare through the
/// network, which is worse than what links promise.
class Links {
 public:
  Links(Surroundings& around, Network& network, std::size_t members);

  std::function<void(MemberId own, MemberId peer)> on_up, on_down;
  std::function<void(MemberId own, MemberId peer, const Note&)> on_note;

  /// False: there is no connection.
  bool send(MemberId from, MemberId to, Note note);
  void started(MemberId member);
  /// All of them, in the beginning of a run.
  void connect_all();
  /// Its connections are gone; the others notice later.
  void died(MemberId member);
  /// It breaks, and one side notices now.
  void lose(MemberId own, MemberId peer);
  void arrived(const Frame& frame);
  /// All links of those that are alive are up, and nothing is under way.
  bool quiet() const;
  void heal() { healed_ = true; }

 private:
  /// One end of a connection.
  struct Side {
    std::uint64_t connection = 0;  ///< 0: none.
    std::uint64_t sent = 0, taken = 0;
    std::map<std::uint64_t, std::shared_ptr<const Note>> early;
    bool dialling = false;  ///< Of the earlier member's side: it dials.
  };
  Side& side(MemberId own, MemberId peer) { return sides_[std::size_t{own} * members_ + peer]; }
  const Side& side(MemberId own, MemberId peer) const { return sides_[std::size_t{own} * members_ + peer]; }
  void down(MemberId own, MemberId peer);
  void notice(MemberId own, MemberId peer, std::uint64_t connection);
  void plan_dial(MemberId one, MemberId other);
  void dial(MemberId one, MemberId other);
  void carry(const Frame& frame, std::int64_t until_ns);

  Surroundings& around_;
  Network& network_;
  const std::size_t members_;
  Random random_;
  bool healed_ = false;
  std::uint64_t connections_ = 0;
  std::vector<Side> sides_;
  std::vector<bool> alive_;
};

}  // namespace kontor::sim
