#pragma once
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cluster/ports.hpp"
#include "tests/cluster/roads.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

/// A cluster of processes under load, and what must hold whatever happens to them: what was answered is true, what was
/// not can be asked again.
namespace kontor::tests {

using namespace std::chrono_literals;
using cmd::kExitOk;

inline constexpr std::size_t kNodes = 3;
inline constexpr const char* kPurchase =
    R"({"customer":"alice","payees":["shop"],"currency":"GBP","lines":[{"sku":"mug","quantity":1,"payee":"shop"}]})";

struct Asked {
  std::string key;
  std::string transaction;  ///< Empty: not answered, or not known.
};

/// What a cluster of a test is started with.
struct Terms {
  bool on_roads = false;               ///< The nodes reach each other through a network that the test can harm.
  std::string protocol = "two_phase";  ///< Of its transactions.
  std::size_t shards = kNodes;         ///< Of all nodes together.
};

/// A cluster of three processes on this machine.
class Cluster {
 public:
  explicit Cluster(Terms terms = {}) : terms_(std::move(terms)) {
    REQUIRE(run_kontor(
                {"cluster", "certs", (dir_.path() / "certs").string(), "--node", "n0", "--node", "n1", "--node", "n2"})
                .exit_code == kExitOk);
    for (std::uint16_t& gate : gates_) gate = testing::free_port();
    for (std::size_t i = 0; i < kNodes; ++i) {
      for (std::size_t j = 0; j < kNodes; ++j) {
        // Who is where need not be told alike: the earlier of two members dials, and finds the road's port here.
        const std::uint16_t at = terms_.on_roads && i < j ? roads_.between(i, j, gates_[j]) : gates_[j];
        members_[i].push_back("n" + std::to_string(j) + "=127.0.0.1:" + std::to_string(at));
      }
    }
    for (std::size_t i = 0; i < kNodes; ++i) nodes_.push_back(start_node(i));
    connected();
  }

  std::uint16_t port(std::size_t i) const { return ports_[i]; }
  void signal(std::size_t i, int number) { nodes_[i]->child.signal(number); }
  Roads& roads() { return roads_; }
  /// Its exit code.
  int restart(std::size_t i) {
    const int code = nodes_[i]->child.wait();
    nodes_[i] = start_node(i);
    return code;
  }
  /// Every node sees both others, within 20 s.
  void connected() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      std::size_t seen = 0;
      for (int tries = 0; tries < 200 && seen < kNodes - 1; ++tries) {
        if (tries > 0) std::this_thread::sleep_for(100ms);
        seen = 0;
        const boost::json::value now = status(i);
        for (const auto& peer : now.at("peers").as_array()) seen += peer.at("connected").as_bool() ? 1U : 0U;
      }
      CAPTURE(i);
      REQUIRE(seen == kNodes - 1);
    }
  }
  /// Nothing is in doubt anywhere, within 20 s.
  bool settled() {
    for (int tries = 0; tries < 200; ++tries) {
      std::int64_t doubts = 0;
      for (std::size_t i = 0; i < kNodes; ++i) doubts += status(i).at("in_doubt").as_int64();
      if (doubts == 0) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }
  /// What a node knows of the others.
  boost::json::value status(std::size_t i) const {
    const Answer answer = Client(ports_[i]).get("/v1/cluster");
    REQUIRE(answer.status == 200);
    return answer.json();
  }
  /// Which node has a shard, as this one knows.
  std::size_t owner(std::size_t seen_from, std::size_t shard) const {
    const boost::json::value now = status(seen_from);
    return static_cast<std::size_t>(now.at("places").at(shard).at("node").as_string().back() - '0');
  }
  /// All nodes say the same of where all shards are, and nothing moves, within 20 s.
  bool placed() const {
    for (int tries = 0; tries < 200; ++tries) {
      std::array<boost::json::value, kNodes> places;
      bool moving = false;
      for (std::size_t i = 0; i < kNodes; ++i) {
        const boost::json::value now = status(i);
        places[i] = now.at("places");
        for (const auto& move : now.at("moves").as_array()) moving = moving || move.at("state").as_string() == "moving";
      }
      if (!moving && places[0] == places[1] && places[1] == places[2]) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }
  /// Asks a node to have a shard moved. Its status.
  unsigned move(std::size_t asked, std::size_t shard, std::size_t to) const {
    static std::atomic<int> keys{0};
    return Client(ports_[asked])
        .post("/v1/cluster/shards/" + std::to_string(shard) + "/move/n" + std::to_string(to), "",
              "move-" + std::to_string(++keys))
        .status;
  }
  bool sees(std::size_t i, std::size_t other) const {
    const boost::json::value now = status(i);
    for (const auto& peer : now.at("peers").as_array())
      if (peer.at("node").as_string() == "n" + std::to_string(other)) return peer.at("connected").as_bool();
    return false;
  }
  /// Any node proves it of all shards while it serves.
  void is_clean(std::size_t i) const {
    const auto audit = run_kontor({"audit", "--url", nodes_[i]->url()});
    CAPTURE(i, audit.lines);
    CHECK(audit.exit_code == kExitOk);
  }
  /// Stops all, and audits their directories together.
  void ends_clean() {
    std::vector<std::string> arguments{"audit"};
    for (std::size_t i = 0; i < kNodes; ++i) {
      nodes_[i]->child.signal(SIGTERM);
      CHECK(nodes_[i]->child.wait() == kExitOk);
      arguments.push_back(data(i));
    }
    const auto audit = run_kontor(arguments);
    CAPTURE(audit.lines);
    CHECK(audit.exit_code == kExitOk);
  }

 private:
  std::string data(std::size_t i) const { return (dir_.path() / ("data-" + std::to_string(i))).string(); }
  std::unique_ptr<Running> start_node(std::size_t i) {
    std::vector<std::string> options{"--node",          "n" + std::to_string(i),
                                     "--cluster-certs", (dir_.path() / "certs").string(),
                                     "--log-file",      (dir_.path() / ("log-" + std::to_string(i))).string()};
    options.insert(options.end(), {"--protocol", terms_.protocol, "--shards", std::to_string(terms_.shards)});
    for (const std::string& member : members_[i]) options.insert(options.end(), {"--member", member});
    auto running = std::make_unique<Running>(start(data(i), options));
    ports_[i] = running->port;
    return running;
  }

  const Terms terms_;
  testing::TempDir dir_;
  Roads roads_;
  std::array<std::uint16_t, kNodes> gates_{};
  std::array<std::vector<std::string>, kNodes> members_;  ///< As each node is told.
  std::vector<std::unique_ptr<Running>> nodes_;
  std::array<std::atomic<std::uint16_t>, kNodes> ports_{};
};

inline void done(Cluster& cluster, const std::string& path, const std::string& body) {
  static int keys = 0;
  const Answer answer = Client(cluster.port(0)).post(path, body, "setup-" + std::to_string(++keys));
  INFO(path << ' ' << answer.body);
  REQUIRE(answer.status == 201);
}

inline void open_shop(Cluster& cluster) {
  done(cluster, "/v1/accounts", R"({"id":"bank","currency":"GBP","kind":"external"})");
  done(cluster, "/v1/accounts", R"({"id":"shop","currency":"GBP"})");
  done(cluster, "/v1/accounts", R"({"id":"alice","currency":"GBP"})");
  done(cluster, "/v1/accounts/alice/deposits", R"({"external":"bank","amount":{"amount":1000000,"currency":"GBP"}})");
  done(cluster, "/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})");
  done(cluster, "/v1/products/mug/stock/receipts", R"({"quantity":1000000})");
}

/// Buys at one node after the other until told to stop. A node that is gone, or says "later", is what is tested.
inline void buy(const Cluster& cluster, const std::string& prefix, std::vector<Asked>& asked, std::mutex& mutex,
                const std::atomic<bool>& stop) {
  for (int i = 0; !stop; ++i) {
    Asked one{prefix + std::to_string(i), {}};
    try {
      Client client(cluster.port(static_cast<std::size_t>(i) % kNodes));
      std::optional<Answer> answer;
      if (client.send(post_text("/v1/checkouts", kPurchase, one.key, {{"Kontor-Deadline-Ms", "2000"}})))
        answer = client.receive();
      if (answer && answer->status == 201) one.transaction = answer->text("id");
    } catch (const std::exception&) {  // It is gone, and does not even listen.
      std::this_thread::sleep_for(10ms);
    }
    const std::lock_guard guard(mutex);
    asked.push_back(std::move(one));
  }
}

/// Sends the request again, at another node, until it is known what became of it.
inline Answer ask_again(const Cluster& cluster, std::size_t from, const std::string& key) {
  Answer answer;
  for (std::size_t tries = 0; tries < 50 && answer.status != 201; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(100ms);
    answer = Client(cluster.port((from + tries) % kNodes)).post("/v1/checkouts", kPurchase, key);
  }
  return answer;
}

/// Runs `fault` under load and checks all that was answered, and all that was not.
inline void survives_once(const std::function<void(Cluster&)>& fault, const Terms& terms) {
  Cluster cluster(terms);
  open_shop(cluster);
  std::vector<Asked> asked;
  std::mutex mutex;
  std::atomic<bool> stop{false};
  {
    std::vector<std::jthread> buyers;
    for (int i = 0; i < 6; ++i)
      buyers.emplace_back([&, i] { buy(cluster, std::to_string(i) + "-", asked, mutex, stop); });
    const std::shared_ptr<void> in_the_end(nullptr, [&](void*) { stop = true; });  // Also when a check fails.
    std::this_thread::sleep_for(300ms);
    fault(cluster);
    std::this_thread::sleep_for(300ms);
  }
  cluster.connected();
  CHECK(cluster.settled());
  std::size_t answered = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Answer answer = ask_again(cluster, i, asked[i].key);
    CAPTURE(asked[i].key, asked[i].transaction, answer.body);
    REQUIRE(answer.status == 201);
    if (asked[i].transaction.empty()) continue;
    ++answered;
    CHECK(answer.text("id") == asked[i].transaction);
    CHECK(answer.field("idempotent-replayed") == "true");
  }
  CHECK(answered > 0);
  const Answer shop = Client(cluster.port(1)).get("/v1/accounts/shop");
  CHECK(shop.json().at_pointer("/balance/amount").as_int64() == static_cast<std::int64_t>(asked.size()));
  cluster.is_clean(2);
  cluster.ends_clean();
}

/// So often as KONTOR_CLUSTER_ROUNDS says; once without it.
inline void survives(const std::function<void(Cluster&)>& fault, const Terms& terms = {}) {
  const char* rounds = std::getenv("KONTOR_CLUSTER_ROUNDS");
  for (int round = 0; round < (rounds ? std::max(1, std::atoi(rounds)) : 1); ++round) {
    CAPTURE(round, terms.protocol);
    survives_once(fault, terms);
  }
}

}  // namespace kontor::tests
