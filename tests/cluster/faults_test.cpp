// Nodes as processes, under load, killed and frozen: what was answered is true, what was not can be asked again.
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cluster/ports.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

namespace kontor::tests {
namespace {

using namespace std::chrono_literals;
using cmd::kExitOk;

constexpr std::size_t kNodes = 3;
constexpr const char* kPurchase =
    R"({"customer":"alice","payees":["shop"],"currency":"GBP","lines":[{"sku":"mug","quantity":1,"payee":"shop"}]})";

struct Asked {
  std::string key;
  std::string transaction;  ///< Empty: not answered, or not known.
};

/// A cluster of three processes on this machine.
class Cluster {
 public:
  Cluster() {
    REQUIRE(run_kontor(
                {"cluster", "certs", (dir_.path() / "certs").string(), "--node", "n0", "--node", "n1", "--node", "n2"})
                .exit_code == kExitOk);
    for (std::size_t i = 0; i < kNodes; ++i)
      members_.push_back("n" + std::to_string(i) + "=127.0.0.1:" + std::to_string(testing::free_port()));
    for (std::size_t i = 0; i < kNodes; ++i) nodes_.push_back(start_node(i));
    connected();
  }

  std::uint16_t port(std::size_t i) const { return ports_[i]; }
  void signal(std::size_t i, int number) { nodes_[i]->child.signal(number); }
  void restart(std::size_t i) {
    nodes_[i]->child.wait();
    nodes_[i] = start_node(i);
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
    for (const std::string& member : members_) options.insert(options.end(), {"--member", member});
    auto running = std::make_unique<Running>(start(data(i), options));
    ports_[i] = running->port;
    return running;
  }
  boost::json::value status(std::size_t i) const {
    const Answer answer = Client(ports_[i]).get("/v1/cluster");
    REQUIRE(answer.status == 200);
    return answer.json();
  }

  testing::TempDir dir_;
  std::vector<std::string> members_;
  std::vector<std::unique_ptr<Running>> nodes_;
  std::array<std::atomic<std::uint16_t>, kNodes> ports_{};
};

void done(Cluster& cluster, const std::string& path, const std::string& body) {
  static int keys = 0;
  const Answer answer = Client(cluster.port(0)).post(path, body, "setup-" + std::to_string(++keys));
  INFO(path << ' ' << answer.body);
  REQUIRE(answer.status == 201);
}

void open_shop(Cluster& cluster) {
  done(cluster, "/v1/accounts", R"({"id":"bank","currency":"GBP","kind":"external"})");
  done(cluster, "/v1/accounts", R"({"id":"shop","currency":"GBP"})");
  done(cluster, "/v1/accounts", R"({"id":"alice","currency":"GBP"})");
  done(cluster, "/v1/accounts/alice/deposits", R"({"external":"bank","amount":{"amount":1000000,"currency":"GBP"}})");
  done(cluster, "/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})");
  done(cluster, "/v1/products/mug/stock/receipts", R"({"quantity":1000000})");
}

/// Buys at one node after the other until told to stop. A node that is gone, or says "later", is what is tested.
void buy(const Cluster& cluster, const std::string& prefix, std::vector<Asked>& asked, std::mutex& mutex,
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
Answer ask_again(const Cluster& cluster, std::size_t from, const std::string& key) {
  Answer answer;
  for (std::size_t tries = 0; tries < 50 && answer.status != 201; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(100ms);
    answer = Client(cluster.port((from + tries) % kNodes)).post("/v1/checkouts", kPurchase, key);
  }
  return answer;
}

/// Runs `fault` under load and checks all that was answered, and all that was not.
void survives(const std::function<void(Cluster&)>& fault) {
  Cluster cluster;
  open_shop(cluster);
  std::vector<Asked> asked;
  std::mutex mutex;
  std::atomic<bool> stop{false};
  std::vector<std::thread> buyers;
  for (int i = 0; i < 6; ++i)
    buyers.emplace_back([&, i] { buy(cluster, std::to_string(i) + "-", asked, mutex, stop); });
  std::this_thread::sleep_for(300ms);
  fault(cluster);
  std::this_thread::sleep_for(300ms);
  stop = true;
  for (std::thread& buyer : buyers) buyer.join();
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
  cluster.ends_clean();
}

}  // namespace

TEST_CASE("cluster: a node is killed under load, again and again", "[cluster][faults]") {
  survives([](Cluster& cluster) {
    for (std::size_t victim = 0; victim < kNodes; ++victim) {
      cluster.signal(victim, SIGKILL);
      std::this_thread::sleep_for(200ms);
      cluster.restart(victim);
      std::this_thread::sleep_for(400ms);
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
    cluster.signal(1, SIGSTOP);
    std::this_thread::sleep_for(5s);
    cluster.signal(1, SIGCONT);
  });
}

}  // namespace kontor::tests
