#pragma once
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cluster/namespaces.hpp"
#include "tests/cluster/ports.hpp"
#include "tests/cluster/roads.hpp"
#include "tests/cluster/small_disk.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"
#include "tests/support/within_network.hpp"

/// A cluster of processes under load, and what must hold whatever happens to them: what was answered is true, what was
/// not can be asked again.
namespace kontor::tests {

using namespace std::chrono_literals;
using cmd::kExitOk;
using Clock = std::chrono::steady_clock;

inline constexpr std::size_t kNodes = 3;
inline constexpr int kSmallDiskMebibytes = 512;  // Views want half of it to be free.

inline bool within(std::chrono::milliseconds most, const std::function<bool()>& done,
                   std::chrono::milliseconds pause = 20ms) {
  const auto until = Clock::now() + most;
  while (!done()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

struct Asked {
  std::string key;
  std::string transaction;  ///< Empty: not answered, or not known.
  std::size_t node = 0;
  Clock::time_point ended_at{};
};

/// What a cluster of a test is started with.
struct Terms {
  bool on_roads = false;               ///< The nodes reach each other through a network that the test can harm.
  std::string protocol = "two_phase";  ///< Of its transactions.
  std::size_t shards = kNodes;         ///< Of all nodes together.
  /// Words before the program, when a node is started: what gives it a world of its own (env, nsenter).
  std::function<std::vector<std::string>(std::size_t node)> before{};
  std::optional<std::size_t> small_disk{};  ///< This node's directory is on a disk of its own, which can be filled.
  Namespaces* namespaces = nullptr;         ///< Each node is in a network of its own. With `on_roads`, slow ones.
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
        std::string host = host_of(j);
        std::uint16_t at = gates_[j];
        if (terms_.on_roads && i < j) at = roads_.between(i, j, host, at, network(i)), host = "127.0.0.1";
        members_[i].push_back("n" + std::to_string(j) + "=" + host + ":" + std::to_string(at));
      }
    }
    if (terms_.small_disk) disk_.emplace(dir_.path() / "disk", kSmallDiskMebibytes);
    for (std::size_t i = 0; i < kNodes; ++i) nodes_.push_back(start_node(i));
    connected();
  }

  /// Nobody else's: the port of a node that is down may be given to another test's node, which must not sell to us.
  std::string customer() const { return "alice-" + dir_.path().filename().string(); }
  std::string purchase() const {
    return R"({"customer":")" + customer() +
           R"(","payees":["shop"],"currency":"GBP","lines":[{"sku":"mug","quantity":1,"payee":"shop"}]})";
  }
  Client client(std::size_t i) const { return Client(ports_[i], network(i)); }
  /// The program, run where node i is; `arguments` are followed by its URL.
  Ended ask(std::size_t i, std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--url", nodes_[i]->url()});
    const testing::WithinNetwork there(network(i));
    return run_kontor(arguments);
  }
  void signal(std::size_t i, int number) { nodes_[i]->child.signal(number); }
  Roads& roads() { return roads_; }
  SmallDisk& disk() { return *disk_; }
  /// Its exit code.
  int restart(std::size_t i) {
    const int code = nodes_[i]->child.wait();
    nodes_[i] = start_node(i);
    return code;
  }
  /// Every node sees both others, within 20 s.
  void connected() const {
    for (std::size_t i = 0; i < kNodes; ++i) {
      CAPTURE(i);
      REQUIRE(within(20s, [&] {
        std::size_t seen = 0;
        const boost::json::value now = status(i);
        for (const auto& peer : now.at("peers").as_array()) seen += peer.at("connected").as_bool() ? 1U : 0U;
        return seen == kNodes - 1;
      }));
    }
  }
  /// Nothing is in doubt anywhere, within 20 s.
  bool settled() const {
    return within(20s, [&] {
      std::int64_t doubts = 0;
      for (std::size_t i = 0; i < kNodes; ++i) doubts += status(i).at("in_doubt").as_int64();
      return doubts == 0;
    });
  }
  /// What is in doubt somewhere: transactions and their coordinators' nodes.
  std::map<std::string, std::string> doubts(std::size_t i) const {
    const Answer answer = client(i).get("/v1/cluster/in-doubt?limit=1000");
    REQUIRE(answer.status == 200);
    const boost::json::value list = answer.json();
    std::map<std::string, std::string> out;
    for (const auto& doubt : list.at("data").as_array())
      out.emplace(doubt.at("transaction").as_string(), doubt.at("coordinator_node").as_string());
    return out;
  }
  /// What a node knows of the others.
  boost::json::value status(std::size_t i) const {
    const Answer answer = client(i).get("/v1/cluster");
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
    return within(20s, [&] {
      std::array<boost::json::value, kNodes> places;
      bool moving = false;
      for (std::size_t i = 0; i < kNodes; ++i) {
        const boost::json::value now = status(i);
        places[i] = now.at("places");
        for (const auto& move : now.at("moves").as_array()) moving = moving || move.at("state").as_string() == "moving";
      }
      return !moving && places[0] == places[1] && places[1] == places[2];
    });
  }
  /// Asks a node to have a shard moved. Its status.
  unsigned move(std::size_t asked, std::size_t shard, std::size_t to) const {
    static std::atomic<int> keys{0};
    return client(asked)
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
    const auto audit = ask(i, {"audit"});
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
  std::optional<int> network(std::size_t i) const {
    return terms_.namespaces ? std::optional(terms_.namespaces->network(i)) : std::nullopt;
  }
  std::string host_of(std::size_t i) const { return terms_.namespaces ? Namespaces::address(i) : "127.0.0.1"; }
  std::string data(std::size_t i) const {
    return ((terms_.small_disk == i ? disk_->dir() : dir_.path()) / ("data-" + std::to_string(i))).string();
  }
  std::unique_ptr<Running> start_node(std::size_t i) {
    std::vector<std::string> options{"--node",          "n" + std::to_string(i),
                                     "--cluster-certs", (dir_.path() / "certs").string(),
                                     "--log-file",      (dir_.path() / ("log-" + std::to_string(i))).string()};
    options.insert(options.end(), {"--protocol", terms_.protocol, "--shards", std::to_string(terms_.shards)});
    for (const std::string& member : members_[i]) options.insert(options.end(), {"--member", member});
    const auto before = terms_.before ? terms_.before(i) : std::vector<std::string>{};
    const testing::WithinNetwork there(network(i));
    auto running = std::make_unique<Running>(start(data(i), options, "127.0.0.1", "http", before));
    ports_[i] = running->port;
    return running;
  }

  const Terms terms_;
  testing::TempDir dir_;
  std::optional<SmallDisk> disk_;
  Roads roads_;
  std::array<std::uint16_t, kNodes> gates_{};
  std::array<std::vector<std::string>, kNodes> members_;  ///< As each node is told.
  std::vector<std::unique_ptr<Running>> nodes_;
  std::array<std::atomic<std::uint16_t>, kNodes> ports_{};
};

inline void done(Cluster& cluster, const std::string& path, const std::string& body) {
  static int keys = 0;
  const Answer answer = cluster.client(0).post(path, body, "setup-" + std::to_string(++keys));
  INFO(path << ' ' << answer.body);
  REQUIRE(answer.status == 201);
}

inline void open_shop(Cluster& cluster) {
  done(cluster, "/v1/accounts", R"({"id":"bank","currency":"GBP","kind":"external"})");
  done(cluster, "/v1/accounts", R"({"id":"shop","currency":"GBP"})");
  done(cluster, "/v1/accounts", R"({"id":")" + cluster.customer() + R"(","currency":"GBP"})");
  done(cluster, "/v1/accounts/" + cluster.customer() + "/deposits",
       R"({"external":"bank","amount":{"amount":1000000,"currency":"GBP"}})");
  done(cluster, "/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})");
  done(cluster, "/v1/products/mug/stock/receipts", R"({"quantity":1000000})");
}

/// Buys at one node after the other until told to stop. A node that is gone, or says "later", is what is tested.
inline void buy(const Cluster& cluster, const std::string& prefix, std::vector<Asked>& asked, std::mutex& mutex,
                const std::atomic<bool>& stop) {
  const std::string purchase = cluster.purchase();
  for (std::size_t i = 0; !stop; ++i) {
    Asked one{prefix + std::to_string(i), {}, i % kNodes, {}};
    try {
      Client client = cluster.client(one.node);
      std::optional<Answer> answer;
      if (client.send(post_text("/v1/checkouts", purchase, one.key, {{"Kontor-Deadline-Ms", "2000"}})))
        answer = client.receive();
      if (answer && answer->status == 201) one.transaction = answer->text("id");
      if (answer && answer->status >= 500) std::this_thread::sleep_for(5ms);  // Later, as it was told.
    } catch (const std::exception&) {                                         // It is gone, and does not even listen.
      std::this_thread::sleep_for(10ms);
    }
    one.ended_at = Clock::now();
    const std::lock_guard guard(mutex);
    asked.push_back(std::move(one));
  }
}

/// Sends the request again, at another node, until it is known what became of it.
inline Answer ask_again(const Cluster& cluster, std::size_t from, const std::string& key) {
  Answer answer;
  for (std::size_t tries = 0; tries < 50 && answer.status != 201; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(100ms);
    answer = cluster.client((from + tries) % kNodes).post("/v1/checkouts", cluster.purchase(), key);
  }
  return answer;
}

/// What is in doubt somewhere once all nodes see each other again: how long the last of it stays so, under load; 10 s
/// at most. KONTOR_CLUSTER_HEALING names a file that gets a line for each time, since many of them are to be judged.
inline void heals(const Cluster& cluster) {
  const auto harmed = Clock::now();
  cluster.connected();
  const auto connected = Clock::now();
  const auto all = [&] {
    std::set<std::string> out;
    for (std::size_t i = 0; i < kNodes; ++i)
      for (const auto& [transaction, unused] : cluster.doubts(i)) out.insert(transaction);
    return out;
  };
  std::set<std::string> old = all();
  const std::size_t count = old.size();
  CHECK(within(10s, [&] {
    const std::set<std::string> now = all();
    std::erase_if(old, [&](const std::string& transaction) { return !now.contains(transaction); });
    return old.empty();
  }));
  if (const char* file = std::getenv("KONTOR_CLUSTER_HEALING")) {
    const auto ms = [](auto time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); };
    std::ofstream(file, std::ios::app) << ms(Clock::now() - connected) << " ms, " << count << " in doubt, connected in "
                                       << ms(connected - harmed)
                                       << " ms: " << Catch::getResultCapture().getCurrentTestName() << '\n';
  }
}

/// No claim stays on what open_shop made. The audit of a node that serves takes claims as they are, and the one of a
/// closed directory sees what recovery made of them, so neither would show one that only its actor's memory has left.
inline bool holds_nothing(const Cluster& cluster, std::size_t asked) {
  Client client = cluster.client(asked);
  const auto is_zero = [&](const std::string& path, const char* pointer) {
    return client.get(path).json().at_pointer(pointer).as_int64() == 0;
  };
  for (const std::string& account : {"/v1/accounts/" + cluster.customer(), std::string("/v1/accounts/shop")})
    if (!is_zero(account, "/held/amount") || !is_zero(account, "/incoming/amount")) return false;
  return is_zero("/v1/products/mug/stock", "/held");
}

using Fault = std::function<void(Cluster&)>;
/// Is shown all that was asked under load, once it is known to be true.
using Judge = std::function<void(const std::vector<Asked>&)>;

/// Runs `fault` under load and checks all that was answered, and all that was not.
inline void survives_once(const Fault& fault, const Terms& terms, const Judge& judge) {
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
    heals(cluster);
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
  const Answer shop = cluster.client(1).get("/v1/accounts/shop");
  CHECK(shop.json().at_pointer("/balance/amount").as_int64() == static_cast<std::int64_t>(asked.size()));
  CHECK(within(5s, [&] { return holds_nothing(cluster, 0); }));
  cluster.is_clean(2);
  cluster.ends_clean();
  if (judge) judge(asked);
}

/// So many as KONTOR_CLUSTER_ROUNDS says; one without it.
inline int rounds() {
  const char* wanted = std::getenv("KONTOR_CLUSTER_ROUNDS");
  return wanted ? std::max(1, std::atoi(wanted)) : 1;
}

inline void survives(const Fault& fault, const Terms& terms = {}, const Judge& judge = {}) {
  for (int round = 0; round < rounds(); ++round) {
    CAPTURE(round, terms.protocol);
    survives_once(fault, terms, judge);
  }
}

}  // namespace kontor::tests
