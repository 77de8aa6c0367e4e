#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domain/ids.hpp"

namespace kontor {

/// A member of a cluster, by its place among the members.
using MemberId = std::uint16_t;

/// Proposes who should hold what: consistent hashing (Karger et al., STOC 1997) with virtual nodes and bounded load
/// (Mirrokni, Thorup, Zadimoghaddam, SODA 2018; `rebalance` bounds it). It only proposes: what holds is each shard's
/// place (handover.hpp).
class Ring {
 public:
  /// Points of each member: with fewer, the arcs between them differ too much.
  static constexpr std::size_t kPointsPerMember = 160;

  /// Named, as names do not change when others come or go: what joins or leaves moves nobody else's points.
  explicit Ring(std::span<const std::string> members);

  /// The members in the order in which the ring's points follow `hash`, each once.
  std::vector<MemberId> preference(std::uint64_t hash) const;

 private:
  std::size_t members_;
  std::vector<std::pair<std::uint64_t, MemberId>> points_;
};

/// A shard that should change its owner.
struct ShardMove {
  ShardId shard = 0;
  MemberId from = 0, to = 0;
  friend bool operator==(const ShardMove&, const ShardMove&) = default;
};

/// The fewest moves after which the members in `staying` share all shards evenly (their numbers differ by one at most)
/// and the others have none. Which of a member's shards go, and where, is as the ring prefers.
/// `owners`: of each shard. `staying`: one for each member of the ring; one stays at least.
std::vector<ShardMove> rebalance(std::span<const MemberId> owners, const Ring& ring, const std::vector<bool>& staying);

}  // namespace kontor
