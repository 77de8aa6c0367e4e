#pragma once
#include <vector>

#include "actors/cluster/options.hpp"
#include "bench/cluster/run.hpp"

namespace kontor::bench {

/// One node's part of a measurement.
struct Part {
  const Plan& plan;
  std::size_t number = 0;
  std::filesystem::path dir, certificates;
  std::vector<Member> members;  ///< None: alone.
  int to_parent = -1, from_parent = -1;
};

/// In a process of its own: opens, seeds if it is the first, drives when all are ready, reports a line of JSON.
/// Returns the exit code.
int be_node(const Part& part);

}  // namespace kontor::bench
