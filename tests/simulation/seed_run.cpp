#include "tests/simulation/seed_run.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/world.hpp"

namespace kontor::sim {

SeedResult run_seed(testing::Puppets& puppets, const Options& options, Counters& counters, bool keep_trace) {
  SeedResult result{{}, 0, Trace(keep_trace)};
  result.failure = World(puppets, options, result.trace, counters).run();
  result.hash = result.trace.hash();
  return result;
}

Trial try_seed(testing::Puppets& puppets, const Options& options) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::close(STDERR_FILENO);  // One assertion after another would be told.
    Counters unused;
    ::_exit(run_seed(puppets, options, unused).failure.empty() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return Trial::dies;
  return WEXITSTATUS(status) == 0 ? Trial::passes : Trial::fails;
}

namespace {

class Minimiser {
 public:
  Minimiser(testing::Puppets& puppets, std::uint64_t seed, Protocol protocol, Overrides overrides, unsigned tries)
      : puppets_(puppets), seed_(seed), protocol_(protocol), best_(std::move(overrides)), tries_(tries) {}

  Overrides run() {
    const Options full = expand(seed_, protocol_, best_);
    drop_faults(full);
    shrink(&Overrides::moves, full.moves, 0);
    shrink(&Overrides::disruptions, full.disruptions, 0);
    shrink(&Overrides::operations, full.operations, 1);
    shrink(&Overrides::outstanding, full.outstanding, 1);
    shrink(&Overrides::burst, full.burst, 1);
    shrink(&Overrides::checkpoint_permille, full.checkpoint_permille, 0);
    shrink(&Overrides::deadline_permille, full.deadline_permille, 0);
    for (std::uint16_t shards = 2; shards < full.shards; ++shards) {
      Overrides fewer = best_;
      fewer.shards = shards;
      if (take(fewer)) break;
    }
    drop_faults(expand(seed_, protocol_, best_));
    return best_;
  }

 private:
  bool take(const Overrides& candidate) {
    if (tries_ == 0) return false;
    --tries_;
    if (try_seed(puppets_, expand(seed_, protocol_, candidate)) == Trial::passes) return false;
    best_ = candidate;
    return true;
  }
  void drop_faults(const Options& options) {
    for (std::size_t i = 0; i < kFaults; ++i) {
      if (!options.faults.test(i)) continue;
      Overrides without = best_;
      without.off.push_back(static_cast<Fault>(i));
      take(without);
    }
  }
  /// Halves a number as long as it fails, then lowers it one by one.
  void shrink(std::optional<unsigned> Overrides::*which, unsigned now, unsigned least) {
    const auto with = [&](unsigned value) {
      Overrides smaller = best_;
      smaller.*which = value;
      return take(smaller);
    };
    for (unsigned step = (now - least + 1) / 2; step > 0 && now > least;) {
      const unsigned lower = now - std::min(step, now - least);
      if (with(lower)) {
        now = lower;
      } else {
        step = step == 1 ? 0 : step / 2;
      }
    }
  }

  testing::Puppets& puppets_;
  std::uint64_t seed_;
  Protocol protocol_;
  Overrides best_;
  unsigned tries_;
};

}  // namespace

Overrides minimise(testing::Puppets& puppets, std::uint64_t seed, Protocol protocol, Overrides overrides,
                   unsigned tries) {
  return Minimiser(puppets, seed, protocol, std::move(overrides), tries).run();
}

}  // namespace kontor::sim
