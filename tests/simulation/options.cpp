#include "tests/simulation/options.hpp"

#include "tests/simulation/random.hpp"

namespace kontor::sim {

Options expand(std::uint64_t seed, Protocol protocol, const Overrides& overrides) {
  constexpr unsigned kClassOffPermille = 400;
  Random random(seed, 1);
  Options out;
  out.seed = seed;
  out.protocol = protocol;
  out.shards = static_cast<std::uint16_t>(3 + random.below(3));
  out.operations = 20 + random.below(random.chance(400) ? 180 : 60);
  out.outstanding = 1 + random.below(random.chance(500) ? 100 : 12);
  out.burst = random.chance(500) ? 1 + random.below(24) : 1;
  out.scarce = random.chance(400);
  out.checkpoint_permille = random.chance(500) ? 20 + random.below(150) : 0;
  out.fault_permille = 2 + random.below(random.chance(300) ? 300 : 60);
  out.disruptions = random.below(8);
  out.deadline_permille = random.chance(300) ? random.below(200) : 0;
  out.mirror = random.chance(250);
  out.audit = random.chance(100);
  out.network_us = 50 + random.below(2'000);
  out.disk_us = 50 + random.below(3'000);
  for (std::size_t i = 0; i < kFirstFaultOfMoves; ++i) out.faults.set(i, !random.chance(kClassOffPermille));
  const bool clean = random.chance(50);
  if (clean) out.faults.reset();
  out.tiny_limits = Random(seed, 7).chance(250);
  out.as_bytes = Random(seed, 8).chance(500);
  constexpr std::uint64_t kKeyStream = 79;  // Of which no seed of the corpus draws a retention: each stays what it was.
  if (Random keys(seed, kKeyStream); keys.chance(150))
    out.key_retention_ms = static_cast<unsigned>(keys.between(50, 2'000));
  constexpr std::uint64_t kMoveStream = 401;  // Likewise: in which no seed of the corpus draws moves.
  Random moves(seed, kMoveStream);
  if (moves.chance(220)) out.moves = 1 + moves.below(moves.chance(300) ? 30 : 8);
  out.spare_members = static_cast<std::uint16_t>(moves.below(3));
  for (std::size_t i = kFirstFaultOfMoves; i < kFaults; ++i)
    out.faults.set(i, !moves.chance(kClassOffPermille) && !clean);
  constexpr std::uint64_t kMixedStream = 649;  // Likewise: in which no seed of the corpus draws it.
  out.mixed = Random(seed, kMixedStream).chance(150);
  constexpr std::uint64_t kLongStream = 144'231;  // In which each seed of the corpus with checkpoints draws it.
  out.long_checkpoints = Random(seed, kLongStream).chance(400);

  if (overrides.shards) out.shards = *overrides.shards;
  if (overrides.operations) out.operations = *overrides.operations;
  if (overrides.outstanding) out.outstanding = *overrides.outstanding;
  if (overrides.burst) out.burst = *overrides.burst;
  if (overrides.disruptions) out.disruptions = *overrides.disruptions;
  if (overrides.checkpoint_permille) out.checkpoint_permille = *overrides.checkpoint_permille;
  if (overrides.long_checkpoints) out.long_checkpoints = *overrides.long_checkpoints;
  if (overrides.deadline_permille) out.deadline_permille = *overrides.deadline_permille;
  if (overrides.as_bytes) out.as_bytes = *overrides.as_bytes;
  if (overrides.tiny_limits) out.tiny_limits = *overrides.tiny_limits;
  if (overrides.mixed) out.mixed = *overrides.mixed;
  if (overrides.key_retention_ms) out.key_retention_ms = *overrides.key_retention_ms;
  if (overrides.moves) out.moves = *overrides.moves;
  if (overrides.network_us) out.network_us = *overrides.network_us;
  for (const Fault fault : overrides.off) out.faults.reset(static_cast<std::size_t>(fault));
  return out;
}

std::string describe(const Options& options) {
  std::string on, off;
  for (std::size_t i = 0; i < kFaults; ++i) {
    std::string& list = options.faults.test(i) ? on : off;
    list += (list.empty() ? "" : " ") + std::string(to_string(static_cast<Fault>(i)));
  }
  return "seed " + std::to_string(options.seed) + "\n  protocol " + std::string(to_string(options.protocol)) +
         "\n  shards " + std::to_string(options.shards) + ", operations " + std::to_string(options.operations) +
         ", outstanding " + std::to_string(options.outstanding) + ", burst " + std::to_string(options.burst) +
         (options.scarce ? ", scarce" : "") + (options.tiny_limits ? ", tiny limits" : "") +
         (options.as_bytes ? ", as bytes" : "") + (options.mixed ? ", mixed protocols" : "") + ", disruptions " +
         std::to_string(options.disruptions) + "\n  per mille: faults " + std::to_string(options.fault_permille) +
         ", checkpoints " + std::to_string(options.checkpoint_permille) + (options.long_checkpoints ? " (long)" : "") +
         ", deadlines " + std::to_string(options.deadline_permille) + "\n  latency us: network " +
         std::to_string(options.network_us) + ", disk " + std::to_string(options.disk_us) +
         "\n  key retention ms: " + std::to_string(options.key_retention_ms) + "\n  moves " +
         std::to_string(options.moves) + ", machines " + std::to_string(options.machines()) + "\n  mirror " +
         (options.mirror ? "yes" : "no") + ", audit " + (options.audit ? "yes" : "no") + "\n  on: " + on +
         "\n  off: " + off + "\n";
}

std::string reproduction(std::uint64_t seed, Protocol protocol, const Overrides& overrides, std::string_view mutant) {
  std::string out = mutant.empty() ? "kontor-sim" : "kontor-sim-mutants --mutant " + std::string(mutant);
  out += " --seed " + std::to_string(seed) + " --protocol " + std::string(to_string(protocol));
  const auto add = [&](const char* name, const auto& value) {
    if (value) out += " --" + std::string(name) + " " + std::to_string(*value);
  };
  add("shards", overrides.shards);
  add("operations", overrides.operations);
  add("outstanding", overrides.outstanding);
  add("burst", overrides.burst);
  add("disruptions", overrides.disruptions);
  add("checkpoints", overrides.checkpoint_permille);
  add("long-checkpoints", overrides.long_checkpoints);
  add("deadlines", overrides.deadline_permille);
  add("tiny-limits", overrides.tiny_limits);
  add("as-bytes", overrides.as_bytes);
  add("mixed", overrides.mixed);
  add("network-us", overrides.network_us);
  add("key-retention-ms", overrides.key_retention_ms);
  add("moves", overrides.moves);
  if (overrides.off.size() >= kFaults) return out + " --off all";
  for (std::size_t i = 0; i < overrides.off.size(); ++i)
    out += (i == 0 ? " --off " : ",") + std::string(to_string(overrides.off[i]));
  return out;
}

}  // namespace kontor::sim
