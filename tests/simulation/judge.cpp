#include "tests/simulation/judge.hpp"

#include <algorithm>

#include "domain/plan.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::sim {
namespace {

using persistence::RecordKind;

std::uint64_t bit(ShardId shard) { return std::uint64_t{1} << shard; }

}  // namespace

void Judge::fail(const std::string& text) {
  if (!failed()) failure_ = text;
}

// --- What is written.

void Judge::on_written(ShardId shard, const testing::ManualJournal::Item& item) {
  using What = testing::ManualJournal::Item::What;
  if (item.what == What::put && item.kind == RecordKind::key_ages) on_key_ages(shard, item.payload);
  if (item.what != What::append) return;
  ++around_.counters.records;
  switch (item.kind) {
    case RecordKind::order_prepared: return on_order_prepared(shard, item.position, item.payload);
    case RecordKind::inventory_prepared: return on_prepared<StockDemand>(shard, commit::Role::inventory, item.payload);
    case RecordKind::payment_prepared: return on_prepared<PaymentDemand>(shard, commit::Role::payment, item.payload);
    case RecordKind::decided: return on_decided(shard, item.payload, item.written_at_ns);
    case RecordKind::learned: return on_learned(shard, item.payload);
    case RecordKind::stances: return on_stances(shard, item.payload);
    case RecordKind::ended: return on_ended(shard, item.payload);
    case RecordKind::opened: return on_opened(shard, item.payload);
    case RecordKind::asked: return;  // No rule reads it; what recovery makes of it is held against the mirror.
    default: return;
  }
}

/// No key is forgotten that had its effect less than a retention ago, by the true time.
void Judge::on_key_ages(ShardId shard, std::string_view payload) {
  const auto ages = persistence::read_key_ages(payload);
  must(static_cast<bool>(ages), [&] { return std::string("ages of keys cannot be read"); });
  if (!ages) return;
  Position& horizon = forgotten_before_[shard];
  must(ages->forgotten_before >= horizon, [&] { return std::string("what was forgotten is known again"); });
  horizon = ages->forgotten_before;
  const std::int64_t young_ns = around_.time.now_ns() - std::int64_t{1'000'000} * around_.options.key_retention_ms;
  for (const auto& [key, transaction] : effects_)
    must(transaction.shard != shard || !is_forgotten(transaction) || stories_[transaction].committed_at_ns <= young_ns,
         [&] { return "key " + key.str() + " is forgotten early"; });
}

template <class Demand>
void Judge::on_prepared(ShardId shard, commit::Role role, std::string_view payload) {
  const auto read = persistence::read_prepared<Demand>(
      payload, [&](const TransactionId& transaction, std::span<const Demand> demands) {
        note_prepared(shard, role, transaction);
        history_.promised(shard, transaction, demands);
      });
  must(static_cast<bool>(read), [&] { return std::string("a prepared record cannot be read"); });
}

void Judge::on_order_prepared(ShardId shard, Position position, std::string_view payload) {
  const auto read = persistence::read_order_prepared(payload, [&](const persistence::OrderItem& item) {
    note_prepared(shard, commit::Role::order, item.transaction);
    if (item.body.empty()) return true;
    Story& story = stories_[item.transaction];
    story.key = item.demands.front().key;
    story.fingerprint = item.demands.front().fingerprint;
    story.body = item.body;
    story.position = position;
    story.forgotten_before = forgotten_before_[shard];
    return true;
  });
  must(static_cast<bool>(read), [&] { return std::string("an order_prepared record cannot be read"); });
}

void Judge::note_prepared(ShardId shard, commit::Role role, const TransactionId& transaction) {
  Story& story = stories_[transaction];
  // A voter that an election has outlived may still promise: it refuses then, and releases.
  const bool in_vain = story.voters != 0 && story.end == End::aborted;
  const bool over = !in_vain && (((story.learned_commit | story.learned_abort) & bit(shard)) != 0 ||
                                 (transaction.shard == shard && story.end != End::open));
  must(!over, [&] {
    return std::string(transaction_text(transaction) + " is promised anew on shard " + std::to_string(shard) + " by " +
                       std::string(to_string(role)) + " after its end");
  });
  std::uint64_t& prepared = story.prepared[static_cast<std::size_t>(role)];
  must(in_vain || (prepared & bit(shard)) == 0, [&] {
    return std::string(transaction_text(transaction) + " is prepared twice by " + std::string(to_string(role)) +
                       " of shard " + std::to_string(shard));
  });
  prepared |= bit(shard);
}

void Judge::on_decided(ShardId shard, std::string_view payload, std::int64_t written_at_ns) {
  const auto decided = persistence::read_decided(payload);
  must(static_cast<bool>(decided), [&] { return std::string("a decided record cannot be read"); });
  if (!decided) return;
  for (const persistence::OwnDecision& decision : *decided) {
    const TransactionId& transaction = decision.transaction;
    Story& story = stories_[transaction];
    const auto name = [&] { return transaction_text(transaction); };
    must(transaction.shard == shard, [&] { return std::string(name() + " is decided by another shard"); });
    must(transaction.incarnation == incarnation_[shard],
         [&] { return std::string(name() + " is decided in another life than it began in"); });
    const bool agreed = story.voters != 0 && !decision.commit && story.end == End::aborted;
    must(story.end == End::open || agreed, [&] { return std::string(name() + " is decided twice"); });
    must(story.voters == 0 || !decision.commit,
         [&] { return std::string(name() + " is committed by its coordinator alone"); });
    story.end = decision.commit ? End::committed : End::aborted;
    if (!decision.commit) quorum_.on_forgotten(shard, transaction);
    if (!decision.commit) continue;
    story.decided_at_ns = written_at_ns;
    story.sites = decision.sites;
    on_commit(shard, transaction);
    history_.committed(shard, transaction);
  }
}

void Judge::on_commit(ShardId shard, const TransactionId& transaction) {
  const Story& story = stories_[transaction];
  const auto name = [&] { return transaction_text(transaction); };
  must(!story.told_abort, [&] { return std::string(name() + " is committed after somebody was told of its abort"); });
  must(story.learned_abort == 0,
       [&] { return std::string(name() + " is committed here and aborted at another site"); });
  must((story.prepared[0] & bit(shard)) != 0,
       [&] { return std::string(name() + " is committed, but its request is not on record"); });
  must((story.sites & ~story.anywhere()) == 0,
       [&] { return std::string(name() + " is committed, but a site's promise is not on record"); });
  if (failed()) return;
  must(story.position >= forgotten_before_[transaction.shard],
       [&] { return std::string(name() + " is committed when its key was forgotten"); });
  stories_[transaction].committed_at_ns = around_.time.now_ns();
  const TransactionId earlier = effect_of(story.key);
  must(!earlier || stories_[earlier].position < story.forgotten_before, [&] {
    return std::string("key " + story.key.str() + " had two effects: " + transaction_text(earlier) + " and " + name());
  });
  if (earlier) ++around_.counters.keys_again;
  effects_[story.key] = transaction;
  const auto stored = persistence::read_body(story.body);
  must(static_cast<bool>(stored), [&] { return std::string(name() + ": its request cannot be read"); });
  if (failed()) return;
  std::set<Errc> refusals = model_.refusals(stored->operation);
  if (outlived_its_price(stored->operation)) refusals.erase(Errc::price_changed);
  must(refusals.empty(), [&] {
    return std::string(name() + " is committed, but the model refuses it: " +
                       (refusals.empty() ? "" : std::string(to_string(*refusals.begin()))));
  });
  if (failed()) return;
  model_.apply(stored->operation, transaction);
  keys_.push_back(story.key);
  ++around_.counters.committed;
  if (std::holds_alternative<Reserve>(stored->operation)) ++around_.counters.reserved;
  if (std::holds_alternative<Redeem>(stored->operation)) ++around_.counters.redeemed;
  if (const auto* release = std::get_if<Release>(&stored->operation))
    ++(release->reason == ReleaseReason::expired ? around_.counters.expired : around_.counters.released);
  if (order_made(transaction, stored->operation)) orders_.push_back(transaction);
  if (std::holds_alternative<Checkout>(stored->operation)) ++around_.counters.checkouts;
}

/// A price may have changed between promise and decision: it was checked at the promise. But nobody sells at a version
/// that is yet to come, and a change of the price keeps others away.
bool Judge::outlived_its_price(const Operation& operation) const {
  const auto* reserve = std::get_if<Reserve>(&operation);
  const auto* checkout = reserve ? &reserve->checkout : std::get_if<Checkout>(&operation);
  return checkout && std::none_of(checkout->lines.begin(), checkout->lines.end(), [&](const Line& line) {
           const auto product = model_.products.find(line.sku.str());
           return product != model_.products.end() && line.expected_version > product->second.version;
         });
}

void Judge::on_stances(ShardId shard, std::string_view payload) {
  const auto stances = persistence::read_stances(payload);
  must(static_cast<bool>(stances), [&] { return std::string("a stances record cannot be read"); });
  if (!stances) return;
  for (const auto& [transaction, stance] : *stances) {
    stories_[transaction].voters = stance.voters;
    must_keep(quorum_.on_stance(shard, transaction, stance), shard, transaction);
  }
}

/// The first site that has the outcome of an election, or of the coordinator's own round, on record.
void Judge::on_agreed(const commit::Decision& decision) {
  Story& story = stories_[decision.transaction];
  if (story.voters == 0 || story.end != End::open) return;
  story.end = decision.commit ? End::committed : End::aborted;
  if (!decision.commit) return;
  story.sites = story.voters & ~bit(decision.transaction.shard);
  on_commit(decision.transaction.shard, decision.transaction);
}

void Judge::on_learned(ShardId shard, std::string_view payload) {
  const auto learned = persistence::read_learned(payload);
  must(static_cast<bool>(learned), [&] { return std::string("a learned record cannot be read"); });
  if (!learned) return;
  for (const commit::Decision& decision : *learned) {
    on_agreed(decision);
    Story& story = stories_[decision.transaction];
    const auto name = [&] { return transaction_text(decision.transaction) + " on shard " + std::to_string(shard); };
    if (decision.commit) {
      must(story.end == End::committed,
           [&] { return std::string(name() + " learned a commit that is not on record at its coordinator"); });
      must((story.learned_abort & bit(shard)) == 0,
           [&] { return std::string(name() + " learned abort, then commit"); });
      const bool witness = story.voters != 0 && (story.voters & bit(shard)) == 0;
      must(witness || (story.anywhere() & bit(shard)) != 0,
           [&] { return std::string(name() + " learned a commit of what it never promised"); });
      story.learned_commit |= bit(shard);
      history_.committed(shard, decision.transaction);
    } else {
      must(story.end != End::committed, [&] { return std::string(name() + " learned an abort of what is committed"); });
      must((story.learned_commit & bit(shard)) == 0,
           [&] { return std::string(name() + " learned commit, then abort"); });
      story.learned_abort |= bit(shard);
    }
  }
}

void Judge::on_ended(ShardId shard, std::string_view payload) {
  const auto ended = persistence::read_ended(payload);
  must(static_cast<bool>(ended), [&] { return std::string("an ended record cannot be read"); });
  if (!ended) return;
  for (const TransactionId& transaction : *ended) quorum_.on_forgotten(shard, transaction);
}

void Judge::on_opened(ShardId shard, std::string_view payload) {
  const auto opened = persistence::read_opened(payload);
  must(opened && opened->incarnation > incarnation_[shard],
       [&] { return std::string("an incarnation is not above the last"); });
  if (opened) incarnation_[shard] = opened->incarnation;
}

// --- What is delivered.

void Judge::cover(Coverage::Message message, const TransactionId& transaction, ShardId site, std::size_t beginning) {
  using Participant = Coverage::Participant;
  const Story& story = stories_[transaction];
  Participant participant = (story.anywhere() & bit(site)) != 0 ? Participant::prepared : Participant::nothing;
  if ((story.learned_abort & bit(site)) != 0) participant = Participant::learned_abort;
  if ((story.learned_commit & bit(site)) != 0) participant = Participant::learned_commit;
  around_.counters.coverage.met(message, static_cast<Coverage::Coordinator>(story.end), participant, beginning);
}

void Judge::cover(Coverage::Message message, const actors::Batch& batch, ShardId site, std::size_t beginning) {
  for (const actors::Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i)
      if ((heads[i].sites & bit(site)) != 0) cover(message, batch.at(part.offset + i), site, beginning);
  }
}

void Judge::on_delivery(ShardId to, const caf::message& message, std::size_t beginning) {
  using Message = Coverage::Message;
  visit_one<actors::Prepare>(message, [&](const auto& m) { cover(Message::prepare, *m.batch, to, beginning); });
  visit_one<actors::SiteVotes>(message,
                               [&](const auto& m) { cover(Message::site_votes, *m.batch, m.site, beginning); });
  visit_one<actors::Decisions>(message, [&](const auto& m) {
    for (const commit::Decision& d : *m.decisions) cover(Message::decisions, d.transaction, to, beginning);
  });
  visit_one<actors::Acknowledge>(message, [&](const auto& m) {
    for (const TransactionId& id : *m.transactions) cover(Message::acknowledge, id, m.site, beginning);
  });
  visit_one<actors::Inquire>(message, [&](const auto& m) {
    for (const TransactionId& id : *m.transactions) cover(Message::inquire, id, m.site, beginning);
  });
}

// --- What is sent and answered.

void Judge::on_send(ShardId from, ShardId, const caf::message& message) {
  visit_one<actors::SiteVotes>(message, [&](const actors::SiteVotes& m) {
    must(m.site == from, [&] { return std::string("a vote in another site's name"); });
    on_votes(m);
  });
  visit_one<actors::Decisions>(message, [&](const actors::Decisions& m) { on_decisions(m); });
  visit_one<actors::Acknowledge>(message, [&](const actors::Acknowledge& m) { on_acknowledge(m); });
  visit_one<actors::Notices>(message, [&](const actors::Notices& m) { on_notices(m); });
}

/// A yes vote is on disk before another shard can learn of it, at every participant that was asked.
void Judge::on_votes(const actors::SiteVotes& votes) {
  const actors::Batch& batch = *votes.batch;
  std::vector<bool> refused(batch.count);
  for (const commit::Refusal& refusal : votes.refusals) refused[refusal.index] = true;
  for (const actors::Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i) {
      const TransactionId transaction = batch.at(part.offset + i);
      if ((heads[i].sites & bit(votes.site)) == 0 || heads[i].protocol == commit::Protocol::two_phase) continue;
      must_keep(quorum_.on_vote(votes.site, transaction, !refused[part.offset + i]), votes.site, transaction);
    }
  }
  const auto check = [&](commit::Role role, const auto& select) {
    actors::for_each_item(batch, votes.site, select, [&](std::uint32_t index, const auto&, const Bundle&) {
      if (refused[index]) return;
      const auto story = stories_.find(batch.at(index));
      const bool durable =
          story != stories_.end() && (story->second.prepared[static_cast<std::size_t>(role)] & bit(votes.site)) != 0;
      must(durable, [&] {
        return std::string(transaction_text(batch.at(index)) + ": yes of shard " + std::to_string(votes.site) +
                           " is told, but not durable at " + std::string(to_string(role)));
      });
    });
  };
  check(
      commit::Role::order, [](const Work& work) -> const auto& { return work.order; });
  check(
      commit::Role::inventory, [](const Work& work) -> const auto& { return work.inventory; });
  check(
      commit::Role::payment, [](const Work& work) -> const auto& { return work.payment; });
}

void Judge::on_decisions(const actors::Decisions& message) {
  for (const commit::Decision& decision : *message.decisions) {
    Story& story = stories_[decision.transaction];
    const auto name = [&] { return transaction_text(decision.transaction); };
    if (decision.commit) {
      must(story.end == End::committed,
           [&] { return std::string(name() + ": a commit is told that is not on record"); });
    } else if (story.end == End::committed) {
      // A forgotten end: who asks had its answer long ago, and the question was late.
      must((story.sites & ~story.learned_commit) == 0,
           [&] { return std::string(name() + ": an abort is told of what is committed"); });
    } else {
      story.told_abort = true;
    }
  }
}

void Judge::on_acknowledge(const actors::Acknowledge& message) {
  for (const TransactionId& transaction : *message.transactions)
    must((stories_[transaction].learned_commit & bit(message.site)) != 0, [&] {
      return std::string(transaction_text(transaction) + ": acknowledged by shard " + std::to_string(message.site) +
                         ", not durable");
    });
}

void Judge::must_keep(const std::string& violated, ShardId shard, const TransactionId& transaction) {
  must(violated.empty(), [&] {
    return std::string(transaction_text(transaction) + ": shard " + std::to_string(shard) + " " + violated);
  });
}

void Judge::on_notices(const actors::Notices& message) {
  for (const commit::Notice& notice : *message.notices) {
    const bool learned = (stories_[notice.transaction].learned_commit & bit(message.site)) != 0;
    must_keep(quorum_.on_notice(message.site, notice, learned), message.site, notice.transaction);
  }
}

/// A refusal for good of a request that has had its effect is wrong: it must hear of that.
void Judge::on_refused(const Request& request, const Outcome& outcome) {
  const TransactionId effect = effect_of(request.key);
  const Advice what = advice(outcome.error.code);
  const bool for_now = what == Advice::retry_same_request || what == Advice::ask_for_outcome;
  // What began later may have the effect that this one was refused.
  if (!effect || is_forgotten(effect) || effect > outcome.transaction ||
      (for_now && outcome.error.code != Errc::deadline_exceeded))
    return;
  must(stories_[effect].fingerprint != fingerprint(request.operation), [&] {
    return "key " + request.key.str() + ": answered " + std::string(to_string(outcome.error.code)) +
           ", though it had its effect";
  });
}

void Judge::on_answer(const Request& request, const Outcome& outcome) {
  ++around_.counters.answers;
  if (outcome.transaction && !outcome.replayed && std::holds_alternative<Checkout>(request.operation))
    ++around_.counters.checkouts_decided;
  const auto name = [&] { return "key " + request.key.str() + ", " + transaction_text(outcome.transaction); };
  if (outcome.verdict == Verdict::committed) {
    Story& story = stories_[outcome.transaction];
    must(story.end == End::committed, [&] { return std::string(name() + ": answered committed, not on record"); });
    must(is_effect(request.key, outcome.transaction),
         [&] { return std::string(name() + ": answered with another's transaction"); });
    must(story.fingerprint == fingerprint(request.operation),
         [&] { return std::string(name() + ": answered with the effect of another body"); });
    const bool in_time = request.deadline_ns == 0 || story.voters != 0 || story.decided_at_ns <= request.deadline_ns;
    must(outcome.replayed || in_time, [&] { return std::string(name() + ": committed after its deadline"); });
    must((story.sites & ~story.learned_commit) == 0,
         [&] { return std::string(name() + ": answered committed before every site has it"); });
    if (outcome.replayed) ++around_.counters.replayed;
    history_.answered(outcome.transaction);
  } else if (outcome.verdict == Verdict::aborted && outcome.transaction) {
    ++around_.counters.aborted;
    Story& story = stories_[outcome.transaction];
    must(story.end != End::committed, [&] { return std::string(name() + ": answered aborted, committed on record"); });
    story.told_abort = true;
    on_refused(request, outcome);
  }
}

/// What holds of every read. Returns whether there is more to look at.
template <class Row>
bool Judge::is_sound(const Result<Row>& row, const std::string& name, std::size_t floor) {
  ++around_.counters.reads;
  must(row || floor == 0, [&] { return name + " was there, and is not found"; });
  if (!row) return false;
  const std::string wrong = history_.read(*row, floor);
  must(wrong.empty(), [&] { return wrong; });
  return true;
}

void Judge::on_read(const Result<Product>& product, const Sku& sku, std::size_t floor) {
  const std::string name = History::name(sku);
  if (!is_sound(product, name, floor)) return;
  must(product->held >= 0 && product->reserved >= 0 && product->held + product->reserved <= product->on_hand,
       [&] { return name + ": held and reserved are not within on hand"; });
}

void Judge::on_read(const Result<Account>& account, const AccountId& id, std::size_t floor) {
  const std::string name = History::name(id);
  if (!is_sound(account, name, floor)) return;
  const bool within =
      account->kind == AccountKind::external || account->balance - account->held >= -account->credit_limit;
  must(within, [&] { return name + ": more is held than there is"; });
}

TransactionId Judge::effect_of(const IdempotencyKey& key) const {
  const auto it = effects_.find(key);
  return it == effects_.end() ? TransactionId{} : it->second;
}

bool Judge::is_effect(const IdempotencyKey& key, const TransactionId& transaction) const {
  const auto it = stories_.find(transaction);
  return it != stories_.end() && it->second.end == End::committed && it->second.key == key;
}

bool Judge::is_forgotten(const TransactionId& transaction) const {
  return stories_.at(transaction).position < forgotten_before_[transaction.shard];
}

bool Judge::holds_reservations() const {
  const auto reserved = [](const auto& order) { return order.second.progress.status == OrderStatus::reserved; };
  // Asked at each step, and seldom of another one than before.
  if (const auto last = model_.orders.find(reserved_); last != model_.orders.end() && reserved(*last)) return true;
  const auto found = std::find_if(model_.orders.begin(), model_.orders.end(), reserved);
  if (found == model_.orders.end()) return false;
  reserved_ = found->first;
  return true;
}

void Judge::must_be_settled() {
  for (const auto& entry : stories_) {
    const TransactionId& transaction = entry.first;
    const Story& story = entry.second;
    if (story.end == End::committed)
      must((story.sites & ~story.learned_commit) == 0,
           [&] { return std::string(transaction_text(transaction) + " is not learned everywhere"); });
    must(story.learned_commit == 0 || story.learned_abort == 0, [&] {
      return std::string(transaction_text(transaction) + " is committed at one site and aborted at another");
    });
  }
}

}  // namespace kontor::sim
