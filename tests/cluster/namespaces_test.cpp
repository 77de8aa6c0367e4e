// Nodes in network namespaces of their own, under load, while the kernel loses their packets: what Roads cannot show,
// since it moves bytes that have arrived. Skipped with a notice where there are none.
#include "tests/cluster/processes.hpp"

namespace kontor::tests {
namespace {

using NetworkFault = std::function<void(Cluster&, Namespaces&)>;

void survives_apart(const NetworkFault& fault, Terms terms = {}) {
  const auto namespaces = Namespaces::make();
  if (!namespaces) return;
  terms.namespaces = namespaces.get();
  survives(
      [&](Cluster& cluster) {
        fault(cluster, *namespaces);
        namespaces->heal();
      },
      terms);
}

}  // namespace

TEST_CASE("packets: a node is cut off from both others", "[cluster][namespaces]") {
  survives_apart([](Cluster& cluster, Namespaces& namespaces) {
    namespaces.drop_both(1, 0);
    namespaces.drop_both(1, 2);
    CHECK(within(8s, [&] { return !cluster.sees(1, 0) && !cluster.sees(1, 2) && !cluster.sees(0, 1); }));
    CHECK(cluster.sees(0, 2));
    std::this_thread::sleep_for(1s);
  });
}

TEST_CASE("packets: a node's words do not arrive at another", "[cluster][namespaces]") {
  survives_apart([](Cluster& cluster, Namespaces& namespaces) {
    namespaces.drop(0, 1);
    CHECK(within(8s, [&] { return !cluster.sees(1, 0) && !cluster.sees(0, 1); }));
    CHECK(cluster.sees(2, 0));
    CHECK(cluster.sees(2, 1));
  });
}

TEST_CASE("packets: two nodes reach each other only through a third", "[cluster][namespaces]") {
  survives_apart([](Cluster& cluster, Namespaces& namespaces) {
    namespaces.drop_both(0, 2);
    CHECK(within(8s, [&] { return !cluster.sees(0, 2) && !cluster.sees(2, 0); }));
    std::this_thread::sleep_for(1s);
    CHECK(cluster.sees(1, 0));
    CHECK(cluster.sees(1, 2));
  });
}

TEST_CASE("packets: links come and go", "[cluster][namespaces]") {
  survives_apart([](Cluster&, Namespaces& namespaces) {
    for (std::size_t i = 0; i < 10; ++i) {
      const std::size_t a = i % kNodes, b = (i + 1) % kNodes;
      i % 2 == 0 ? namespaces.drop_both(a, b) : namespaces.reset(a, b);
      std::this_thread::sleep_for(200ms);
      namespaces.heal();
      std::this_thread::sleep_for(100ms);
    }
  });
}

TEST_CASE("packets: one of twenty is lost, and everything takes 200 ms longer", "[cluster][namespaces]") {
  Terms slow;
  slow.on_roads = true;
  survives_apart(
      [](Cluster& cluster, Namespaces& namespaces) {
        namespaces.lose(5);
        cluster.roads().delay(200ms);
        std::this_thread::sleep_for(5s);
        for (std::size_t i = 0; i < kNodes; ++i) CHECK(cluster.sees(i, (i + 1) % kNodes));
        cluster.roads().heal();
      },
      slow);
}

}  // namespace kontor::tests
