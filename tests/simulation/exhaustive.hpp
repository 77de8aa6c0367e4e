#pragma once
#include <string>

#include "tests/simulation/surroundings.hpp"
#include "tests/support/puppets.hpp"

namespace kontor::sim {

/// What came of crashing at every point.
struct Exhausted {
  std::uint64_t singles = 0, doubles = 0;
  std::string failure;                 ///< Of the first run that failed.
  std::vector<std::uint64_t> crashes;  ///< Its crash points.
};

/// Some transactions at once on three shards, of which so many are asked to move, and nothing else goes wrong but that
/// a shard or a machine dies: at each point at which one can, and, with `twice`, at each pair of points within `window`
/// of each other.
Exhausted crash_everywhere(testing::Puppets& puppets, std::uint64_t seed, Protocol protocol, unsigned transactions,
                           unsigned moves, bool twice, std::uint64_t window, Counters& counters);

}  // namespace kontor::sim
