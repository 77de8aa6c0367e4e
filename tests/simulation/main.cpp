// `kontor-sim`: runs the engine's own code on simulated machines, seed by seed, and holds it against what must be true.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include <unistd.h>

#include "tests/simulation/arguments.hpp"
#include "tests/simulation/exhaustive.hpp"
#include "tests/simulation/mutants/hunt.hpp"
#include "tests/simulation/report.hpp"
#include "tests/simulation/seed_run.hpp"

namespace kontor::sim {
namespace {

// An assertion of the engine ends the process: the seed must be known all the same.
char last_words[512];
void on_abort(int) { std::ignore = ::write(STDERR_FILENO, last_words, std::strlen(last_words)); }

class Program {
 public:
  explicit Program(Arguments arguments) : arguments_(std::move(arguments)), protocol_(arguments_.protocol) {}

  int run() {
    const auto started = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    if (arguments_.fresh) std::cout << "first seed " << arguments_.seed << "\n";
    for (const std::uint64_t seed : corpus()) one(seed);
    if (arguments_.exhaustive > 0) return exhaustive();
    const bool timed = arguments_.minutes > 0;
    for (std::uint64_t i = 0; timed ? seconds() < arguments_.minutes * 60 : i < arguments_.seeds; ++i) {
      one(arguments_.seed + i);
      if (failed_ > 0 && !arguments_.keep_going) break;
    }
    const double cpu_seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    const Figures figures{counters_, failed_, checked_, seconds(), cpu_seconds};
    if (arguments_.hashes) return failed_ == 0 ? 0 : 1;
    std::cout << (arguments_.json ? as_json(figures) : as_text(figures));
    if (arguments_.coverage) std::cout << counters_.coverage.as_text();
    return failed_ == 0 ? 0 : 1;
  }

 private:
  std::string again(std::uint64_t seed, const Overrides& overrides) const {
    return reproduction(seed, protocol_, overrides, arguments_.mutant);
  }
  void remember(std::uint64_t seed) const {
    std::snprintf(last_words, sizeof last_words, "an assertion failed; again: %s\n",
                  again(seed, arguments_.overrides).c_str());
  }

  int exhaustive() {
    for (std::uint64_t i = 0; i < arguments_.seeds; ++i) {
      const std::uint64_t seed = arguments_.seed + i;
      remember(seed);
      const Exhausted found =
          crash_everywhere(puppets_, seed, protocol_, arguments_.exhaustive, arguments_.overrides.moves.value_or(0),
                           arguments_.twice, arguments_.window, counters_);
      std::cout << "seed " << seed << ": " << arguments_.exhaustive << " at once, " << found.singles
                << " single crashes, " << found.doubles << " double\n";
      if (found.failure.empty()) continue;
      ++failed_;
      std::cout << "FAILED seed " << seed << ", crashes at";
      for (const std::uint64_t point : found.crashes) std::cout << " " << point;
      std::cout << ": " << found.failure << std::endl;
    }
    return failed_ == 0 ? 0 : 1;
  }

  /// Those of this protocol: a line is a seed, and its protocol unless that is two_phase.
  std::vector<std::uint64_t> corpus() const {
    std::vector<std::uint64_t> out;
    std::ifstream in(arguments_.corpus);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::uint64_t seed = 0;
      std::string protocol(to_string(Protocol::two_phase));
      if (!(words >> seed)) continue;  // A comment.
      words >> protocol;
      if (protocol == to_string(protocol_)) out.push_back(seed);
    }
    return out;
  }

  void one(std::uint64_t seed) {
    constexpr std::uint64_t kSampled = 16;
    const Options options = expand(seed, protocol_, arguments_.overrides);
    if (arguments_.print_options) std::cout << describe(options);
    remember(seed);
    if (arguments_.minimise && try_seed(puppets_, options) == Trial::dies) return report(seed, "an assertion failed");
    const SeedResult result = run_seed(puppets_, options, counters_, arguments_.trace);
    if (arguments_.trace) std::cout << as_text(result.trace);
    if (arguments_.check_determinism && seed % kSampled == 0) {
      Counters unused;
      ++checked_;
      if (run_seed(puppets_, options, unused).hash != result.hash) {
        ++failed_;
        std::cout << "seed " << seed << ": two runs differ\n";
      }
    }
    if (arguments_.hashes || (arguments_.seeds == 1 && arguments_.minutes <= 0))
      std::printf("seed %llu trace hash %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(result.hash));
    if (!result.failure.empty()) report(seed, result.failure);
  }

  void report(std::uint64_t seed, const std::string& failure) {
    constexpr unsigned kTries = 400;
    constexpr std::size_t kDiagramEvents = 120;
    ++failed_;
    std::cout << "FAILED seed " << seed << ": " << failure << "\nagain: " << again(seed, arguments_.overrides)
              << std::endl;
    if (!arguments_.minimise) return;
    const Overrides small = minimise(puppets_, seed, protocol_, arguments_.overrides, kTries);
    std::cout << "smaller: " << again(seed, small) << std::endl;
    const Options options = expand(seed, protocol_, small);
    if (try_seed(puppets_, options) == Trial::dies) return;  // And its trace with it.
    Counters unused;
    const SeedResult result = run_seed(puppets_, options, unused, true);
    std::cout << result.failure << "\n" << as_diagram(result.trace, options.machines(), kDiagramEvents);
  }

  Arguments arguments_;
  Protocol protocol_;
  testing::Puppets puppets_;
  Counters counters_;
  std::uint64_t failed_ = 0, checked_ = 0;
};

int list_mutants() {
  for (const Mutant& mutant : mutants())
    std::printf("%-40.*s %.*s\n", static_cast<int>(mutant.name.size()), mutant.name.data(),
                static_cast<int>(mutant.wrong.size()), mutant.wrong.data());
  return 0;
}

/// One row of the table: name, seeds until it was found, processor seconds, what found it.
int hunt_and_tell(const Mutant& mutant, double budget_s) {
  testing::Puppets puppets;
  const Hunted found = hunt(puppets, mutant, budget_s);
  std::string by = found.found ? found.by : "SURVIVED";
  if (found.unsound > 0) by += " (" + std::to_string(found.unsound) + " seeds fail without it)";
  std::printf("%-40.*s %7llu %6.1f  %s\n", static_cast<int>(mutant.name.size()), mutant.name.data(),
              static_cast<unsigned long long>(found.seeds), found.cpu_seconds, by.c_str());
  if (found.found) std::printf("  again: %s\n", found.again.c_str());
  return found.found ? 0 : 1;
}

}  // namespace

int main_of(int argc, char** argv) {
  Arguments a;
  if (const int ended = parse(argc, argv, a); ended >= 0) return ended;
  if (a.list_mutants) return list_mutants();
  std::signal(SIGABRT, on_abort);
  if (a.mutant.empty()) return Program(std::move(a)).run();
  const auto all = mutants();
  const auto mutant = std::find_if(all.begin(), all.end(), [&](const Mutant& each) { return each.name == a.mutant; });
  if (mutant == all.end()) return std::cerr << "kontor-sim: no such mutant in this program: " << a.mutant << "\n", 2;
  if (!a.chosen) return hunt_and_tell(*mutant, a.budget_s);
  planted = static_cast<int>(mutant - all.begin()) + 1;
  return Program(std::move(a)).run();
}

}  // namespace kontor::sim

int main(int argc, char** argv) { return kontor::sim::main_of(argc, argv); }
