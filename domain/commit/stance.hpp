#pragma once
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

#include "domain/commit/protocol.hpp"

namespace kontor::commit {

/// Names one leader's attempt to finish a transaction: no two leaders share a number. The coordinator's own, the first,
/// is {1, its shard}; {0, 0} means none.
struct Election {
  std::uint32_t round = 0;
  ShardId leader = 0;
  // clang-tidy takes the comparison with 0 inside <=> for a pointer's. NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const Election&, const Election&) = default;
};

/// How far a site has come. The last two are final.
enum class Phase : std::uint8_t { waiting, pre_committed, pre_aborted, committed, aborted };
std::string_view to_string(Phase phase);
constexpr bool is_final(Phase phase) { return phase == Phase::committed || phase == Phase::aborted; }

/// What a site keeps of one three-phase transaction: on disk before anybody hears of a change.
/// Source: Keidar, Dolev, "Increasing the resilience of distributed and replicated database systems" (1998), E3PC:
/// `elected` is their last-elected, `attempt` their last-attempt.
struct Stance {
  Protocol protocol = Protocol::three_phase;
  std::uint64_t sites = 0;   ///< All that keep a stance: voters and witnesses. A quorum is a majority of them.
  std::uint64_t voters = 0;  ///< Those that hold claims.
  Phase phase = Phase::waiting;
  bool voted = false;  ///< This site's yes vote is on record. Not for witnesses, nor for a tombstone.
  Election elected;    ///< The highest number adopted: lower ones are refused.
  Election attempt;    ///< The number under which `phase` was taken on; {0, 0} while waiting.
  friend bool operator==(const Stance&, const Stance&) = default;
};

/// What an election decides that hears from these sites. Source: as above, IsMaxAttemptCommittable.
bool would_commit(std::span<const Stance> reports);

}  // namespace kontor::commit
