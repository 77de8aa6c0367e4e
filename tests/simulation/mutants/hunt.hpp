#pragma once
#include <string>

#include "tests/simulation/arguments.hpp"
#include "tests/simulation/mutants/planted.hpp"
#include "tests/support/puppets.hpp"

namespace kontor::sim {

/// What came of looking for one mutant.
struct Hunted {
  bool found = false;
  std::uint64_t seeds = 0;    ///< Runs until then.
  std::uint64_t unsound = 0;  ///< Seeds that fail without it too: they prove nothing.
  double cpu_seconds = 0;
  std::string by;     ///< What was violated.
  std::string again;  ///< The arguments that show it.
};

/// Runs seeds with a mutant switched on until one fails that passes without it. An assertion is a failure like others,
/// so all of it happens in a child.
Hunted hunt(testing::Puppets& puppets, const Mutant& mutant, double cpu_seconds_max);

}  // namespace kontor::sim
