#pragma once
#include <string>

#include "tests/simulation/surroundings.hpp"

namespace kontor::sim {

/// What all seeds of a call came to.
struct Figures {
  const Counters& counters;
  std::uint64_t failed = 0;
  std::uint64_t checked_twice = 0;
  double seconds = 0, cpu_seconds = 0;
};
std::string as_text(const Figures& figures);
std::string as_json(const Figures& figures);

}  // namespace kontor::sim
