#include "bench/cluster/node.hpp"

#include <iostream>
#include <stdexcept>
#include <thread>

#include <boost/json.hpp>
#include <unistd.h>

#include "actors/cluster/node.hpp"
#include "actors/engine.hpp"
#include "cmd/kontor/cluster/certificates.hpp"
#include "cmd/kontor/load/driver.hpp"
#include "cmd/kontor/load/process_usage.hpp"
#include "cmd/kontor/load/seeding.hpp"

namespace kontor::bench {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kConnectMax{30}, kWarmUp{1};

/// Waits until all nodes have come here.
void meet(const Part& part) {
  char byte = '.';
  if (::write(part.to_parent, &byte, 1) != 1 || ::read(part.from_parent, &byte, 1) != 1)
    throw std::runtime_error("the other nodes are gone");
}

std::shared_ptr<Node> make_node(const Part& part) {
  if (part.members.empty()) return nullptr;
  ClusterOptions options;
  options.node = part.members[part.number].node, options.members = part.members, options.shards = part.plan.shards;
  const auto files = cmd::node_files(part.certificates, options.node);
  options.certificate = files.certificate, options.key = files.key;
  options.authority = cmd::authority_files(part.certificates).certificate;
  std::string why;
  auto node = Node::make(options, &why);
  if (!node) throw std::runtime_error(why);
  return *node;
}

std::unique_ptr<Engine> open(const Part& part, const std::shared_ptr<Node>& node) {
  EngineOptions options;
  options.dir = part.dir;
  options.open_transactions_max =
      std::max(options.open_transactions_max, 2 * part.plan.drivers * part.plan.outstanding);
  if (node)
    options.cluster = node->cluster();
  else
    options.shards = part.plan.shards;
  std::string why;
  auto engine = Engine::open(options, &why);
  if (!engine) throw std::runtime_error(why);
  return std::move(*engine);
}

void await_links(const Node* node) {
  const auto until = std::chrono::steady_clock::now() + kConnectMax;
  const auto linked = [&] {
    for (const PeerStatus& peer : node->peers())
      if (!peer.connected) return false;
    return true;
  };
  while (node && !linked()) {
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("a node is not reached");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

struct Counts {
  double forced = 0, records = 0, journal_bytes = 0, messages = 0, frames = 0, bytes = 0, cpu_s = 0;
};

Counts counts(const Engine& engine, const Node* node) {
  const EngineCounters counters = engine.counters();
  Counts out;
  out.forced = static_cast<double>(counters.journal_commits);
  out.records = static_cast<double>(counters.journal_records);
  out.journal_bytes = static_cast<double>(counters.journal_bytes);
  out.cpu_s = cmd::process_cpu_s();
  for (const PeerStatus& peer : node ? node->peers() : std::vector<PeerStatus>()) {
    out.messages += static_cast<double>(peer.messages_sent);
    out.frames += static_cast<double>(peer.frames_sent);
    out.bytes += static_cast<double>(peer.bytes_sent);
  }
  return out;
}

/// So many seconds of it; a run has checkouts of its own.
cmd::Tally drive(Engine& engine, const Part& part, std::uint32_t run, std::chrono::nanoseconds duration) {
  cmd::WorkloadOptions options = part.plan.workload;
  options.shards = part.plan.shards;
  if (part.plan.keys_at_home) options.keys_home = static_cast<ShardId>(part.number);
  const cmd::Workload workload(options, run);
  cmd::DriveOptions how;
  how.duration = duration, how.outstanding = part.plan.outstanding, how.rate_per_s = part.plan.rate_per_s;
  cmd::Driver driver(workload, how, [&](auto requests, OnOutcomes then) { engine.submit(requests, std::move(then)); });
  return driver.run({}, std::atomic<bool>(false));
}

void seed_shop(Engine& engine, const Part& part) {
  cmd::WorkloadOptions options = part.plan.workload;
  options.shards = part.plan.shards;
  std::string why;
  const auto submit = [&](auto requests, OnOutcomes then) { engine.submit(requests, std::move(then)); };
  if (!cmd::seed(
          cmd::Workload(options, 1), submit, [](auto, auto) {}, why))
    throw std::runtime_error(why);
}

void report(const Part& part, const cmd::Tally& tally, const Counts& before, const Counts& after) {
  const json::object line{{"committed", tally.committed},
                          {"refused", tally.answered() - tally.committed},
                          {"elapsed_s", tally.elapsed_s},
                          {"p50_us", static_cast<double>(tally.latency.quantile(0.5)) / 1e3},
                          {"p99_us", static_cast<double>(tally.latency.quantile(0.99)) / 1e3},
                          {"cpu_s", after.cpu_s - before.cpu_s},
                          {"forced", after.forced - before.forced},
                          {"records", after.records - before.records},
                          {"journal_bytes", after.journal_bytes - before.journal_bytes},
                          {"messages", after.messages - before.messages},
                          {"frames", after.frames - before.frames},
                          {"bytes", after.bytes - before.bytes}};
  const std::string text = json::serialize(line) + "\n";
  if (::write(part.to_parent, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("nobody listens");
}

void run(const Part& part) {
  const auto node = make_node(part);
  const auto engine = open(part, node);
  await_links(node.get());
  meet(part);
  if (part.number == 0) seed_shop(*engine, part);
  meet(part);
  const bool drives = part.number < part.plan.drivers;
  const auto number = static_cast<std::uint32_t>(2 + 2 * part.number);
  if (drives) drive(*engine, part, number, kWarmUp);
  meet(part);
  const Counts before = counts(*engine, node.get());
  cmd::Tally tally;
  if (drives)
    tally =
        drive(*engine, part, number + 1, std::chrono::nanoseconds(static_cast<std::int64_t>(part.plan.seconds * 1e9)));
  meet(part);
  report(part, tally, before, counts(*engine, node.get()));
  meet(part);  // Nobody goes while another still needs it.
  engine->close();
}

}  // namespace

int be_node(const Part& part) {
  try {
    run(part);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "cluster: node " << part.number << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace kontor::bench
