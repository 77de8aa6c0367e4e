// Nodes as processes, under load, on a network that fails in every way that TCP lets through: silence, in one direction
// too, between some and not others, for a moment, and slowness. KONTOR_CLUSTER_ROUNDS repeats each.
#include "tests/cluster/processes.hpp"

namespace kontor::tests {
namespace {

void survives_on_roads(const std::string& protocol, const std::function<void(Cluster&)>& fault) {
  survives(fault, {true, protocol});
}

/// The node's list of what is in doubt, as far as `coordinator` coordinates it.
std::vector<std::string> doubts_of(const Cluster& cluster, std::size_t node, std::size_t coordinator) {
  std::vector<std::string> out;
  for (const auto& [transaction, coordinated_by] : cluster.doubts(node))
    if (coordinated_by == "n" + std::to_string(coordinator)) out.push_back(transaction);
  return out;
}

/// n1 is alone, and n0 has promised it something. Buyers may all be stuck in what n0 cannot ask of n1 before one of
/// them gets that far; so it may take some tries.
void leave_in_doubt(Cluster& cluster) {
  bool promised = false;
  for (int tries = 0; tries < 8 && !promised; ++tries) {
    if (tries > 0) cluster.roads().heal(), cluster.connected(), std::this_thread::sleep_for(300ms);
    cluster.roads().silence_one_way(0, 1);  // n0 hears what n1 wants, and its votes are not heard.
    std::this_thread::sleep_for(100ms);     // What was on its way is decided.
    promised = within(800ms, [&] { return !doubts_of(cluster, 0, 1).empty(); });
  }
  REQUIRE(promised);
  cluster.roads().silence(0, 1);
  cluster.roads().silence(1, 2);
}

Answer resolve(const Cluster& cluster, std::size_t node, const std::string& transaction) {
  static int keys = 0;
  return cluster.client(node).raw(
      "POST /v1/cluster/in-doubt/" + transaction +
      "/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nIdempotency-Key: resolve-" +
      std::to_string(++keys) + "\r\n\r\n");
}

}  // namespace

TEST_CASE("network: a node is alone for a while; what was promised to it is kept, and nobody is talked out of that",
          "[cluster][network]") {
  survives_on_roads("two_phase", [](Cluster& cluster) {
    leave_in_doubt(cluster);
    CHECK(within(5s, [&] { return !cluster.sees(1, 0) && !cluster.sees(1, 2) && !cluster.sees(0, 1); }));
    CHECK(cluster.sees(0, 2));
    const auto doubts = doubts_of(cluster, 0, 1);
    REQUIRE_FALSE(doubts.empty());
    const Answer refused = resolve(cluster, 0, doubts.front());
    CAPTURE(refused.body);
    CHECK(refused.status == 503);
    CHECK(refused.text("code") == "shard_unreachable");
    CHECK(doubts_of(cluster, 0, 1).size() == doubts.size());
    cluster.roads().heal();
    cluster.connected();
    const Answer ended = resolve(cluster, 0, doubts.front());
    CAPTURE(ended.body);
    CHECK(ended.status == 200);
  });
}

TEST_CASE("network: a node is alone, and three-phase ends without it what it coordinated", "[cluster][network]") {
  const std::string protocol = GENERATE("three_phase", "three_phase_optimised");
  survives_on_roads(protocol, [](Cluster& cluster) {
    leave_in_doubt(cluster);
    CHECK(within(15s, [&] { return doubts_of(cluster, 0, 1).empty() && doubts_of(cluster, 2, 1).empty(); }));
    CHECK(within(5s, [&] { return !cluster.sees(0, 1); }));
    cluster.roads().heal();
  });
}

TEST_CASE("network: one node is heard by another and cannot hear it", "[cluster][network]") {
  survives_on_roads("two_phase", [](Cluster& cluster) {
    cluster.roads().silence_one_way(0, 1);
    CHECK(within(5s, [&] { return !cluster.sees(1, 0); }));
    CHECK(within(5s, [&] { return !cluster.sees(0, 1); }));
    cluster.roads().heal();
    cluster.connected();
    cluster.roads().silence_one_way(2, 1);  // And one that dials is deaf to whom it dialled.
    CHECK(within(5s, [&] { return !cluster.sees(1, 2); }));
    cluster.roads().heal();
  });
}

TEST_CASE("network: two nodes hear each other only through a third", "[cluster][network]") {
  const std::string protocol = GENERATE("two_phase", "three_phase");
  survives_on_roads(protocol, [](Cluster& cluster) {
    cluster.roads().silence(0, 2);
    CHECK(within(5s, [&] { return !cluster.sees(0, 2) && !cluster.sees(2, 0); }));
    std::this_thread::sleep_for(1s);
    CHECK(cluster.sees(1, 0));
    CHECK(cluster.sees(1, 2));
    cluster.roads().heal();
  });
}

TEST_CASE("network: links come and go", "[cluster][network]") {
  survives_on_roads("two_phase", [](Cluster& cluster) {
    for (std::size_t i = 0; i < 12; ++i) {
      cluster.roads().cut(i % kNodes, (i + 1) % kNodes);
      std::this_thread::sleep_for(100ms);
      cluster.roads().silence(i % kNodes, (i + 2) % kNodes);
      std::this_thread::sleep_for(150ms);
      cluster.roads().heal();
    }
  });
}

TEST_CASE("network: everything takes 200 ms longer, and nobody is taken for gone", "[cluster][network]") {
  survives_on_roads("two_phase", [](Cluster& cluster) {
    const auto connections = [&] {
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < kNodes; ++i) {
        const boost::json::value now = cluster.status(i);
        for (const auto& peer : now.at("peers").as_array()) sum += peer.at("connections").as_int64();
      }
      return sum;
    };
    const std::int64_t before = connections();
    cluster.roads().delay(200ms);
    std::this_thread::sleep_for(4s);
    const boost::json::value now = cluster.status(0);
    for (const auto& peer : now.at("peers").as_array()) {
      CAPTURE(boost::json::serialize(peer));
      CHECK(peer.at("round_trip_us").as_int64() > 350'000);
      CHECK(peer.at("round_trip_us").as_int64() < 1'000'000);
    }
    CHECK(connections() == before);
    cluster.roads().heal();
  });
}

}  // namespace kontor::tests
