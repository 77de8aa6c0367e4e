#include <algorithm>

#include "actors/coordinator_state.hpp"
#include "persistence/record_codec.hpp"

namespace kontor::actors {

using commit::Coordinator;
using persistence::RecordKind;
using persistence::Stream;

namespace {
/// As callers are answered.
void sort_by_sequence(std::vector<Coordinator::Made>& made) {
  std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
}
}  // namespace

void CoordinatorState::on_submit(SubmissionPtr submission) {
  site_.self().gathered += submission->indexes.size();
  gathered_.push_back(std::move(submission));
  if (!std::exchange(flush_sent_, true)) self_->send(self_, Flush{});
}

/// All that gathered while this actor was busy becomes one batch, or several when it is more than a batch may hold.
/// Not before this life is on record: another one might give the same ids out again after a crash.
void CoordinatorState::on_flush() {
  flush_sent_ = false;
  if (durable_ < opened_) return;
  std::vector<SubmissionPtr> batch;
  std::size_t transactions = 0;
  site_.self().gathered = 0;
  for (SubmissionPtr& submission : std::exchange(gathered_, {})) {
    const std::size_t more = submission->bundle.transactions.size();
    if (!batch.empty() && transactions + more > options_.batch_transactions_max) {
      begin_batch(std::exchange(batch, {}));
      transactions = 0;
    }
    batch.push_back(std::move(submission));
    transactions += more;
  }
  if (!batch.empty()) begin_batch(std::move(batch));
}

void CoordinatorState::begin_batch(std::vector<SubmissionPtr> submissions) {
  resend_on_new_road();
  auto batch = std::make_shared<Batch>();
  batch->coordinator = site_.shard;
  batch->incarnation = machine_->incarnation();
  batch->first = machine_->next();
  batch->begun_at_ns = site_.fabric->now_ns();
  std::uint64_t sites = 0;
  for (SubmissionPtr& submission : submissions) {
    const std::uint32_t offset = batch->count;
    for (const TransactionHead& head : submission->bundle.transactions) {
      machine_->begin(head);
      sites |= head.sites;
      ++batch->count;
    }
    batch->parts.push_back({std::move(submission), offset});
  }
  site_.fabric->totals.begun += batch->count;
  const commit::Roles roles = roles_asked(*batch, site_.shard);
  in_flight_.push_back({batch, commit::Ballot(roles), batch->count, std::vector<bool>(batch->count)});
  send_prepare(batch, site_.shard, roles);
  for (ShardId shard = 0; shard < site_.fabric->size(); ++shard)
    if (shard != site_.shard && (sites >> shard & 1) != 0)
      self_->send(site_.fabric->shards[shard].coordinator, Prepare{batch});
}

/// Which participants of `shard` have work in the batch.
commit::Roles CoordinatorState::roles_asked(const Batch& batch, ShardId shard) {
  unsigned roles = 0;
  for (const Batch::Part& part : batch.parts) {
    const Work& work = part.submission->bundle.work[shard];
    if (!work.order.items.empty()) roles |= role_bit(commit::Role::order);
    if (!work.inventory.items.empty()) roles |= role_bit(commit::Role::inventory);
    if (!work.payment.items.empty()) roles |= role_bit(commit::Role::payment);
  }
  return static_cast<commit::Roles>(roles);
}

void CoordinatorState::send_prepare(const BatchPtr& batch, ShardId shard, commit::Roles roles) {
  const Fabric::Shard& to = site_.fabric->shards[shard];
  if (roles & role_bit(commit::Role::order)) self_->send(to.order, Prepare{batch});
  if (roles & role_bit(commit::Role::inventory)) self_->send(to.inventory, Prepare{batch});
  if (roles & role_bit(commit::Role::payment)) self_->send(to.payment, Prepare{batch});
}

std::deque<CoordinatorState::InFlight>::iterator CoordinatorState::flight_of(std::uint64_t sequence) {
  const auto after = std::upper_bound(in_flight_.begin(), in_flight_.end(), sequence,
                                      [](std::uint64_t s, const InFlight& f) { return s < f.batch->first; });
  if (after == in_flight_.begin()) return in_flight_.end();
  const auto found = std::prev(after);
  return sequence < found->batch->first + found->batch->count ? found : in_flight_.end();
}

CoordinatorState::InFlight* CoordinatorState::in_flight(std::uint64_t sequence) {
  const auto found = flight_of(sequence);
  return found == in_flight_.end() ? nullptr : &*found;
}

void CoordinatorState::on_votes(const Votes& votes) {
  const Batch& batch = *votes.batch;
  if (batch.coordinator != site_.shard) return on_foreign_votes(votes);
  InFlight* flight = in_flight(batch.first);
  if (!flight) return;  // All decided (by a deadline or another site's no) and answered.
  flight->ballot.vote(votes.role, votes.position, votes.refusals);
  if (!flight->ballot.complete()) return;
  // The votes and the decision share this shard's journal: the decision, appended later, proves them.
  std::vector<Coordinator::Made> made;
  const std::vector<commit::Refusal> refusals = flight->ballot.take_refusals();
  enlist_own(batch, refusals);
  machine_->votes(site_.shard, batch.first, batch.count, refusals, site_.fabric->now_ns(), made);
  note_voted(batch, !made.empty());
  journal_decisions(std::move(made));
}

void CoordinatorState::on_site_votes(const SiteVotes& votes) {
  // Of an earlier life: its sequences are given out anew, and nobody has voted on those.
  if (votes.batch->coordinator != site_.shard || votes.batch->incarnation != machine_->incarnation()) return;
  std::vector<Coordinator::Made> made;
  machine_->votes(votes.site, votes.batch->first, votes.batch->count, votes.refusals, site_.fabric->now_ns(), made);
  note_voted(*votes.batch, !made.empty());
  journal_decisions(std::move(made));
}

/// One record for all decisions made now. Aborts ride along: they need no force, but a place in the order.
void CoordinatorState::journal_decisions(std::vector<Coordinator::Made> made) {
  made = hand_to_quorum(std::move(made));
  if (made.empty()) return;
  std::vector<persistence::OwnDecision> decisions;
  decisions.reserve(made.size());
  const std::uint64_t self_bit = commit::site_bit(site_.shard);
  std::uint64_t prepared = 0;
  for (const Coordinator::Made& m : made) {
    prepared += m.prepared ? 1 : 0;
    decisions.push_back({{site_.shard, machine_->incarnation(), m.sequence}, m.commit, m.sites & ~self_bit});
  }
  site_.fabric->totals.prepared += prepared;
  Pending pending;
  pending.decided_at_ns = site_.fabric->now_ns();
  pending.position = site_.journal->append(Stream::coordinator, RecordKind::decided,
                                           persistence::write_decided(site_.shard, machine_->incarnation(), decisions),
                                           pending.decided_at_ns);
  pending.own = std::move(made);
  add_pending(std::move(pending));
}

void CoordinatorState::add_pending(Pending pending) {
  assert(pending_.empty() || pending_.back().position <= pending.position);
  if (pending.position <= durable_ && pending_.empty()) return tell(pending);
  pending_.push_back(std::move(pending));
}

void CoordinatorState::on_durable(Position position) {
  durable_ = std::max(durable_, position);
  while (!pending_.empty() && pending_.front().position <= durable_) {
    const Pending pending = std::move(pending_.front());
    pending_.pop_front();
    tell(pending);
  }
  if (durable_ >= opened_ && !gathered_.empty() && !std::exchange(flush_sent_, true)) self_->send(self_, Flush{});
  if (options_.checkpoint_journal_bytes != 0 && !checkpointing_ &&
      options_.journal_bytes() - bytes_at_checkpoint_ >= options_.checkpoint_journal_bytes)
    begin_checkpoint();
}

void CoordinatorState::tell(const Pending& pending) {
  note_durable(pending);
  if (pending.votes) self_->send(site_.fabric->shards[pending.votes->batch->coordinator].coordinator, *pending.votes);
  if (!pending.own.empty() || !pending.learned.empty() || !pending.early.empty()) tell_participants(pending);
  tell_resolving(pending.learned);
  tell_resolving(pending.early);
  for (const auto& [shard, transactions] : pending.acknowledge)
    self_->send(site_.fabric->shards[shard].coordinator,
                Acknowledge{site_.shard, std::make_shared<const std::vector<TransactionId>>(transactions)});
  tell_quorum(pending.letters);
  std::vector<Coordinator::Made> answerable;
  for (const Coordinator::Made& m : pending.agreed) {
    if (m.commit && !quorum_->confirmed({site_.shard, machine_->incarnation(), m.sequence})) {
      unconfirmed_.emplace(m.sequence, m);
    } else {
      answerable.push_back(m);
    }
  }
  if (pending.own.empty()) return tell_callers(answerable);
  tell_sites(pending);
  const std::uint64_t self_bit = commit::site_bit(site_.shard);
  answerable.reserve(answerable.size() + pending.own.size());
  for (const Coordinator::Made& m : pending.own) {
    if (m.commit && (m.sites & ~self_bit) != 0) {
      unconfirmed_.emplace(m.sequence, m);
    } else if (m.repeat_of && !confirmed(m.repeat_of)) {
      replays_[m.repeat_of].push_back(m);
    } else {
      answerable.push_back(m);
    }
  }
  tell_callers(answerable);
}

void CoordinatorState::tell_participants(const Pending& pending) {
  auto list = std::make_shared<Decide::List>();
  list->position = told_ = pending.position;
  list->decisions.reserve(pending.own.size() + pending.learned.size());
  for (const Coordinator::Made& m : pending.own)
    list->decisions.push_back({{site_.shard, machine_->incarnation(), m.sequence}, m.commit});
  list->decisions.insert(list->decisions.end(), pending.learned.begin(), pending.learned.end());
  list->early = pending.early;
  const Fabric::Shard& own = site_.self();
  const Decide decide{std::move(list)};
  self_->send(own.order, decide);
  self_->send(own.inventory, decide);
  self_->send(own.payment, decide);
}

void CoordinatorState::tell_sites(const Pending& pending) {
  std::uint64_t all = 0;
  for (const Coordinator::Made& m : pending.own) all |= m.sites;
  for (ShardId shard = 0; shard < site_.fabric->size(); ++shard) {
    if (shard == site_.shard || (all >> shard & 1) == 0) continue;
    auto decisions = std::make_shared<std::vector<commit::Decision>>();
    for (const Coordinator::Made& m : pending.own)
      if (m.sites >> shard & 1) decisions->push_back({{site_.shard, machine_->incarnation(), m.sequence}, m.commit});
    self_->send(site_.fabric->shards[shard].coordinator, Decisions{site_.shard, std::move(decisions)});
  }
}

const Batch::Part& CoordinatorState::part_of(const Batch& batch, std::uint32_t index) const {
  const auto after = std::upper_bound(batch.parts.begin(), batch.parts.end(), index,
                                      [](std::uint32_t i, const Batch::Part& part) { return i < part.offset; });
  return *std::prev(after);
}

Outcome CoordinatorState::outcome_of(const Batch::Part& part, std::uint32_t index,
                                     const Coordinator::Made& made) const {
  Outcome outcome;
  outcome.index = part.submission->indexes[index - part.offset];
  outcome.transaction = {site_.shard, machine_->incarnation(), made.sequence};
  outcome.verdict = made.commit ? Verdict::committed : Verdict::aborted;
  outcome.error = made.error;
  if (made.repeat_of) {
    outcome.verdict = Verdict::committed;
    outcome.replayed = true;
    outcome.transaction = made.repeat_of;
  }
  return outcome;
}

/// Answers in order; neighbours of one submission share one call.
void CoordinatorState::tell_callers(const std::vector<Coordinator::Made>& made) {
  std::vector<Outcome> outcomes;
  std::vector<std::int64_t> decided_at_ns;  // Of the batches that are answered by this,
  std::vector<std::uint64_t> ended;         // and their first transactions.
  SubmissionPtr submission;
  for (std::size_t i = 0; i < made.size();) {
    InFlight* flight = in_flight(made[i].sequence);
    if (!flight) {  // Given up: its caller was told that the outcome is unknown.
      ++i;
      continue;
    }
    const Batch& batch = *flight->batch;
    for (; i < made.size() && made[i].sequence >= batch.first && made[i].sequence < batch.first + batch.count; ++i) {
      const auto index = static_cast<std::uint32_t>(made[i].sequence - batch.first);
      const Batch::Part& part = part_of(batch, index);
      if (part.submission != submission) {
        answer(submission, outcomes);
        submission = part.submission;
      }
      if (made[i].commit)
        for (const Listing& listing : submission->listings)
          if (listing.transaction == index - part.offset)
            site_.fabric->catalog.listed(listing.sku, listing.price, listing.first);
      outcomes.push_back(outcome_of(part, index, made[i]));
      flight->answered[index] = true;
      --flight->unanswered;
    }
    if (flight->unanswered == 0) decided_at_ns.push_back(flight->decided_at_ns), ended.push_back(batch.first);
  }
  answer(submission, outcomes);
  note_answered(decided_at_ns);
  // Wherever they stand: one that waits for a shard that is away must not hold the room of all after it.
  for (const std::uint64_t first : ended) {
    const auto flight = flight_of(first);
    for (const Batch::Part& part : flight->batch->parts) site_.self().open_bytes -= part.submission->bytes;
    in_flight_.erase(flight);
  }
}

void CoordinatorState::answer(const SubmissionPtr& submission, std::vector<Outcome>& outcomes) {
  if (outcomes.empty()) return;
  Totals& totals = site_.fabric->totals;
  std::uint64_t replayed = 0, committed = 0, unknown = 0;
  for (const Outcome& outcome : outcomes) {
    if (outcome.replayed) {
      ++replayed;
    } else {
      committed += outcome.verdict == Verdict::committed ? 1 : 0;
      unknown += outcome.verdict == Verdict::unknown ? 1 : 0;
    }
  }
  totals.replayed += replayed;
  totals.committed += committed;
  totals.unknown += unknown;
  const std::uint64_t aborted = outcomes.size() - replayed - committed - unknown;
  totals.aborted += aborted;
  if (aborted > 0) totals.count_codes(outcomes);
  site_.self().open_transactions -= outcomes.size();
  submission->on_outcomes(outcomes);
  outcomes.clear();
}

void CoordinatorState::on_acknowledge(const Acknowledge& message) {
  std::vector<TransactionId> ended;
  for (const TransactionId& transaction : *message.transactions)
    if (machine_->acknowledge(transaction, message.site)) ended.push_back(transaction);
  confirm(ended);
  if (!ended.empty())
    site_.journal->append(Stream::coordinator, RecordKind::ended, persistence::write_ended(ended),
                          site_.fabric->now_ns());
}

/// Every site has these in: their callers are answered.
void CoordinatorState::confirm(std::span<const TransactionId> transactions) {
  std::vector<Coordinator::Made> made;
  made.reserve(transactions.size());
  for (const TransactionId& transaction : transactions) {
    if (const auto replays = replays_.extract(transaction))
      made.insert(made.end(), replays.mapped().begin(), replays.mapped().end());
    if (transaction.shard != site_.shard || transaction.incarnation != machine_->incarnation()) continue;
    const auto it = unconfirmed_.find(transaction.sequence);
    if (it == unconfirmed_.end()) continue;
    made.push_back(it->second);
    unconfirmed_.erase(it);
  }
  sort_by_sequence(made);
  tell_callers(made);
}

/// Every site of this own commit, of whatever life, has it in.
bool CoordinatorState::confirmed(const TransactionId& transaction) const {
  return !machine_->unacknowledged().contains(transaction) && quorum_->confirmed(transaction);
}

/// A decision that is made but not durable is nobody's business yet.
bool CoordinatorState::undurable(const TransactionId& transaction) const {
  if (transaction.incarnation != machine_->incarnation()) return false;
  for (const Pending& pending : pending_)
    for (const Coordinator::Made& made : pending.own)
      if (made.sequence == transaction.sequence) return true;
  return false;
}

void CoordinatorState::on_inquire(const Inquire& message) {
  auto decisions = std::make_shared<std::vector<commit::Decision>>();
  for (const TransactionId& transaction : *message.transactions) {
    if (quorum_->knows(transaction)) continue;  // Not this machine's to say.
    const commit::Status status = machine_->status(transaction);
    if (status == commit::Status::voting || undurable(transaction)) continue;  // Pending: the site asks again.
    decisions->push_back({transaction, status == commit::Status::committed});
  }
  if (!decisions->empty())
    self_->send(site_.fabric->shards[message.site].coordinator, Decisions{site_.shard, std::move(decisions)});
}

/// The engine's drain took too long. Callers hear that their outcome is unknown here; the journal knows better, or
/// recovery decides.
void CoordinatorState::on_give_up(std::promise<void>& done) {
  std::vector<Coordinator::Made> durable;
  durable.reserve(unconfirmed_.size());
  for (const auto& [unused, m] : std::exchange(unconfirmed_, {})) durable.push_back(m);
  sort_by_sequence(durable);
  for (const auto& [unused, more] : std::exchange(replays_, {}))
    durable.insert(durable.end(), more.begin(), more.end());
  tell_callers(durable);
  const auto give_up = [&](const SubmissionPtr& submission, const auto& answered, const auto& id_of) {
    std::vector<Outcome> outcomes;
    for (std::uint32_t i = 0; i < submission->indexes.size(); ++i) {
      if (answered(i)) continue;
      Outcome& outcome = outcomes.emplace_back();
      outcome.index = submission->indexes[i];
      outcome.transaction = id_of(i);  // To ask by, when the directory is open again.
      outcome.error = Error{Errc::outcome_unknown, "engine closed"};
    }
    answer(submission, outcomes);
    site_.self().open_bytes -= submission->bytes;
  };
  for (const InFlight& flight : std::exchange(in_flight_, {}))
    for (const Batch::Part& part : flight.batch->parts)
      give_up(
          part.submission, [&](std::uint32_t i) { return flight.answered[part.offset + i]; },
          [&](std::uint32_t i) { return flight.batch->at(part.offset + i); });
  site_.self().gathered = 0;
  for (const SubmissionPtr& submission : std::exchange(gathered_, {}))
    give_up(
        submission, [](std::uint32_t) { return false; }, [](std::uint32_t) { return TransactionId{}; });
  // What is not durable stays known as such: others may ask until this actor ends.
  for (const Resolving& each : std::exchange(resolving_, {})) each.answer(Error{Errc::shutting_down, "engine"});
  done.set_value();
}

}  // namespace kontor::actors
