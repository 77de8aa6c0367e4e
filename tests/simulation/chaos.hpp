#pragma once
#include <memory>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/node.hpp"

namespace kontor::sim {

/// Plans what goes wrong with whole shards, links and clocks: a number of disruptions, spread over the requests.
class Chaos {
 public:
  Chaos(Surroundings& around, std::vector<std::unique_ptr<Node>>& nodes, Network& network);

  /// Starts the disruptions that are due after so many requests.
  void pump(std::size_t asked);
  /// A shard died. Stale messages and a second crash may follow.
  void on_crash(Node& node, Fault why);
  /// Nothing is planned any more, and what goes on ends.
  void heal();

 private:
  void disrupt();
  void crash_some(Fault kind);
  void clog(std::int64_t for_ns);
  void partition(Fault kind);
  void checkpoint();
  Node& any() { return *nodes_[random_.index(nodes_.size())]; }
  MemberId any_machine() { return static_cast<MemberId>(random_.index(around_.options.machines())); }
  std::int64_t down_ns() { return random_.between(1, random_.chance(200) ? 3'000 : 300) * 1'000'000; }

  Surroundings& around_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  Network& network_;
  Random random_;
  bool healed_ = false;
  std::vector<std::size_t> due_;  ///< After how many requests; descending.
  std::size_t seen_ = 0;
};

}  // namespace kontor::sim
