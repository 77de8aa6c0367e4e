#include "actors/order_participant.hpp"

#include <algorithm>

namespace kontor::actors {

using persistence::ItemState;
using persistence::Locator;
using persistence::OrderBatch;
using persistence::Stream;
using persistence::Table;

namespace {
constexpr std::size_t kRowsPerSlice = 256;  // Order rows and bitmaps stored by one message of a checkpoint.

const Demands<OrderDemand>& select_orders(const Work& work) { return work.order; }

/// A reservation ends because it is late.
bool expires(const OrderBook::Claim& claim) {
  return !claim.amendments.empty() && claim.amendments.front().action == OrderAction::expire;
}

bool has_aborted(const OrderBatch& batch) {
  return batch.states.find(static_cast<char>(ItemState::aborted)) != std::string::npos;
}
}  // namespace

OrderParticipant::OrderParticipant(Site site, const persistence::Store& store,
                                   std::unique_ptr<persistence::KeyIndex> keys, persistence::RecoveredShard& recovered,
                                   Position decided)
    : site_(site),
      archive_(store, site.shard),
      keys_(std::move(keys)),
      retention_(site.fabric->key_retention, keys_->loaded_ages()),
      state_(std::move(recovered.order)),
      batches_(std::move(recovered.batches)),
      own_high_(recovered.own_high),
      newest_(Locator::of(recovered.appended[static_cast<std::size_t>(Stream::order)] + 1, 0).packed - 1),
      as_of_{recovered.appended[static_cast<std::size_t>(Stream::order)], decided} {
  site_.self().reservations = state_.resource.reservations().size();
  if (site_.fabric->key_retention.count() != 0) {
    begun_ns_ = site_.fabric->steady_ns();
    retention_.look(0, decided_before());  // What earlier lives decided gets older from now on, if not before.
  }
  show_keys();
}

void OrderParticipant::age_keys() {
  if (site_.fabric->key_retention.count() == 0) return;
  if (retention_.look(site_.fabric->steady_ns() - begun_ns_, decided_before())) keys_->forget(retention_.store());
}

Position OrderParticipant::decided_before() {
  while (decided_ < batches_.size() && batches_[decided_].undecided == 0) ++decided_;
  return decided_ == batches_.size() ? as_of_.appended + 1 : batches_[decided_].position;
}

void OrderParticipant::show_keys() {
  site_.self().keys_kept = keys_->keys_in_memory() + keys_->keys_in_runs();
  site_.self().keys_dropped = keys_->keys_dropped();
}

Votes OrderParticipant::prepare(const BatchPtr& batch) {
  age_keys();
  Votes votes{batch, commit::Role::order, 0, {}};
  const persistence::BatchHead head{batch->coordinator, batch->incarnation, batch->first};
  persistence::OrderPreparedWriter record(own_high_, head, bytes_expected_);
  OrderBatch states{0, head, {}, 0, false, true};
  states.states.reserve(batch->count);
  digests_.clear();
  for_each_item(*batch, site_.shard, select_orders, [&](auto, std::span<const OrderDemand> demands, auto&) {
    const KeyDigest digest = demands.front().key.empty() ? KeyDigest{} : digest_of(demands.front().key);
    digests_.push_back(digest);
    keys_->prefetch(digest.low);  // The look-ups of a whole batch miss the cache at the same time.
  });
  std::size_t item = 0;
  for_each_item(*batch, site_.shard, select_orders,
                [&](std::uint32_t index, std::span<const OrderDemand> demands, const Bundle& bundle) {
                  const TransactionId transaction = batch->at(index);
                  const KeyDigest& digest = digests_[item++];
                  if (state_.holds(transaction)) return;  // A repeat: yes again, and it is on record already.
                  if (vote(batch, index, demands, digest, votes)) return;
                  record.item(index, demands, bundle.bodies);
                  states.states.resize(index, static_cast<char>(ItemState::absent));
                  states.states.push_back(static_cast<char>(ItemState::undecided));
                  ++states.undecided;
                  if (transaction.shard == site_.shard) own_high_ = transaction;
                });
  if (record.items() > 0) {
    record.own(own_high_);
    std::string payload = record.take();
    bytes_expected_ = payload.size() + payload.size() / 4;
    as_of_.appended = site_.journal->append(Stream::order, persistence::RecordKind::order_prepared, std::move(payload),
                                            site_.fabric->now_ns());
    states.position = as_of_.appended;
    batches_.push_back(std::move(states));
  }
  votes.position = as_of_.appended;
  return votes;
}

/// Holds the demands of one transaction, or appends a refusal and returns it.
commit::Refusal* OrderParticipant::vote(const BatchPtr& batch, std::uint32_t index,
                                        std::span<const OrderDemand> demands, const KeyDigest& digest, Votes& votes) {
  const TransactionId transaction = batch->at(index);
  const auto refuse = [&](const Error& error, const TransactionId& repeat_of) {
    return &votes.refusals.emplace_back(commit::Refusal{index, commit::Role::order, error, repeat_of});
  };
  Enrolled earlier;
  bool known = false;
  for (const OrderDemand& demand : demands) {
    if (demand.action == OrderAction::enroll) {
      if (keys_->maybe(digest.low)) {
        const auto use = committed_use(demand.key, digest);
        if (!use) return refuse(use.error(), {});
        if (*use) earlier = {(*use)->transaction, (*use)->fingerprint}, known = true;
      }
    } else if (demand.order && !state_.resource.find(demand.order)) {
      if (auto loaded = load(demand.order); !loaded) return refuse(loaded.error(), {});
    }
  }
  auto answer = state_.decide(transaction, demands, known ? &earlier : nullptr);
  if (!answer) return refuse(answer.error(), {});
  if (answer->repeat_of) return refuse(Error{}, answer->repeat_of);
  if (answer->claim.key != KeyDigest{}) keys_->mark(answer->claim.key.low);
  state_.hold(transaction, std::move(answer->claim), as_of_.appended + 1);
  return nullptr;
}

/// The request that used this key before and committed, or nullptr. The hash only names candidates.
Result<const persistence::ArchivedRequest*> OrderParticipant::committed_use(const IdempotencyKey& key,
                                                                            const KeyDigest& digest) {
  const auto candidates = keys_->find(digest.low);
  if (!candidates) return candidates.error();
  for (const Locator& locator : *candidates) {
    auto request = archive_.at(locator);
    if (!request) return request.error();
    if (request->key != key) continue;
    found_ = std::move(*request);
    return &found_;
  }
  return nullptr;
}

OrderBatch* OrderParticipant::batch_of(Position prepared) {
  const auto holds = [&](std::size_t i) {
    return i < batches_.size() && batches_[i].position >= prepared && (i == 0 || batches_[i - 1].position < prepared);
  };
  if (!holds(hint_)) {
    const auto it = std::lower_bound(batches_.begin(), batches_.end(), prepared,
                                     [](const OrderBatch& b, Position p) { return b.position < p; });
    hint_ = static_cast<std::size_t>(it - batches_.begin());
  }
  assert(hint_ < batches_.size());
  return &batches_[hint_];
}

void OrderParticipant::prefetch(std::span<const commit::Decision> coming) const {
  for (const commit::Decision& decision : coming.first(std::min(coming.size(), kPrefetchAhead))) {
    const auto it = state_.open().find(decision.transaction);
    if (it != state_.open().end()) keys_->prefetch_insert(it->second.claim.key.low);
  }
}

void OrderParticipant::decide(const Decide::List& list) {
  for (std::size_t i = 0; i < list.decisions.size(); ++i) {
    if (i % kPrefetchAhead == 0) prefetch(std::span(list.decisions).subspan(i));
    const commit::Decision& decision = list.decisions[i];
    const auto it = state_.open().find(decision.transaction);
    if (it == state_.open().end()) continue;  // Refused here, or a repeat.
    const KeyDigest key = it->second.claim.key;
    if (decision.commit && expires(it->second.claim)) ++site_.fabric->totals.expired;
    OrderBatch* batch = batch_of(it->second.prepared);
    const auto delta = persistence::settle_item(*batch, decision);
    if (decision.commit && delta) {
      const Locator place = Locator::of(batch->position, *delta);
      newest_ = std::max(newest_, place.packed);
      if (key != KeyDigest{}) keys_->insert(key.low, place);
    }
    state_.settle(decision, list.position);
  }
  for (const commit::Decision& decision : list.early) state_.settle(decision, list.position, true);
  as_of_.decided = list.position;
  site_.self().reservations = state_.resource.reservations().size();
  age_keys();
  keys_->step();  // Runs are merged beside the work that makes them.
  show_keys();
}

void OrderParticipant::capture() {
  capturing_ = {};
  capturing_.active = true;
  // What the last checkpoint stored is durable: the coordinator waited for it.
  const auto kept =
      std::find_if(batches_.begin(), batches_.end(), [&](const auto& b) { return b.position >= stored_below_; });
  decided_ -= std::min(decided_, static_cast<std::size_t>(kept - batches_.begin()));
  batches_.erase(batches_.begin(), kept);
  // Every batch before the frontier is decided for good: it need not be replayed, and its keys are in the run that
  // begins here. Batches from the frontier on are replayed, so each says which of its items were decided by now.
  const auto frontier = std::find_if(batches_.begin(), batches_.end(), [](const auto& b) { return b.undecided > 0; });
  capturing_.replay_from = frontier == batches_.end() ? as_of_.appended + 1 : frontier->position;
  stored_below_ = capturing_.replay_from;
  for (auto it = batches_.begin(); it != batches_.end(); ++it) {
    const bool needed = it >= frontier || has_aborted(*it);
    if (!it->changed && (needed || !it->stored)) continue;
    if (it->changed && (needed || it->stored))
      capturing_.bitmaps.emplace_back(it->position, persistence::write_outcomes(as_of_.decided, it->states));
    if (!needed && it->stored) capturing_.obsolete.push_back(it->position);
    it->changed = false;
    it->stored = needed;
  }
  hint_ = 0;
  state_.resource.evict_clean();  // What the last checkpoint stored is durable: the coordinator waited for it.
  capturing_.orders = state_.resource.take_dirty();
  capturing_.reservations = state_.resource.reservations().take_changes();
  keys_->begin_run();
}

/// Stores which reservations hold stock, as of the capture. False: all is stored.
bool OrderParticipant::slice_reservations() {
  auto& [begun, ended] = capturing_.reservations;
  const bool more = !begun.empty() || !ended.empty();
  for (std::size_t i = 0; i < kRowsPerSlice && !begun.empty(); ++i, begun.pop_back())
    site_.journal->put(Table::meta, persistence::reservation_key(begun.back().first),
                       persistence::RecordKind::reservation_row,
                       persistence::write_reservation_row(begun.back().second));
  for (std::size_t i = 0; i < kRowsPerSlice && !ended.empty(); ++i, ended.pop_back())
    site_.journal->erase(Table::meta, persistence::reservation_key(ended.back()));
  return more;
}

Left OrderParticipant::slice() {
  Capturing& c = capturing_;
  if (slice_reservations()) return Left::some;
  const std::size_t rows = c.orders.size(), all = rows + c.bitmaps.size();
  // Bitmaps come last: they tell replay to pass over what is decided, whose progress and keys must then be stored.
  if (c.next == rows && keys_->writing()) return keys_->step() || !keys_->writing() ? Left::some : Left::when_durable;
  const std::size_t until = std::min(c.next < rows ? rows : all, c.next + kRowsPerSlice);
  for (; c.next < until; ++c.next) {
    if (c.next < rows) {
      const OrderId& order = c.orders[c.next];
      site_.journal->put(Table::orders, persistence::order_key(order), persistence::RecordKind::order_row,
                         persistence::write_order_row(as_of_.decided, *state_.resource.find(order)));
      continue;
    }
    auto& [position, bitmap] = c.bitmaps[c.next - rows];
    site_.journal->put(Table::outcomes, persistence::position_key(position), persistence::RecordKind::outcome_bitmap,
                       std::move(bitmap));
  }
  if (c.next < all || keys_->writing()) return Left::some;
  site_.journal->put(Table::meta, persistence::checkpoint_key(Stream::order), persistence::RecordKind::meta_checkpoint,
                     persistence::write_checkpoint(c.replay_from));
  // Not before: replay from the last checkpoint takes from these what was decided before it.
  for (const Position position : c.obsolete) site_.journal->erase(Table::outcomes, persistence::position_key(position));
  c = {};
  return Left::none;
}

const OrderBatch* OrderParticipant::recent(Position position) const {
  const auto batch = std::lower_bound(batches_.begin(), batches_.end(), position,
                                      [](const OrderBatch& b, Position p) { return b.position < p; });
  return batch != batches_.end() && batch->position == position ? &*batch : nullptr;
}

Result<ItemState> OrderParticipant::state_of(const persistence::ArchivedRequest& request) const {
  if (const OrderBatch* batch = recent(request.locator.position()))
    return static_cast<ItemState>(batch->states[request.locator.index()]);
  return archive_.outcome(request.locator);
}

Result<Order> OrderParticipant::made(const OrderId& order) const {
  const Error unknown{Errc::unknown_order, "order"};
  const auto request = archive_.find(order);
  if (!request) return request.code() == Errc::not_found ? unknown : request.error();
  const auto state = state_of(*request);
  if (!state) return state.error();
  if (*state != ItemState::committed) return unknown;
  const auto body = persistence::read_body(request->body);
  if (!body) return body.error();
  auto made = order_made(order, body->operation);
  if (!made) return unknown;
  return std::move(*made);
}

Result<TransactionRecord> OrderParticipant::transaction(const TransactionId& id) const {
  const auto request = archive_.find(id);
  if (!request) return request.error();
  const auto state = state_of(*request);
  if (!state) return state.error();
  if (*state == ItemState::absent) return Error{Errc::not_found, "transaction"};
  auto body = persistence::read_body(request->body);
  if (!body) return body.error();
  TransactionRecord record{id, Verdict::unknown, request->key, request->written_at_ns, std::move(body->operation)};
  if (*state == ItemState::committed) record.verdict = Verdict::committed;
  if (*state == ItemState::aborted) record.verdict = Verdict::aborted;
  return record;
}

Result<void> OrderParticipant::load(const OrderId& order) {
  auto whole = made(order);
  if (!whole) return whole.error();
  const auto stored = stored_progress(order, std::move(whole->progress));
  if (!stored) return stored.error();
  state_.resource.load(order, stored->progress, stored->decided);
  return {};
}

Result<persistence::StoredProgress> OrderParticipant::stored_progress(const OrderId& order,
                                                                      OrderProgress as_made) const {
  auto stored = archive_.progress(order);
  if (stored.code() != Errc::not_found) return stored;
  return persistence::StoredProgress{0, std::move(as_made)};
}

/// Not loaded: who reads all orders there are must not fill the memory with them.
Result<Order> OrderParticipant::order(const OrderId& id) {
  auto order = made(id);
  if (!order) return order;
  if (const OrderProgress* loaded = state_.resource.find(id)) {
    order->progress = *loaded;
    return order;
  }
  auto stored = stored_progress(id, std::move(order->progress));
  if (!stored) return stored.error();
  order->progress = std::move(stored->progress);
  return order;
}

}  // namespace kontor::actors
