#pragma once
#include <cstdint>
#include <filesystem>

#include "cmd/kontor/load/workload.hpp"

namespace kontor::bench {

/// One measurement: so many processes, one engine each, on directories of their own.
struct Plan {
  std::size_t nodes = 1;    ///< 1: an engine alone. More: the nodes of a cluster.
  std::size_t drivers = 1;  ///< The first so many of them make checkouts, in their own process.
  std::uint16_t shards = 1;
  cmd::WorkloadOptions workload;
  bool last_freezes = false;  ///< The last node is stopped while it is measured; it must not drive.
  bool keys_at_home = false;  ///< A node's checkouts are coordinated by itself, as one may choose; else by chance.
  std::size_t outstanding = 4'096;  ///< Of each driver.
  double rate_per_s = 0;            ///< Above 0: so many begin, come what may, and `outstanding` does not count.
  double seconds = 5;
};

/// What all drivers of one measurement did together. Counts are of the measured time alone.
struct Figures {
  double committed = 0, refused = 0, per_s = 0;
  double p50_us = 0, p99_us = 0;  ///< The worst driver's.
  double cpu_us = 0;              ///< Processor time of all nodes for a checkout, its making included.
  double forced = 0, records = 0, journal_bytes = 0;
  double messages = 0, frames = 0, bytes = 0;  ///< Sent by all nodes to others; bytes before TLS.
  double load_average = 0;                     ///< When it began.
  double others = 0;                           ///< Share of the processors that others took meanwhile.
};

/// Everything under `base`, which is removed before and afterwards; the certificates in `certificates` name node-0,
/// node-1 … Throws std::runtime_error when anything goes wrong: half a measurement is none.
Figures measure(const Plan& plan, const std::filesystem::path& base, const std::filesystem::path& certificates);

}  // namespace kontor::bench
