// `kontor-sim`: runs the engine's own code on simulated machines, seed by seed, and holds it against what must be true.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/simulation/exhaustive.hpp"
#include "tests/simulation/report.hpp"
#include "tests/simulation/seed_run.hpp"

namespace kontor::sim {
namespace {

struct Arguments {
  std::uint64_t seed = 1, seeds = 1;
  double minutes = 0;
  std::string protocol = "two_phase", corpus;
  bool print_options = false, trace = false, minimise = false, json = false, check_determinism = false;
  bool keep_going = false, coverage = false, hashes = false;
  unsigned exhaustive = 0;
  bool twice = false;
  std::uint64_t window = 60;
  Overrides overrides;
  std::vector<std::string> off;
};

// An assertion of the engine ends the process: the seed must be known all the same.
char last_words[512];
void on_abort(int) { std::ignore = ::write(STDERR_FILENO, last_words, std::strlen(last_words)); }

void remember(std::uint64_t seed, Protocol protocol, const Overrides& overrides) {
  std::snprintf(last_words, sizeof last_words, "an assertion failed; again: %s\n",
                reproduction(seed, protocol, overrides).c_str());
}

class Program {
 public:
  Program(Arguments arguments, Protocol protocol) : arguments_(std::move(arguments)), protocol_(protocol) {}

  int run() {
    const auto started = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
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
  int exhaustive() {
    for (std::uint64_t i = 0; i < arguments_.seeds; ++i) {
      const std::uint64_t seed = arguments_.seed + i;
      remember(seed, protocol_, arguments_.overrides);
      const Exhausted found = crash_everywhere(puppets_, seed, protocol_, arguments_.exhaustive, arguments_.twice,
                                               arguments_.window, counters_);
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
    remember(seed, protocol_, arguments_.overrides);
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
    std::cout << "FAILED seed " << seed << ": " << failure
              << "\nagain: " << reproduction(seed, protocol_, arguments_.overrides) << std::endl;
    if (!arguments_.minimise) return;
    const Overrides small = minimise(puppets_, seed, protocol_, arguments_.overrides, kTries);
    std::cout << "smaller: " << reproduction(seed, protocol_, small) << std::endl;
    const Options options = expand(seed, protocol_, small);
    if (try_seed(puppets_, options) == Trial::dies) return;  // And its trace with it.
    Counters unused;
    const SeedResult result = run_seed(puppets_, options, unused, true);
    std::cout << result.failure << "\n" << as_diagram(result.trace, options.shards, kDiagramEvents);
  }

  Arguments arguments_;
  Protocol protocol_;
  testing::Puppets puppets_;
  Counters counters_;
  std::uint64_t failed_ = 0, checked_ = 0;
};

}  // namespace

int main_of(int argc, char** argv) {
  CLI::App app("Deterministic simulation of Kontor: every seed is a shop, its shards, and what goes wrong.",
               "kontor-sim");
  Arguments a;
  app.add_option("--seed", a.seed, "First seed")->capture_default_str();
  app.add_option("--seeds", a.seeds, "How many seeds")->capture_default_str();
  app.add_option("--minutes", a.minutes, "Run seeds for so long instead");
  app.add_option("--protocol", a.protocol, "two_phase, three_phase or three_phase_optimised")->capture_default_str();
  app.add_option("--corpus", a.corpus, "File of seeds to run first, those of the protocol; see corpus.txt")
      ->check(CLI::ExistingFile);
  app.add_flag("--print-options", a.print_options, "What each seed expands to");
  app.add_flag("--trace", a.trace, "Every event, one a line");
  app.add_flag("--minimise", a.minimise, "Shrink a failing seed and draw its messages");
  app.add_flag("--json", a.json, "The closing figures as JSON");
  app.add_flag("--check-determinism", a.check_determinism, "Run every 16th seed twice and compare their traces");
  app.add_flag("--coverage", a.coverage, "Which message met which states, and which it never met");
  app.add_flag("--hashes", a.hashes, "Only each seed's trace hash: builds of the same source must agree");
  app.add_flag("--keep-going", a.keep_going, "Do not end at the first seed that fails");
  app.add_option("--exhaustive", a.exhaustive, "Crash at every point of so many concurrent transactions, seed by seed")
      ->check(CLI::Range(1, 3));
  app.add_flag("--twice", a.twice, "With --exhaustive: at every pair of points, too");
  app.add_option("--window", a.window, "With --twice: at most so many points apart")->capture_default_str();
  app.add_option("--shards", a.overrides.shards, "Instead of the seed's own")->check(CLI::Range(1, 8));
  app.add_option("--operations", a.overrides.operations, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--outstanding", a.overrides.outstanding, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--burst", a.overrides.burst, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--disruptions", a.overrides.disruptions, "Instead of the seed's own");
  app.add_option("--checkpoints", a.overrides.checkpoint_permille, "Per mille, instead of the seed's own");
  app.add_option("--deadlines", a.overrides.deadline_permille, "Per mille, instead of the seed's own");
  app.add_option("--tiny-limits", a.overrides.tiny_limits, "0 or 1, instead of the seed's own");
  app.add_option("--off", a.off, "Fault classes to switch off, or: all")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  const auto protocol = commit::parse_protocol(a.protocol);
  if (!protocol) return std::cerr << "kontor-sim: no such protocol: " << a.protocol << "\n", 2;
  for (const std::string& text : a.off) {
    if (text == "all")
      for (std::size_t i = 0; i < kFaults; ++i) a.overrides.off.push_back(static_cast<Fault>(i));
    if (text == "all") continue;
    const auto fault = parse_fault(text);
    if (!fault) return std::cerr << "kontor-sim: no such fault: " << text << "\n", 2;
    a.overrides.off.push_back(*fault);
  }
  std::signal(SIGABRT, on_abort);
  return Program(std::move(a), *protocol).run();
}

}  // namespace kontor::sim

int main(int argc, char** argv) { return kontor::sim::main_of(argc, argv); }
