#pragma once
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/commit/protocol.hpp"
#include "tests/simulation/faults.hpp"

namespace kontor::sim {

using commit::Protocol;

/// What a seed expands to: everything else of a run is drawn from the seed too, in streams of their own.
struct Options {
  std::uint64_t seed = 0;
  Protocol protocol = Protocol::two_phase;
  std::uint16_t shards = 3;
  unsigned operations = 50;
  unsigned outstanding = 8;          ///< Requests that clients keep in flight.
  unsigned burst = 1;                ///< Requests of one submit call, at most.
  bool scarce = false;               ///< Little money and stock: refusals are usual.
  unsigned checkpoint_permille = 0;  ///< Of operations that are followed by a checkpoint of some shard.
  bool long_checkpoints = false;     ///< They take a shard's actors some hundred turns, most of which do little.
  unsigned fault_permille = 20;      ///< Weight of faults of messages and answers.
  unsigned disruptions = 4;          ///< Crashes, partitions, pauses, jumps … over the run.
  unsigned deadline_permille = 0;    ///< Of requests with a deadline.
  bool tiny_limits = false;          ///< Small batches, filters and runs of keys; tombstones are forgotten early.
  bool as_bytes = false;             ///< Messages between shards are written and read, as between nodes.
  bool mixed = false;                ///< Each request names a protocol of its own.
  unsigned key_retention_ms = 0;     ///< Idempotency keys are forgotten after it; 0: never.
  unsigned moves = 0;                ///< Shards that are asked to move to another machine; 0: each stays on its own.
  std::uint16_t spare_members = 0;   ///< With moves: machines that have no shard in the beginning.
  bool mirror = false;               ///< Recovery is held against a replay of all that was ever written.
  bool audit = false;                ///< The auditor goes through the stores at the end.
  std::int64_t network_us = 500;     ///< Usual latency of a message.
  std::int64_t disk_us = 500;        ///< Usual time of a commit.
  std::bitset<kFaults> faults;

  /// Which are the shards' own, and spare ones.
  std::uint16_t machines() const { return static_cast<std::uint16_t>(shards + (moves > 0 ? spare_members : 0)); }
  bool on(Fault fault) const { return faults.test(static_cast<std::size_t>(fault)); }
};

/// What the caller sets over a seed's own: for reproductions and for minimising.
struct Overrides {
  std::optional<std::uint16_t> shards;
  std::optional<unsigned> operations, outstanding, burst, disruptions, checkpoint_permille, deadline_permille;
  std::optional<bool> long_checkpoints, tiny_limits, as_bytes, mixed;
  std::optional<unsigned> network_us, key_retention_ms, moves;
  std::vector<Fault> off;
};

Options expand(std::uint64_t seed, Protocol protocol, const Overrides& overrides = {});
std::string describe(const Options& options);
/// The command line that runs exactly this again; `mutant`: a planted bug that is switched on.
std::string reproduction(std::uint64_t seed, Protocol protocol, const Overrides& overrides,
                         std::string_view mutant = {});

}  // namespace kontor::sim
