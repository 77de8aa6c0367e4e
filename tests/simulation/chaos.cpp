#include "tests/simulation/chaos.hpp"

#include <algorithm>
#include <array>

namespace kontor::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kHour = 3'600'000 * kMillisecond;

constexpr std::array kDisruptions = {
    Fault::crash_before_append, Fault::crash_before_sync,  Fault::crash_torn_queue,  Fault::crash_after_sync,
    Fault::crash_after_send,    Fault::crash_coordinator,  Fault::crash_participant, Fault::crash_together,
    Fault::sync_error_present,  Fault::sync_error_absent,  Fault::link_clogged,      Fault::partition_full,
    Fault::partition_one_way,   Fault::partition_bridging, Fault::disk_slow,         Fault::disk_full,
    Fault::clock_forward,       Fault::clock_back,         Fault::shard_paused};

}  // namespace

Chaos::Chaos(Surroundings& around, std::vector<std::unique_ptr<Node>>& nodes, Network& network)
    : around_(around), nodes_(nodes), network_(network), random_(around.options.seed, 5) {
  for (unsigned i = 0; i < around.options.disruptions; ++i) due_.push_back(random_.index(around.options.operations));
  std::sort(due_.rbegin(), due_.rend());
}

void Chaos::pump(std::size_t asked) {
  if (healed_) return;
  for (; seen_ < asked; ++seen_)
    if (random_.chance(around_.options.checkpoint_permille)) checkpoint();
  for (; !due_.empty() && due_.back() < asked; due_.pop_back())
    around_.time.after(random_.between(0, 5'000'000), [this] {
      if (!healed_) disrupt();
    });
}

void Chaos::checkpoint() {
  Node& node = any();
  if (!node.up()) return;
  ++around_.counters.checkpoints;
  caf::anon_send(node.actors().coordinator, actors::Checkpoint{nullptr});
}

void Chaos::disrupt() {
  const Fault kind = kDisruptions[random_.index(kDisruptions.size())];
  if (!around_.options.on(kind)) return;
  const std::int64_t for_ns = random_.between(5, random_.chance(300) ? 5'000 : 500) * kMillisecond;
  around_.trace.add(around_.time.now_ns(), "begins ", Trace::kNowhere, Trace::kNowhere,
                    static_cast<std::uint64_t>(for_ns), [&] { return std::string(to_string(kind)); });
  switch (kind) {
    case Fault::link_clogged: around_.happened(kind); return clog(for_ns);
    case Fault::partition_full:
    case Fault::partition_one_way:
    case Fault::partition_bridging: return partition(kind);
    case Fault::disk_slow: around_.happened(kind); return any().slow_down(for_ns, 20);
    case Fault::disk_full: {
      Node& node = any();
      node.full = true;
      return around_.time.after(for_ns, [&node] { node.full = false; });
    }
    case Fault::clock_forward: around_.happened(kind); return any().jump(random_.between(kMillisecond, kHour));
    case Fault::clock_back: around_.happened(kind); return any().jump(-random_.between(kMillisecond, kHour));
    case Fault::shard_paused: around_.happened(kind); return any().pause(for_ns);
    default: return crash_some(kind);
  }
}

void Chaos::crash_some(Fault kind) {
  const auto chosen = [&](const auto& fits) -> Node* {
    const std::size_t first = random_.index(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (Node& node = *nodes_[(first + i) % nodes_.size()]; node.up() && fits(node)) return &node;
    return nullptr;
  };
  switch (kind) {
    case Fault::crash_coordinator:  // Something was begun here and is not answered.
      if (Node* node = chosen([](Node& n) { return n.actors().in_doubt == 0 && n.queued() > 0; }))
        node->crash(kind, down_ns());
      return;
    case Fault::crash_participant:
      if (Node* node = chosen([](Node& n) { return n.actors().in_doubt > 0; })) node->crash(kind, down_ns());
      return;
    case Fault::crash_together:
      for (const auto& node : nodes_)
        if (random_.chance(700)) node->crash(kind, down_ns());
      return;
    default:
      if (Node* node = chosen([](Node& n) { return !n.armed(); })) node->arm(kind, down_ns());
  }
}

/// One link, or all links to one machine.
void Chaos::clog(std::int64_t for_ns) {
  const MemberId to = any_machine();
  const bool all = random_.chance(500);
  const MemberId from = any_machine();
  for (MemberId each = 0; each < around_.options.machines(); ++each)
    if (each != to && (all || each == from)) network_.clog(each, to, for_ns);
}

void Chaos::partition(Fault kind) {
  around_.happened(kind);
  const std::int64_t for_ns = random_.between(20, random_.chance(300) ? 6'000 : 900) * kMillisecond;
  const MemberId machines = around_.options.machines();
  const MemberId bridge = any_machine();
  std::vector<bool> left(machines);
  for (MemberId id = 0; id < machines; ++id) left[id] = random_.chance(500);
  for (MemberId from = 0; from < machines; ++from) {
    for (MemberId to = 0; to < machines; ++to) {
      if (from == to || left[from] == left[to]) continue;
      if (kind == Fault::partition_bridging && (from == bridge || to == bridge)) continue;
      if (kind == Fault::partition_one_way && left[from]) continue;
      network_.cut(from, to, for_ns);
    }
  }
}

void Chaos::on_crash(Node& node, Fault) {
  if (around_.options.on(Fault::stale_duplicate) && random_.chance(500)) network_.haunt(node.id());
  constexpr std::array kSecond = {Fault::crash_before_append, Fault::crash_before_sync, Fault::crash_torn_queue,
                                  Fault::crash_after_sync};
  if (!healed_ && around_.options.on(Fault::crash_twice) && random_.chance(250)) {
    around_.happened(Fault::crash_twice);
    const Fault second = kSecond[random_.index(kSecond.size())];
    node.arm(second, down_ns());
  }
}

void Chaos::heal() {
  healed_ = true;
  network_.heal();
  for (const auto& node : nodes_) {
    node->disarm();
    node->full = false;
    node->pause(0);
    node->slow_down(0, 1);
  }
}

}  // namespace kontor::sim
