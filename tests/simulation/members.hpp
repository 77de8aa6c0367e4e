#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/links.hpp"
#include "tests/simulation/member.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/place_rules.hpp"

namespace kontor::sim {

/// The machines of a run in which shards move: between which of them a message goes, when which shard is to move, and
/// who dies in the middle of it.
class Members final : public Roads {
 public:
  Members(Surroundings& around, Judge& judge, std::vector<std::unique_ptr<Node>>& nodes, Network& network);

  /// All machines start.
  void begin();
  /// Begins the moves that are due after so many requests.
  void pump(std::size_t asked);
  /// The machine of a shard dies, and all that is on it.
  void crash_machine_of(ShardId shard, std::int64_t down_ns);
  /// Nothing goes wrong any more; what was begun ends.
  void heal();
  /// Every move has ended, all links are up, and no machine is down.
  bool quiet() const;
  /// What must hold then.
  void must_agree();
  /// Why it is not quiet, for a failure's text.
  std::string unrest() const;

  bool find(Parcel& parcel) override;
  /// What production takes in: Moves::has, Moves::takes, and a shard that is open.
  bool takes(const Parcel& parcel) const;
  void arrived(const Frame& frame) { links_.arrived(frame); }

 private:
  /// Who is to die in the next move of a shard, and where.
  struct Doom {
    MovePoint point = MovePoint::count;
    std::vector<MemberId> members;
    Fault kind = Fault::move_giver_killed;
  };
  std::optional<MemberId> where(ShardId shard) const;
  void move_one();
  void doom(ShardId shard, MemberId giver, MemberId taker);
  void reached(MemberId member, ShardId shard, MovePoint point);
  std::int64_t down_ns() { return random_.between(1, random_.chance(200) ? 3'000 : 300) * 1'000'000; }

  Surroundings& around_;
  Random random_;
  PlaceRules rules_;
  Links links_;
  MemberParts parts_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::optional<Doom>> dooms_;  ///< By shard.
  std::vector<std::size_t> due_;            ///< After how many requests; descending.
  std::size_t planned_ = 0;                 ///< That are about to begin.
  bool healed_ = false;
};

}  // namespace kontor::sim
