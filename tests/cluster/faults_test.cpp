// Nodes as processes, under load, killed and frozen, and restarted in turn.
#include <random>

#include "tests/cluster/processes.hpp"

namespace kontor::tests {

TEST_CASE("cluster: a node is killed under load, again and again", "[cluster][faults]") {
  survives([](Cluster& cluster) {
    for (std::size_t victim = 0; victim < kNodes; ++victim) {
      if (victim > 0) std::this_thread::sleep_for(400ms);
      cluster.signal(victim, SIGKILL);
      std::this_thread::sleep_for(200ms);
      cluster.restart(victim);
    }
  });
}

TEST_CASE("cluster: two nodes are killed at once, and one of them again in its recovery", "[cluster][faults]") {
  survives([](Cluster& cluster) {
    cluster.signal(1, SIGKILL);
    cluster.signal(2, SIGKILL);
    cluster.restart(2);
    cluster.signal(2, SIGKILL);
    cluster.restart(2);
    cluster.restart(1);
  });
}

TEST_CASE("cluster: a node is frozen for longer than its links bear, and thaws", "[cluster][faults]") {
  survives([](Cluster& cluster) {
    std::mt19937 random(std::random_device{}());
    const std::size_t victim = random() % kNodes;
    const auto frozen = rounds() == 1 ? 5'000ms : std::chrono::milliseconds(1'000 + random() % 29'000);
    CAPTURE(victim, frozen.count());
    cluster.signal(victim, SIGSTOP);
    std::this_thread::sleep_for(frozen);
    cluster.signal(victim, SIGCONT);
  });
}

TEST_CASE("cluster: all nodes are stopped and started again, one after the other", "[cluster][faults]") {
  survives([](Cluster& cluster) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      cluster.signal(i, SIGTERM);
      CHECK(cluster.restart(i) == kExitOk);
      cluster.connected();
      std::this_thread::sleep_for(300ms);
    }
  });
}

}  // namespace kontor::tests
