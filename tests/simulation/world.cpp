#include "tests/simulation/world.hpp"

#include <algorithm>

#include "tests/simulation/final_checks.hpp"

namespace kontor::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kTimersEveryNs = 20 * kMillisecond;
constexpr std::int64_t kStepNs = 3'000;  // An actor's turn takes time, so that other things happen beside it.
constexpr unsigned kIdleStepsMax = 16;   // Then time moves on to what they wait for.
constexpr std::int64_t kOpeningNs = 20'000 * kMillisecond;
constexpr std::int64_t kChaosNs = 120'000 * kMillisecond;
constexpr std::int64_t kLastWordsNs = 4'000 * kMillisecond;
constexpr std::int64_t kHealingNs = 60'000 * kMillisecond;

}  // namespace

World::World(testing::Puppets& puppets, const Options& options, Trace& trace, Counters& counters,
             std::vector<std::uint64_t> crashes)
    : around_{options, trace, counters, {std::move(crashes)}, {}},
      puppets_(puppets),
      random_(options.seed, 6),
      judge_(around_),
      network_(
          around_, [this](const Parcel& parcel) { deliver(parcel); },
          [this](ShardId from, ShardId to, const caf::message& message) { on_send(from, to, message); }),
      clients_(around_, judge_, nodes_),
      chaos_(around_, nodes_, network_) {
  for (ShardId id = 0; id < options.shards; ++id) {
    nodes_.push_back(std::make_unique<Node>(around_, judge_, puppets_, network_, id));
    nodes_.back()->on_open = [this](Node& node) { clients_.on_open(node.id()); };
    nodes_.back()->on_crash = [this](Node& node, Fault why) { chaos_.on_crash(node, why); };
  }
  if (options.moves > 0) {
    members_ = std::make_unique<Members>(around_, judge_, nodes_, network_);
    network_.use(*members_);
    for (const auto& node : nodes_)
      node->on_machine = [this](Node& of, std::int64_t down_ns) { members_->crash_machine_of(of.id(), down_ns); };
  }
  timers_ns_ = around_.time.now_ns();
}

World::~World() {
  nodes_.clear();
  puppets_.scheduler().clock().cancel_all();
  while (puppets_.step()) {
  }
}

std::string World::run() {
  run_phases();
  around_.counters.virtual_ms += static_cast<std::uint64_t>(around_.time.now_ns() / kMillisecond);
  ++around_.counters.seeds;
  return judge_.failure();
}

void World::run_phases() {
  if (members_)
    members_->begin();
  else
    for (const auto& node : nodes_) node->start();
  const auto answered = [this] { return clients_.all_answered(); };
  clients_.ask_all(Workload::accounts_and_products());
  if (!run_until(answered, kOpeningNs)) return judge_.fail("the opening is not answered:" + clients_.waiting());
  clients_.ask_all(Workload::money_and_stock(around_.options.scarce));
  if (!run_until(answered, kOpeningNs)) return judge_.fail("the stock is not answered:" + clients_.waiting());

  network_.begin_faults();
  around_.plan.counting = true;
  run_until(
      [this] {
        clients_.pump();
        chaos_.pump(clients_.asked());
        if (members_) members_->pump(clients_.asked());
        return clients_.all_asked();
      },
      kChaosNs);
  chaos_.heal(), clients_.heal();
  if (judge_.failed()) return;
  const auto up = [this] { return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n->up(); }); };
  if (!end_moves()) return;
  if (!run_until([&] { return up() && clients_.all_answered(); }, kHealingNs))
    return judge_.fail("not answered after healing:" + clients_.waiting());
  // What is lost is asked for at every second look, and the acknowledgement that is lost may be the last one.
  run_until([] { return false; }, kLastWordsNs);
  if (!run_until([this] { return settled(); }, kHealingNs))
    return judge_.fail("something stays in doubt after healing");
  around_.plan.counting = false;
  clients_.ask_again();
  if (!run_until([&] { return clients_.all_answered() && settled(); }, kHealingNs))
    return judge_.fail("a known key is not answered:" + clients_.waiting());
  // What is late by a clock that went back an hour is so in an hour.
  for (const auto& node : nodes_) node->set_clock();
  if (!run_until([&] { return settled() && !judge_.holds_reservations(); }, kHealingNs))
    return judge_.fail("a reservation does not expire");
  if (judge_.failed()) return;
  if (members_) members_->must_agree();
  judge_.must_be_settled();
  FinalChecks(around_, judge_, nodes_, [this](auto done) { return run_until(done, kOpeningNs); }).run();
}

/// Each has ended one way or the other, and all know how. False: judged.
bool World::end_moves() {
  if (!members_) return true;
  members_->heal();
  if (!run_until([this] { return members_->quiet(); }, kHealingNs))
    judge_.fail("a move does not end: " + members_->unrest());
  return !judge_.failed();
}

template <class Done>
bool World::run_until(const Done& done, std::int64_t at_most_ns) {
  const std::int64_t until_ns = around_.time.now_ns() + at_most_ns;
  while (!judge_.failed() && around_.time.now_ns() < until_ns) {
    if (done()) return true;
    step_or_wait();
  }
  return !judge_.failed() && done();
}

/// One event that is due, or one turn of an actor, or the way to whatever comes next.
void World::step_or_wait() {
  if (around_.time.due()) {
    idle_steps_ = 0;
    return around_.time.run_one();
  }
  if (idle_steps_ < kIdleStepsMax && step_one()) {
    ++idle_steps_;
    return advance(around_.time.now_ns() + kStepNs);
  }
  idle_steps_ = 0;
  std::int64_t next_ns = timers_ns_ + kTimersEveryNs;
  if (!around_.time.empty()) next_ns = std::min(next_ns, around_.time.next_ns());
  advance(std::max(next_ns, around_.time.now_ns()));
}

/// One message of some actor that is not paused. False: there is none.
bool World::step_one() {
  const auto& jobs = puppets_.scheduler().jobs;
  if (jobs.empty()) return false;
  const std::size_t first = random_.index(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::size_t pick = (first + i) % jobs.size();
    const auto owner = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& n) { return n->owns(jobs[pick]); });
    if (owner != nodes_.end() && (*owner)->paused()) continue;
    if (owner != nodes_.end() && (*owner)->dies_at(Fault::crash_before_append)) return true;
    ++around_.counters.steps;
    sent_by_ = -1;
    puppets_.step(pick);
    if (sent_by_ >= 0) nodes_[static_cast<std::size_t>(sent_by_)]->dies_at(Fault::crash_after_send);
    return true;
  }
  return false;
}

void World::advance(std::int64_t to_ns) {
  around_.time.move_to(to_ns);
  if (to_ns - timers_ns_ < kTimersEveryNs) return;
  puppets_.advance(std::chrono::nanoseconds(to_ns - timers_ns_));
  timers_ns_ = to_ns;
}

void World::deliver(const Parcel& parcel) {
  if (members_) {
    if (parcel.message.match_elements<Frame>()) return members_->arrived(parcel.message.get_as<Frame>(0));
    if (!members_->takes(parcel)) return;
  }
  Node& node = *nodes_[parcel.to];
  if (!node.up()) return;
  judge_.on_delivery(parcel.to, parcel.message, node.beginning());
  node.deliver(parcel.message);
}

void World::on_send(ShardId from, ShardId to, const caf::message& message) {
  sent_by_ = from;
  judge_.on_send(from, to, message);
}

/// Nothing is in doubt, on its way or queued: whatever stays claimed now stays claimed for ever.
bool World::settled() {
  if (network_.in_flight() > 0 || puppets_.waiting() > 0) return false;
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
    return node->up() && node->actors().in_doubt == 0 && node->queued() == 0;
  });
}

}  // namespace kontor::sim
