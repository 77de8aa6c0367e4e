#include "tests/simulation/exhaustive.hpp"

#include "tests/simulation/world.hpp"

namespace kontor::sim {
namespace {

class CrashEverywhere {
 public:
  CrashEverywhere(testing::Puppets& puppets, const Options& options, Counters& counters)
      : puppets_(puppets), options_(options), counters_(counters) {}

  Exhausted run(bool twice, std::uint64_t window) {
    const std::uint64_t points = points_with({});
    for (std::uint64_t first = 0; first < points && out_.failure.empty(); ++first) {
      ++out_.singles;
      const std::uint64_t more = points_with({first});
      if (!twice) continue;
      const std::uint64_t until = std::min(more, first + 1 + window);
      for (std::uint64_t second = first + 1; second < until && out_.failure.empty(); ++second) {
        ++out_.doubles;
        points_with({first, second});
      }
    }
    return out_;
  }

 private:
  /// One run with these crashes. Returns how many points it had.
  std::uint64_t points_with(const std::vector<std::uint64_t>& crashes) {
    Trace trace;
    World world(puppets_, options_, trace, counters_, crashes);
    const std::string failure = world.run();
    if (!failure.empty() && out_.failure.empty()) out_.failure = failure, out_.crashes = crashes;
    return world.crash_points();
  }

  testing::Puppets& puppets_;
  Options options_;
  Counters& counters_;
  Exhausted out_;
};

}  // namespace

Exhausted crash_everywhere(testing::Puppets& puppets, std::uint64_t seed, Protocol protocol, unsigned transactions,
                           unsigned moves, bool twice, std::uint64_t window, Counters& counters) {
  Options options = expand(seed, protocol);
  options.faults.reset();
  options.shards = 3;
  options.operations = options.outstanding = transactions;
  options.burst = 1;
  options.disruptions = options.checkpoint_permille = options.deadline_permille = 0;
  options.moves = moves;
  options.mirror = true;
  options.audit = !twice;
  return CrashEverywhere(puppets, options, counters).run(twice, window);
}

}  // namespace kontor::sim
