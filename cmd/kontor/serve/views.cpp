#include "cmd/kontor/serve/views.hpp"

#include <algorithm>
#include <future>
#include <system_error>
#include <utility>

#include "cmd/kontor/serve/access.hpp"
#include "persistence/effects.hpp"

namespace kontor::cmd::serve {
namespace {

namespace persisted = persistence::views;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kIdleEvery{200};     // Looks at the log while nobody asks.
constexpr std::chrono::milliseconds kUndecidedEvery{2};  // Looks again for a decision that holds up the log.
constexpr std::chrono::seconds kWantedFor{5};            // Goes on reading for a client that was told to come back.

void add_parties(const Checkout& checkout, persisted::Fact& fact) {
  fact.customer = checkout.customer;
  for (const AccountId& payee : checkout.payees)
    if (std::find(fact.payees.begin(), fact.payees.end(), payee) == fact.payees.end()) fact.payees.push_back(payee);
}

/// Errors: corrupt_journal.
Result<persisted::Fact> fact_of(const Event& event) {
  const TransactionRecord& record = event.record;
  persisted::Fact fact{event.place, record.id, record.enrolled_at_ns, kind_of(record.operation), {}, {}, {}, {}};
  Plan plan;
  if (auto known = persistence::effects_of({record.operation, event.payments, event.stocks}, plan); !known)
    return known.error();
  fact.payments.assign(plan.payments.begin(), plan.payments.end());
  fact.stocks.assign(plan.stocks.begin(), plan.stocks.end());
  if (const Checkout* purchase = purchase_in(record.operation)) add_parties(*purchase, fact);
  return fact;
}

}  // namespace

Views::Views(Engine& engine, ViewsOptions options, std::function<void(const Event&)> on_event)
    : engine_(engine), options_(std::move(options)), on_event_(std::move(on_event)), thread_([this] { run(); }) {}

void Views::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Views::ask(std::function<void(const Result<const Store*>&)> then) {
  ++queries_;
  std::unique_lock lock(mutex_);
  const Errc refusal = stopping_                            ? Errc::shutting_down
                       : waiting_.size() >= kViewQueriesMax ? Errc::overloaded
                                                            : Errc::none;
  if (refusal == Errc::none) {
    waiting_.push_back({Clock::now() + options_.wait_max, std::move(then)});
    lock.unlock();
    return changed_.notify_one();
  }
  lock.unlock();
  ++refused_;
  then(Error{refusal, "views"});
}

ViewsCounters Views::counters() const {
  ViewsCounters out{queries_, refused_, applied_, 0, rebuilds_, bytes_};
  const auto behind = static_cast<std::int64_t>(engine_.counters().committed - up_to_date_ - out.applied);
  out.behind = behind > 0 ? static_cast<std::uint64_t>(behind) : 0;
  return out;
}

void Views::run() {
  for (;;) {
    std::vector<Query> queries;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kIdleEvery, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) break;
      queries.swap(waiting_);
    }
    if (queries.empty())
      idle();
    else
      answer(std::move(queries));
  }
  std::vector<Query> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(waiting_);
  }
  for (const Query& query : left) query.then(Error{Errc::shutting_down, "views"});
  store_.reset();
}

void Views::answer(std::vector<Query> queries) {
  Result<void> ready = open();
  if (ready) ready = catch_up(queries.back().until);
  if (!ready) {
    refused_ += queries.size();
    wanted_until_ = Clock::now() + kWantedFor;
  }
  const Result<const Store*> answer = ready ? Result<const Store*>(store_.get()) : ready.error();
  for (const Query& query : queries) query.then(answer);
}

/// Opens them at the first use, and makes sure that they are of this log.
Result<void> Views::open() {
  if (store_) return {};
  auto store = Store::open(options_.dir, engine_.shards(), options_.map_bytes);
  if (!store) return store.error();
  store_ = std::move(*store);
  const auto same = same_log();
  Result<void> opened;
  if (!same) opened = same.error();
  if (same && !*same) {
    ++rebuilds_;
    opened = store_->clear();
  }
  if (!opened) store_.reset();
  if (opened) up_to_date_ = 0 - store_->applied();  // A guess, until they are.
  if (opened) applied_ = store_->applied();
  return opened;
}

/// Whether the last event that the views took in is still where it was: a directory may have been put back.
Result<bool> Views::same_log() {
  for (ShardId shard = 0; shard < engine_.shards(); ++shard) {
    const persisted::ShardPlace& place = store_->place(shard);
    if (place.reached == 0) continue;
    if (!place.transaction) return false;  // Cannot be told, and there is nothing in them to keep.
    const auto page = page_of(shard, place.last - 1, 1);
    if (!page) return page.error();
    if (page->events.empty() || page->events.front().place != place.last ||
        page->events.front().record.id != place.transaction)
      return false;
  }
  return true;
}

Result<EventPage> Views::page_of(ShardId shard, std::uint64_t after, std::size_t most) {
  std::promise<Result<EventPage>> promise;
  engine_.events(shard, after, most, [&promise](const Result<EventPage>& page) { promise.set_value(page); });
  return promise.get_future().get();
}

bool Views::has_room() const {
  std::error_code failed;
  const auto space = std::filesystem::space(options_.dir, failed);
  return failed || space.available >= options_.free_bytes_min;
}

Result<EventPage> Views::gather(ShardId shard, Gathered& into) {
  auto page = page_of(shard, into.reached, kViewPageEvents);
  if (!page) return page;
  for (const Event& event : page->events) {
    auto fact = fact_of(event);
    if (!fact) return fact.error();
    into.rows += 1 + fact->payments.size() + fact->stocks.size() + fact->payees.size();
    into.facts.push_back(std::move(*fact));
    if (on_event_) on_event_(event);
  }
  into.reached = page->reached;
  return page;
}

Result<void> Views::take(ShardId shard, Gathered& from) {
  if (from.reached == store_->place(shard).reached) return {};
  if (!has_room()) return Error{Errc::storage_full, "views"};
  Result<void> applied = store_->apply(shard, from.facts, from.reached);
  from.facts.clear();
  from.rows = 0;
  if (applied.code() == Errc::corrupt_journal) {  // They all follow from the log.
    ++rebuilds_;
    applied = store_->clear();
    if (applied) applied = Error{Errc::overloaded, "views"};
  }
  applied_ = store_->applied();
  bytes_ = store_->used_bytes();
  return applied;
}

Result<void> Views::catch_up(Time until) {
  const EngineCounters before = engine_.counters();
  for (ShardId shard = 0; shard < engine_.shards(); ++shard)
    if (auto caught = catch_up(shard, until); !caught) return caught;
  const EngineCounters after = engine_.counters();
  if (before.open == 0 && after.open == 0 && before.committed == after.committed)
    up_to_date_ = after.committed - store_->applied();
  return {};
}

Result<void> Views::catch_up(ShardId shard, Time until) {
  Gathered gathered{{}, store_->place(shard).reached};
  for (std::optional<std::uint64_t> newest;;) {
    const auto page = gather(shard, gathered);
    if (!page) return page.error();
    if (!newest) newest = page->newest;
    const bool done = page->reached >= *newest || (!page->more && !page->held_up), late = Clock::now() > until;
    if (done || late || !page->more || gathered.full())
      if (auto taken = take(shard, gathered); !taken) return taken;
    if (done) return {};
    if (late) return Error{Errc::overloaded, "views"};
    if (!page->more) std::this_thread::sleep_for(kUndecidedEvery);
  }
}

bool Views::asked() const {
  const std::lock_guard lock(mutex_);
  return stopping_ || !waiting_.empty();
}

/// The engine has nothing better to do. That nothing is open does not mean it: between two batches of a busy client
/// nothing is, either. `before`: submitted to it until the last look.
bool Views::engine_is_idle(std::uint64_t before) {
  const EngineCounters counters = engine_.counters();
  const auto now = Clock::now();
  if (counters.submitted - before > options_.idle_requests_max) busy_until_ = now + kViewBusyFor;
  return counters.open == 0 && now >= busy_until_;
}

/// Reads on while the engine is idle, or somebody will come back for it.
void Views::idle() {
  const std::uint64_t before = std::exchange(submitted_, engine_.counters().submitted);
  const auto may = [this, before] { return engine_is_idle(before) || Clock::now() < wanted_until_; };
  if (!may() || !open()) return;
  bool more = true;
  while (more && may() && !asked()) {
    more = false;
    for (ShardId shard = 0; shard < engine_.shards(); ++shard) {
      Gathered gathered{{}, store_->place(shard).reached};
      bool more_here = true;
      while (more_here && !gathered.full() && may() && !asked()) {
        const auto page = gather(shard, gathered);
        if (!page) return;
        more_here = page->more;
      }
      if (!take(shard, gathered)) return;
      more = more || more_here;
    }
  }
}

}  // namespace kontor::cmd::serve
