#include "tests/simulation/arguments.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <CLI/CLI.hpp>

namespace kontor::sim {
namespace {

/// The words of the options that are lists or names, before they are looked up.
struct Words {
  std::string protocol = "two_phase";
  std::vector<std::string> off, only;
};

void add_overrides(CLI::App& app, Overrides& overrides, Words& words) {
  app.add_option("--shards", overrides.shards, "Instead of the seed's own")->check(CLI::Range(1, 8));
  app.add_option("--operations", overrides.operations, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--outstanding", overrides.outstanding, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--burst", overrides.burst, "Instead of the seed's own")->check(CLI::PositiveNumber);
  app.add_option("--disruptions", overrides.disruptions, "Instead of the seed's own");
  app.add_option("--checkpoints", overrides.checkpoint_permille, "Per mille, instead of the seed's own");
  app.add_option("--deadlines", overrides.deadline_permille, "Per mille, instead of the seed's own");
  app.add_option("--tiny-limits", overrides.tiny_limits, "0 or 1, instead of the seed's own");
  app.add_option("--as-bytes", overrides.as_bytes,
                 "0 or 1: messages between shards are written and read, as between nodes");
  app.add_option("--long-checkpoints", overrides.long_checkpoints, "0 or 1: they take some hundred turns");
  app.add_option("--mixed", overrides.mixed, "0 or 1: each request names a protocol of its own");
  app.add_option("--key-retention-ms", overrides.key_retention_ms, "Instead of the seed's own; 0: keys are kept");
  app.add_option("--moves", overrides.moves, "Shards that are asked to move, instead of the seed's own; 0: none");
  app.add_option("--network-us", overrides.network_us, "Usual latency, instead of the seed's own");
  app.add_option("--off", words.off, "Fault classes to switch off, or: all")->delimiter(',');
  app.add_option("--only", words.only, "Fault classes that stay; all others are switched off")->delimiter(',');
}

void add_options(CLI::App& app, Arguments& a, Words& words) {
  app.add_option("--seed", a.seed, "First seed")->capture_default_str();
  app.add_flag("--fresh", a.fresh, "First seed by the clock");
  app.add_option("--seeds", a.seeds, "How many seeds")->capture_default_str();
  app.add_option("--minutes", a.minutes, "Run seeds for so long instead");
  app.add_option("--protocol", words.protocol, "two_phase, three_phase or three_phase_optimised")
      ->capture_default_str();
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
  app.add_option("--mutant", a.mutant, "Switch this planted bug on; without seeds: look for one that finds it");
  app.add_flag("--list-mutants", a.list_mutants, "The planted bugs of this program, and what is wrong with each");
  app.add_option("--budget", a.budget_s, "Processor seconds to look for a mutant")->capture_default_str();
  add_overrides(app, a.overrides, words);
}

/// Throws a CLI::ValidationError that names what is unknown.
void look_up(const CLI::App& app, const Words& words, Arguments& a) {
  if (a.fresh) a.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  a.chosen = app.count("--seed") + app.count("--seeds") + app.count("--minutes") + app.count("--exhaustive") > 0;
  const auto protocol = commit::parse_protocol(words.protocol);
  if (!protocol) throw CLI::ValidationError("no such protocol: " + words.protocol);
  a.protocol = *protocol;
  const auto fault = [](const std::string& text) {
    const auto found = parse_fault(text);
    if (!found) throw CLI::ValidationError("no such fault: " + text);
    return *found;
  };
  std::vector<Fault> only;
  for (const std::string& text : words.only) only.push_back(fault(text));
  const bool all = std::find(words.off.begin(), words.off.end(), "all") != words.off.end();
  for (std::size_t i = 0; i < kFaults && (all || !only.empty()); ++i)
    if (const auto each = static_cast<Fault>(i); std::find(only.begin(), only.end(), each) == only.end())
      a.overrides.off.push_back(each);
  for (const std::string& text : words.off)
    if (text != "all") a.overrides.off.push_back(fault(text));
}

constexpr const char* kAbout =
    "Deterministic simulation of Kontor: every seed is a shop, its shards, and what goes wrong.";

}  // namespace

int parse(int argc, char** argv, Arguments& out) {
  CLI::App app(kAbout, "kontor-sim");
  Words words;
  add_options(app, out, words);
  try {
    app.parse(argc, argv);
    look_up(app, words, out);
  } catch (const CLI::ValidationError& error) {
    return std::cerr << "kontor-sim: " << error.what() << "\n", 2;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return -1;
}

Arguments arguments_in(std::string_view line) {
  CLI::App app(kAbout, "kontor-sim");
  Arguments out;
  Words words;
  add_options(app, out, words);
  app.parse(std::string(line));
  look_up(app, words, out);
  return out;
}

}  // namespace kontor::sim
