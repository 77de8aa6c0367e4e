#include "tests/simulation/mutants/planted.hpp"

namespace kontor::sim {

std::span<const Mutant> mutants() { return {}; }

}  // namespace kontor::sim
