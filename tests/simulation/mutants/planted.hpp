#pragma once
#include <span>
#include <string_view>

/// Bugs planted in copies of the engine's sources, to see that the simulator finds them: mutants.txt.
namespace kontor::sim {

/// The number of the mutant that is switched on; 0: none. In mutants.txt the word PLANTED asks for it.
inline int planted = 0;

struct Mutant {
  std::string_view name, wrong;
  std::span<const std::string_view> searches;  ///< Arguments of kontor-sim with which it is looked for, in turn.
};

/// Those of this program, numbered from 1: none in kontor-sim, all in kontor-sim-mutants.
std::span<const Mutant> mutants();

}  // namespace kontor::sim
