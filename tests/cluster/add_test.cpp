// A cluster that gets larger, as its operator sees it.
#include "tests/cluster/processes.hpp"

namespace kontor::tests {
namespace {

/// Nodes of eight shards; those that join are not named by the first ones.
class Growing {
 public:
  static constexpr std::size_t kFounders = 2;
  Growing() {
    std::vector<std::string> arguments{"cluster", "certs", certificates()};
    for (const char* name : {"n0", "n1", "n2"}) arguments.insert(arguments.end(), {"--node", name});
    REQUIRE(run_kontor(arguments).exit_code == cmd::kExitOk);
    for (std::size_t i = 0; i < 3; ++i)
      members_.push_back("n" + std::to_string(i) + "=127.0.0.1:" + std::to_string(testing::free_port()));
  }
  Running start_node(std::size_t i) {
    std::vector<std::string> options{"--node", "n" + std::to_string(i), "--cluster-certs", certificates(), "--shards",
                                     "8"};
    for (std::size_t j = 0; j < std::max(kFounders, i + 1); ++j)
      options.insert(options.end(), {"--member", members_[j]});
    if (i >= kFounders) options.emplace_back("--join");
    return start(dir_.path() / ("data-" + std::to_string(i)), options);
  }
  const std::string& member(std::size_t i) const { return members_[i]; }

 private:
  std::string certificates() const { return (dir_.path() / "certs").string(); }
  testing::TempDir dir_;
  std::vector<std::string> members_;
};

int ended(const std::vector<std::string>& arguments) {
  const auto ended = run_kontor(arguments);
  CAPTURE(arguments, ended.lines);
  return ended.exit_code;
}

std::size_t shards_of(const Running& asked, const std::string& node) {
  std::size_t count = 0;
  const boost::json::value now = Client(asked.port).get("/v1/cluster").json();
  for (const auto& place : now.at("places").as_array())
    count += place.at("node").is_string() && place.at("node").as_string() == node ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("cluster add: a third node gets its share while two serve", "[cluster]") {
  Growing cluster;
  Running first = cluster.start_node(0), second = cluster.start_node(1), third = cluster.start_node(2);
  REQUIRE(within(
      20s, [&] { return Client(second.port).get("/v1/cluster").json().at("peers").at(0).at("connected").as_bool(); }));
  CHECK(shards_of(third, "n0") == 0);  // Nobody has told it.
  CHECK(ended({"cluster", "add", cluster.member(2), "--url", second.url()}) == cmd::kExitOk);
  CHECK(ended({"cluster", "add", cluster.member(2), "--url", first.url()}) == cmd::kExitOk);
  CHECK(ended({"cluster", "add", "n2=127.0.0.1:1", "--url", first.url()}) == cmd::kExitCheckFailed);
  CHECK(ended({"cluster", "add", "n3=127.0.0.1", "--url", first.url()}) == cmd::kExitCheckFailed);
  CHECK(ended({"cluster", "add", "n3", "--url", first.url()}) == cmd::kExitUsage);
  REQUIRE(within(20s, [&] { return shards_of(third, "n0") == 4; }));
  CHECK(ended({"cluster", "rebalance", "--url", third.url()}) == cmd::kExitOk);
  CHECK(within(20s, [&] { return shards_of(first, "n2") == 2 && shards_of(second, "n2") == 2; }));
  CHECK(shards_of(first, "n0") == 3);
  CHECK(Client(third.port).post("/v1/accounts", R"({"id":"shop","currency":"GBP"})", "open").status == 201);
  CHECK(ended({"audit", "--url", first.url() + "," + second.url() + "," + third.url()}) == cmd::kExitOk);
  const std::string gone = "away=http://127.0.0.1:" + std::to_string(testing::free_port());
  const auto watched = run_kontor(
      {"cluster", "status", "--watch", "--duration", "2s", "--url", first.url() + "," + third.url() + "," + gone});
  CAPTURE(watched.lines);
  REQUIRE((watched.exit_code == cmd::kExitOk && watched.lines.size() == 1));
  for (const char* words : {"n0: links 2/2, ", "n2: links 2/2, ", "; away down"})
    CHECK(watched.lines.front().find(words) != std::string::npos);
  for (Running* node : {&third, &second, &first}) {
    node->child.signal(SIGTERM);
    CHECK(node->child.wait() == cmd::kExitOk);
  }
}

TEST_CASE("cluster add: a node that nobody knows refuses what it is asked, and ends when it is told to", "[cluster]") {
  Growing cluster;
  Running alone = cluster.start_node(2);
  const Answer answer = Client(alone.port).post("/v1/accounts", R"({"id":"shop","currency":"GBP"})", "open");
  CHECK(answer.status == 503);
  CHECK(answer.text("code") == "shard_unreachable");
  alone.child.signal(SIGTERM);
  CHECK(alone.child.wait() == cmd::kExitOk);
}

}  // namespace kontor::tests
