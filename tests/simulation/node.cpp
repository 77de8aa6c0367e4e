#include "tests/simulation/node.hpp"

#include <algorithm>

#include "actors/shard_actors.hpp"
#include "persistence/store_memory.hpp"
#include "tests/simulation/as_bytes.hpp"
#include "tests/support/recovered_state.hpp"

namespace kontor::sim {

using testing::ManualJournal;

namespace {
constexpr std::size_t kFilterKeys = 256, kTinyFilterKeys = 64;
constexpr std::size_t kTinyBatch = 3;
constexpr std::size_t kTinyTombstones = 32;

template <class Handle>
const caf::resumable* job_of(const Handle& handle) {
  return dynamic_cast<const caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(handle));
}
}  // namespace

Node::Node(Surroundings& around, Judge& judge, testing::Puppets& puppets, Outlet& outlet, ShardId id)
    : around_(around),
      judge_(judge),
      puppets_(puppets),
      outlet_(outlet),
      id_(id),
      random_(around.options.seed, std::uint64_t{100} + id),
      store_(persistence::Store::in_memory()),
      mirror_(around.options.mirror ? persistence::Store::in_memory() : nullptr) {
  constexpr std::int64_t kSkewNs = 300'000'000'000;
  if (around.options.on(Fault::clock_skew) && around.happened(Fault::clock_skew))
    clock_ns_ = random_.between(0, kSkewNs);
}

bool Node::recover(persistence::RecoveredShard& recovered, std::unique_ptr<persistence::KeyIndex>& keys) {
  const bool tiny = around_.options.tiny_limits;
  persistence::KeyIndex::Tuning tuning;
  if (tiny) tuning = {4, 8, 8, 2'048};
  if (around_.options.long_checkpoints) tuning.written_entries = 0;
  keys = std::make_unique<persistence::KeyIndex>(*store_, journal_.get(), tiny ? kTinyFilterKeys : kFilterKeys, tuning);
  std::string why = "key index";
  if (keys->load()) {
    auto found = persistence::recover(*store_, format(), keys.get(), &why, persistence::Replay::in_turn);
    if (found) recovered = std::move(*found);
    if (found && tiny)  // One submission is never split, so one batch may bury a whole burst.
      recovered.order.tombstones_max = recovered.inventory.tombstones_max = recovered.payment.tombstones_max =
          std::max<std::size_t>(kTinyTombstones, around_.options.burst);
    if (found) return true;
  }
  judge_.fail("shard " + std::to_string(id_) + " does not recover: " + why);
  return false;
}

void Node::start() {
  if (++life_ > 1) check_mirror();
  ++around_.counters.recoveries;
  journal_ = std::make_unique<ManualJournal>(*store_, actors::next_position(*store_));
  persistence::RecoveredShard recovered;
  std::unique_ptr<persistence::KeyIndex> keys;
  if (!recover(recovered, keys)) return stop();
  if (around_.options.on(Fault::crash_in_recovery) && life_ > 1 && random_.chance(150)) {
    around_.happened(Fault::crash_in_recovery);  // It only reads: the second attempt must find the same.
    const auto next = recovered.next;
    if (!recover(recovered, keys)) return stop();
    judge_.must(recovered.next == next, [&] { return std::string("recovery wrote something"); });
  }
  journal_->on_written = [this](const ManualJournal::Item& item) { on_written(item); };
  journal_->on_queued = [this] { begin_sync(); };
  around_.trace.add(around_.time.now_ns(), "opens life ", id_, Trace::kNowhere, recovered.incarnation,
                    [&] { return std::to_string(recovered.incarnation); });

  fabric_ = std::make_unique<actors::Fabric>(around_.options.shards);
  fabric_->now_ns = [this] { return now_ns(); };
  fabric_->steady_ns = [this] { return around_.time.now_ns(); };
  fabric_->key_retention = std::chrono::milliseconds(around_.options.key_retention_ms);
  fabric_->protocol = around_.options.protocol;
  fabric_->storage_full = [this] { return full; };
  for (ShardId other = 0; other < around_.options.shards; ++other)
    if (other != id_) fabric_->shards[other].coordinator = make_port(puppets_.system(), outlet_, id_, other);
  actors::CoordinatorOptions options{0, [] { return std::uint64_t{0}; }};
  if (around_.options.tiny_limits) options.batch_transactions_max = kTinyBatch;
  actors::spawn_actors(puppets_.system(), {id_, fabric_.get(), journal_.get()}, std::move(options), *store_,
                       std::move(keys), recovered);
  puppets_.hush();
  const auto& own = actors();
  jobs_ = {job_of(own.coordinator), job_of(own.order), job_of(own.inventory), job_of(own.payment)};
  journal_->on_durable = [this](Position position) {
    if (up()) caf::anon_send(actors().coordinator, actors::Durable{position});
  };
  if (on_open) on_open(*this);
}

void Node::stop() {
  jobs_ = {};
  if (journal_) journal_->on_queued = nullptr;  // An actor may take one more message before it sees its end.
  syncing_ = false;
  if (fabric_) {
    auto& own = actors();
    puppets_.kill(own.coordinator), puppets_.kill(own.order);
    puppets_.kill(own.inventory), puppets_.kill(own.payment);
  }
  fabric_.reset();
  journal_.reset();
}

std::optional<persistence::RecoveredShard> Node::check_mirror() {
  if (!mirror_) return {};
  ++around_.counters.mirrored;
  testing::RecoveredState cut(*store_, format(), judge_.orders(), judge_.keys());
  testing::RecoveredState whole(*mirror_, format(), judge_.orders(), judge_.keys());
  const std::string lines = testing::disagreement(cut, whole);
  judge_.must(lines.empty(), [&] { return "store | mirror of shard " + std::to_string(id_) + lines; });
  if (cut.facts.contains("error")) return {};
  return std::move(cut.shard);
}

bool Node::dies_at(Fault point) {
  if (!due(point)) return false;
  crash(point, down_ns_);
  return true;
}

void Node::crash(Fault why, std::int64_t down_ns) {
  if (!up()) return;
  armed_.reset();
  around_.happened(why);
  beginning_ = static_cast<std::size_t>(why);
  ++around_.counters.crashes;
  around_.trace.add(around_.time.now_ns(), "dies ", id_, Trace::kNowhere, journal_->queued(),
                    [&] { return std::string(to_string(why)); });
  stop();
  on_crash(*this, why);
  if (on_machine) return on_machine(*this, down_ns);
  around_.time.after(down_ns, [this, life = life_] {
    if (!up() && life_ == life) start();
  });
}

void Node::deliver(const caf::message& message) {
  if (!up()) return;
  const auto hand = [this](const caf::message& what) {
    caf::actor_cast<caf::strong_actor_ptr>(actors().coordinator)
        ->enqueue(nullptr, caf::make_message_id(), what, nullptr);
  };
  if (!around_.options.as_bytes) return hand(message);
  const auto read = as_bytes(message, id_, around_.options.shards);
  judge_.must(read.has_value(), [&] { return "the wire cannot read " + std::string(name(message)); });
  if (read) hand(*read);
}

// --- The disk: what is queued when a write begins is one commit; what gathers meanwhile is the next.

void Node::begin_sync() {
  if (std::exchange(syncing_, true)) return;
  const std::int64_t usual_ns = around_.options.disk_us * 1'000;
  std::int64_t takes_ns = random_.between(usual_ns / 2, usual_ns * 2);
  if (slow_until_ns_ > around_.time.now_ns()) takes_ns *= slow_;
  // What comes while it runs is the next commit, or just made it into this one.
  const std::size_t begun = random_.chance(500) ? journal_->queued() : ManualJournal::kAll;
  around_.time.after(takes_ns, [this, life = life_, begun] {
    if (!up() || life_ != life) return;
    syncing_ = false;
    if (!paused()) return end_sync(std::min(begun, journal_->queued()));
    around_.time.after(paused_until_ns_ - around_.time.now_ns(), [this, life] {
      if (up() && life_ == life && !syncing_ && journal_->queued() > 0) begin_sync();
    });
  });
}

/// The points at which a write can be cut short.
bool Node::dies_in_sync(std::size_t count) {
  if (dies_at(Fault::crash_before_sync)) return true;
  if (armed_ == Fault::sync_error_absent) return crash(Fault::sync_error_absent, down_ns_), true;
  const bool torn = due(Fault::crash_torn_queue);
  const bool untold = !torn && due(Fault::crash_after_sync);
  const bool failed = armed_ == Fault::sync_error_present;
  if (!torn && !untold && !failed) return false;
  journal_->commit_untold(torn ? random_.index(count + 1) : count);
  crash(torn ? Fault::crash_torn_queue : untold ? Fault::crash_after_sync : Fault::sync_error_present, down_ns_);
  return true;
}

void Node::end_sync(std::size_t count) {
  if (dies_in_sync(count)) return;
  ++around_.counters.commits;
  journal_->commit(count);
  around_.trace.add(around_.time.now_ns(), "durable ", id_, Trace::kNowhere, journal_->durable(),
                    [&] { return "up to " + std::to_string(journal_->durable()); });
  if (journal_->queued() > 0) begin_sync();
}

void Node::on_written(const ManualJournal::Item& item) {
  judge_.on_written(id_, item);
  if (!mirror_) return;
  // The same bytes, which a second sealing would only cost.
  if (item.what == ManualJournal::Item::What::append) {
    auto& records = mirror_->memory()->of(item.stream);
    records.insert(records.end(), *store_->memory()->of(item.stream).rbegin());
  }
  const bool format = item.what == ManualJournal::Item::What::put && item.kind == persistence::RecordKind::meta_format;
  const bool ages = item.what == ManualJournal::Item::What::put && item.kind == persistence::RecordKind::key_ages;
  if (format || ages) ManualJournal::write_to(*mirror_, item);
}

}  // namespace kontor::sim
