#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/chaos.hpp"
#include "tests/simulation/clients.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/members.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/node.hpp"

namespace kontor::sim {

/// One simulated run: shards, network, clients and what goes wrong, in virtual time, on one thread.
class World {
 public:
  World(testing::Puppets& puppets, const Options& options, Trace& trace, Counters& counters,
        std::vector<std::uint64_t> crashes = {});
  ~World();

  /// Runs it from the opening day to the audit. Returns what was violated; empty: nothing.
  std::string run();
  /// How many points there were at which a shard could die.
  std::uint64_t crash_points() const { return around_.plan.points; }

 private:
  template <class Done>
  bool run_until(const Done& done, std::int64_t at_most_ns);
  void step_or_wait();
  bool step_one();
  void advance(std::int64_t to_ns);
  void deliver(const Parcel& parcel);
  void on_send(ShardId from, ShardId to, const caf::message& message);
  bool settled();
  bool end_moves();
  void run_phases();

  Surroundings around_;
  testing::Puppets& puppets_;
  Random random_;
  Judge judge_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Network network_;
  std::unique_ptr<Members> members_;  ///< When shards move.
  Clients clients_;
  Chaos chaos_;
  int sent_by_ = -1;            ///< The shard that sent something in this step.
  unsigned idle_steps_ = 0;     ///< Actors that wait for the disk ask themselves again and again.
  std::int64_t timers_ns_ = 0;  ///< Up to when the actors' timers have run.
};

}  // namespace kontor::sim
