#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/simulation/options.hpp"

namespace kontor::sim {

/// What `kontor-sim` is told on its command line.
struct Arguments {
  std::uint64_t seed = 1, seeds = 1;
  bool chosen = false;  ///< Seeds were named, or a time.
  double minutes = 0;
  Protocol protocol = Protocol::two_phase;
  std::string corpus;
  bool print_options = false, trace = false, minimise = false, json = false, check_determinism = false;
  bool keep_going = false, coverage = false, hashes = false, fresh = false;
  unsigned exhaustive = 0;
  bool twice = false;
  std::uint64_t window = 60;
  Overrides overrides;
  std::string mutant;
  bool list_mutants = false;
  double budget_s = 60;
};

/// Returns an exit code when the program is to end at once (wrong arguments, or --help), else -1.
int parse(int argc, char** argv, Arguments& out);
/// Arguments in one line, which must be right: throws.
Arguments arguments_in(std::string_view line);

}  // namespace kontor::sim
