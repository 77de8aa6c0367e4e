#pragma once
#include <string>

#include "tests/simulation/surroundings.hpp"
#include "tests/support/puppets.hpp"

namespace kontor::sim {

/// What one seed came to.
struct SeedResult {
  std::string failure;  ///< Empty: nothing was violated.
  std::uint64_t hash = 0;
  Trace trace;
};

/// Runs a seed from start to end. The actor system outlives it: making one takes longer than a run.
SeedResult run_seed(testing::Puppets& puppets, const Options& options, Counters& counters, bool keep_trace = false);

/// Whether a run fails, tried in a child: an assertion that ends the process is a failure like any other.
enum class Trial : std::uint8_t { passes, fails, dies };
Trial try_seed(testing::Puppets& puppets, const Options& options);

/// Smaller options that still fail: fewer operations, shards and disruptions, fault classes off. `tries` bounds the
/// work.
Overrides minimise(testing::Puppets& puppets, std::uint64_t seed, Protocol protocol, Overrides overrides,
                   unsigned tries);

}  // namespace kontor::sim
