#include <algorithm>
#include <cstdio>
#include <thread>

#include "actors/cluster.hpp"
#include "actors/engine_directory.hpp"
#include "actors/engine_impl.hpp"
#include "actors/intake.hpp"
#include "actors/price_fetch.hpp"
#include "domain/placement.hpp"

namespace kontor {
namespace {

constexpr std::size_t kPlannedAhead = 16;  // Requests whose prices are fetched together: their cache misses overlap.

using actors::Fabric;
using persistence::DirectoryLock;

std::int64_t unix_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct SystemConfig : caf::actor_system_config {
  SystemConfig(std::size_t threads, actors::Cluster* cluster) {
    // Sharing wakes sleeping workers at once; stealing polls. Throughput 100 keeps self-sending actors from starving
    // their worker. See the measurements in ARCHITECTURE.md.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads",
        threads != 0 ? threads : std::max<std::size_t>(2, std::thread::hardware_concurrency()));
    set("scheduler.max-throughput", std::size_t{100});
    if (cluster) cluster->configure(*this);
  }
};

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::committed: return "committed";
    case Verdict::aborted: return "aborted";
    case Verdict::unknown: return "unknown";
  }
  return "unlisted";
}

Result<void> Engine::Impl::open_all(std::string* explanation) {
  const auto started = std::chrono::steady_clock::now();
  std::uint16_t count = 0;
  bool must_be_fresh = false;
  if (options.cluster) {
    if (auto placed = options.cluster->open(options.dir, explanation); !placed) return placed;
    count = options.cluster->shards();
  } else {
    const auto found = persistence::shards_in(options.dir);
    const auto wanted = shards_of(options, found, explanation);
    if (!wanted) return wanted.error();
    count = *wanted;
    must_be_fresh = found.size() < count;  // A new shard beside an old one would pass for one that lost everything.
  }
  fabric = std::make_unique<Fabric>(count);
  fabric->now_ns = unix_now_ns;
  fabric->steady_ns = steady_now_ns;
  fabric->key_retention = options.key_retention;
  fabric->protocol = options.protocol;
  fabric->admission = [this](ShardId home, std::size_t more_bytes) {
    return admission(home, more_bytes, storage_full());
  };
  fabric->open_bytes_max = open_bytes_max();
  fabric->storage_full = [this] { return storage_full(); };
  if (options.cluster) {
    fabric->patience = kPatienceDefault;
    fabric->on_listed = [this](std::span<const Product> products) { options.cluster->list(products); };
  }
  for (ShardId id = 0; id < count; ++id) {
    if (options.cluster && !options.cluster->here(id)) continue;
    auto shard = open_shard(id, count, explanation);
    if (!shard) return shard.error();
    const persistence::RecoveredShard& recovered = (*shard)->recovered();
    if (must_be_fresh && !recovered.fresh)
      return refuse_dir(options, Errc::incompatible_format,
                        "only " + std::to_string(persistence::shards_in(options.dir).size()) + " of its " +
                            std::to_string(count) + " shards are there",
                        explanation);
    recovery.records += recovered.records;
    recovery.transactions += recovered.transactions;
    recovery.committed += recovered.committed;
    recovery.aborted += recovered.aborted + recovered.presumed_aborted;
    recovery.in_doubt += recovered.in_doubt.size();
    shards.push_back(std::move(*shard));
  }
  recovery.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return {};
}

Result<std::shared_ptr<actors::Shard>> Engine::Impl::open_shard(ShardId id, std::uint16_t count,
                                                                std::string* explanation) {
  auto shard =
      actors::Shard::open({id, count, persistence::shard_dir(options.dir, id), options.map_bytes, options.reserve_bytes,
                           options.checkpoint_journal_bytes, [this](const std::string& text) { fail(text); }},
                          explanation);
  if (!shard) return shard.error();
  return std::shared_ptr<actors::Shard>(std::move(*shard));
}

void Engine::Impl::start() {
  config = std::make_unique<SystemConfig>(options.worker_threads, options.cluster.get());
  system = std::make_unique<caf::actor_system>(*config);
  // All handles first: a coordinator may write to any other shard in its first message.
  if (options.cluster) options.cluster->join(*system, *fabric, *this);
  fabric->complete = false;
  for (auto& shard : shards) shard->spawn(*system, *fabric);
  fabric->complete = true;
  for (auto& shard : shards) shard->start();
  if (options.cluster) options.cluster->serve();
  // The system waits at its end for every thread that still holds its logger, as this one does by now: without this,
  // only the thread that opened an engine could close it.
  caf::logger::set_current_actor_system(nullptr);
}

Error Engine::Impl::admission(ShardId home, std::size_t more_bytes, bool full) const {
  const Fabric::Shard& shard = fabric->shards[home];
  if (shard.open_transactions >= options.open_transactions_max) return {Errc::overloaded, "open transactions"};
  if (shard.open_bytes + more_bytes >= open_bytes_max()) return {Errc::overloaded, "open bytes"};
  if (full) return {Errc::storage_full, "storage"};
  return {};
}

void Engine::Impl::submit(std::span<const Request> requests, const OnOutcomes& on_outcomes, bool may_fetch) {
  const auto count = static_cast<std::uint16_t>(fabric->size());
  const std::int64_t now_ns = fabric->now_ns();
  actors::Intake intake(count, requests.size(), fabric->protocol, now_ns, fabric->deadline_from(now_ns));
  const bool no_room = storage_full();
  std::vector<Outcome> refused;
  std::vector<std::shared_ptr<actors::Amend::List>> amendments(count);
  std::vector<actors::Unpriced> unpriced;
  const auto refuse = [&](std::size_t index, const Error& error) {
    refused.push_back({static_cast<std::uint32_t>(index), Verdict::aborted, false, {}, error});
  };
  {
    const actors::Catalog::View prices(fabric->catalog);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (i % kPlannedAhead == 0)
        for (const Request& next : requests.subspan(i, std::min(kPlannedAhead, requests.size() - i)))
          if (const auto* checkout = std::get_if<Checkout>(&next.operation)) prices.prefetch(*checkout);
      const Request& request = requests[i];
      const ShardId home = home_of(request.key, count);
      if (const Error full = admission(home, intake.bytes(home), no_room); full.code != Errc::none) {
        refuse(i, full);
        continue;
      }
      if (const OrderId* order = actors::order_amended(request.operation)) {
        if (request.key.empty()) {
          refuse(i, {Errc::invalid_argument, "idempotency_key"});
        } else if (!*order || order->shard >= count) {
          refuse(i, {Errc::unknown_order, "order"});
        } else {
          auto& list = amendments[order->shard];
          if (!list) list = std::make_shared<actors::Amend::List>();
          list->requests.push_back(request);
          list->indexes.push_back(static_cast<std::uint32_t>(i));
          ++fabric->shards[home].open_transactions;
        }
        continue;
      }
      if (auto added = intake.add(request, static_cast<std::uint32_t>(i), prices); !added) {
        if (may_fetch && added.code() == Errc::unknown_sku && std::holds_alternative<Checkout>(request.operation))
          unpriced.push_back({static_cast<std::uint32_t>(i), request, {}});
        else
          refuse(i, added.error());
        continue;
      }
      ++fabric->shards[home].open_transactions;
    }
  }
  for (ShardId shard = 0; shard < count; ++shard) {
    if (auto& list = amendments[shard]) {
      list->on_outcomes = on_outcomes;
      caf::anon_send(fabric->shards[shard].order, actors::Amend{std::move(list)});
    }
    if (auto submission = intake.take(shard)) {
      submission->on_outcomes = on_outcomes;
      fabric->shards[shard].open_bytes += submission->bytes;
      caf::anon_send(fabric->shards[shard].coordinator, actors::Submit{std::move(submission)});
    }
  }
  if (!unpriced.empty()) fetch_prices(std::move(unpriced), on_outcomes);
  if (refused.empty()) return;
  fabric->totals.aborted += refused.size();
  fabric->totals.count_codes(refused);
  on_outcomes(refused);
}

/// Checkouts of products whose price this node has not heard yet: asks their homes, then submits once more.
void Engine::Impl::fetch_prices(std::vector<actors::Unpriced> unpriced, const OnOutcomes& on_outcomes) {
  ++fetching;
  actors::fetch_prices(*fabric, std::move(unpriced), [this, on_outcomes](std::span<const actors::Unpriced> priced) {
    std::vector<Request> requests;
    std::vector<std::uint32_t> indexes;
    requests.reserve(priced.size()), indexes.reserve(priced.size());
    std::vector<Outcome> refused;
    for (const actors::Unpriced& each : priced) {
      if (each.refusal.code != Errc::none) {
        refused.push_back({each.index, Verdict::aborted, false, {}, each.refusal});
      } else {
        requests.push_back(each.request), indexes.push_back(each.index);
      }
    }
    fabric->totals.aborted += refused.size();
    fabric->totals.count_codes(refused);
    if (!refused.empty()) on_outcomes(refused);
    const auto told = [on_outcomes, indexes](std::span<const Outcome> outcomes) {
      std::vector<Outcome> mapped(outcomes.begin(), outcomes.end());
      for (Outcome& outcome : mapped) outcome.index = indexes[outcome.index];
      on_outcomes(mapped);
    };
    if (!requests.empty()) submit(requests, told, false);
    --fetching;
  });
}

/// Waits until everything admitted is answered and nothing is owed to another shard; then whatever is left is unknown.
void Engine::Impl::drain() {
  const auto until = std::chrono::steady_clock::now() + kDrainTimeoutMax;
  while (open_transactions() + fetching > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (const auto& shard : open_shards()) shard->give_up(kDrainTimeoutMax);
}

void Engine::Impl::close() {
  {
    std::unique_lock guard(mutex);
    if (std::exchange(closing, true)) {
      idle.wait(guard, [this] { return closed; });
      return;
    }
    idle.wait(guard, [this] { return inside == 0; });
  }
  if (system) {
    if (options.cluster) options.cluster->settle();
    drain();
    if (options.cluster) options.cluster->leave();
    for (auto& shard : shards) shard->stop();
    system->await_all_actors_done();
    for (auto& shard : fabric->shards)
      shard.coordinator = nullptr, shard.order = nullptr, shard.inventory = nullptr, shard.payment = nullptr;
    system.reset();
  }
  shards.clear();  // Writes what is queued and ends the journals.
  lock.reset();
  const std::lock_guard guard(mutex);
  closed = true;
  idle.notify_all();
}

Engine::Engine() : impl_(std::make_unique<Impl>()) {}
Engine::~Engine() { close(); }

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options, std::string* explanation) {
  std::unique_ptr<Engine> engine(new Engine);
  Impl& impl = *engine->impl_;
  impl.options = options;
  if (options.key_retention.count() < 0 || options.key_retention > kKeyRetentionMax) {
    if (explanation) *explanation = "idempotency keys are kept for ten years at most, or for ever (0)";
    return Error{Errc::invalid_argument, "key_retention"};
  }
  auto lock = DirectoryLock::exclusive(options.dir, explanation);
  if (!lock) return lock.error();
  impl.lock = std::move(*lock);
  if (auto opened = impl.open_all(explanation); !opened) return opened.error();
  impl.start();
  return engine;
}

void Engine::submit(std::span<const Request> requests, OnOutcomes on_outcomes) {
  const auto refuse_all = [&](const Error& error) {
    std::vector<Outcome> refused;
    for (std::uint32_t i = 0; i < requests.size(); ++i) refused.push_back({i, Verdict::aborted, false, {}, error});
    if (!refused.empty()) on_outcomes(refused);
  };
  const Impl::Entry entry(*impl_);
  if (!entry) return refuse_all({Errc::shutting_down, "engine"});
  impl_->fabric->totals.submitted += requests.size();
  if (requests.size() > kSubmitRequestsMax) {
    impl_->fabric->totals.aborted += requests.size();
    impl_->fabric->totals.aborted_by_code[static_cast<std::size_t>(Errc::too_large)] += requests.size();
    return refuse_all({Errc::too_large, "requests"});
  }
  impl_->submit(requests, on_outcomes, impl_->options.cluster != nullptr);
}

std::future<Outcome> Engine::submit(Request request) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  auto future = promise->get_future();
  submit(std::span<const Request>(&request, 1),
         [promise](std::span<const Outcome> outcomes) { promise->set_value(outcomes.front()); });
  return future;
}

const RecoveryReport& Engine::recovery() const { return impl_->recovery; }

std::uint16_t Engine::shards() const { return impl_->fabric->size(); }

const std::filesystem::path& Engine::dir() const { return impl_->options.dir; }
namespace {
/// What one shard's actors show of themselves.
void add_shard(const Fabric::Shard& shard, std::int64_t now_ns, EngineCounters& out) {
  out.open += shard.open_transactions, out.open_bytes += shard.open_bytes, out.gathered += shard.gathered;
  out.in_doubt += shard.in_doubt, out.reservations += shard.reservations;
  out.keys_kept += shard.keys_kept, out.keys_forgotten += shard.keys_dropped;
  const std::int64_t since_ns = shard.in_doubt_since_ns;
  if (since_ns != 0 && shard.in_doubt != 0) out.oldest_doubt_ns = std::max(out.oldest_doubt_ns, now_ns - since_ns);
}
}  // namespace

EngineCounters Engine::counters() const {
  const Impl::Entry entry(*impl_);
  EngineCounters out;
  const actors::Totals& totals = impl_->fabric->totals;
  out.submitted = totals.submitted, out.committed = totals.committed, out.aborted = totals.aborted;
  out.unknown = totals.unknown, out.replayed = totals.replayed, out.begun = totals.begun;
  out.prepared = totals.prepared, out.checkpoints = totals.checkpoints;
  for (std::size_t code = 0; code < out.aborted_by_code.size(); ++code)
    out.aborted_by_code[code] = totals.aborted_by_code[code];
  out.phases = {totals.voting.counts(), totals.deciding.counts(), totals.answering.counts()};
  out.open_max = impl_->options.open_transactions_max * shards();
  out.open_bytes_max = impl_->open_bytes_max() * shards();
  out.expired = totals.expired;
  for (const auto& shard : impl_->fabric->shards) add_shard(shard, unix_now_ns(), out);
  if (!entry) return out;  // The journals are gone.
  for (const auto& shard : impl_->open_shards()) {
    const auto journal = shard->journal().counters();
    out.journal_commits += journal.commits, out.journal_records += journal.records, out.journal_bytes += journal.bytes;
    out.journal_sync_ns += journal.sync_ns, out.journal_queued_bytes += shard->journal().queued_bytes();
    out.storage_full = out.storage_full || shard->journal().storage_full();
  }
  return out;
}

void Engine::checkpoint() {
  const Impl::Entry entry(*impl_);
  if (!entry) return;
  std::vector<std::future<void>> waiting;
  for (const auto& shard : impl_->open_shards()) {
    auto done = std::make_shared<std::promise<void>>();
    waiting.push_back(done->get_future());
    caf::anon_send(impl_->fabric->shards[shard->id()].coordinator,
                   actors::Checkpoint{std::make_shared<std::function<void()>>([done] { done->set_value(); })});
  }
  for (auto& future : waiting) future.wait();
}

void Engine::close() { impl_->close(); }

}  // namespace kontor
