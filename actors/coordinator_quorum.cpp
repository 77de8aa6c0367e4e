#include <algorithm>

#include "actors/coordinator_state.hpp"
#include "persistence/record_codec.hpp"

namespace kontor::actors {

using commit::Coordinator;
using commit::Protocol;
using persistence::RecordKind;
using persistence::Stream;

void CoordinatorState::on_notices(const Notices& message) {
  commit::Effects effects;
  for (const commit::Notice& notice : *message.notices) quorum_->receive(message.site, notice, effects);
  act(effects);
}

/// Writes what the machine asks for, and sends when it may.
void CoordinatorState::act(const commit::Effects& effects) {
  if (effects.empty()) return;
  // All stances written before are in the queue, or durable.
  const Position before = pending_.empty() ? durable_ : pending_.back().position;
  if (!effects.now.empty()) {
    Pending at_once;
    at_once.position = before;
    at_once.letters = effects.now;
    add_pending(std::move(at_once));
  }
  const std::int64_t now_ns = site_.fabric->now_ns();
  Pending pending;
  pending.position = before;
  if (!effects.forced.empty())
    pending.position = site_.journal->append(Stream::coordinator, RecordKind::stances,
                                             persistence::write_stances(effects.forced), now_ns);
  std::vector<commit::Decision> decided;
  decided.reserve(effects.decided.size());
  for (const commit::Decision& decision : effects.decided) {
    // An abort that overtook this site's votes; its record must not: replay takes in a promise, then its end.
    ForeignBatch* const batch = quorum_->witnesses(decision.transaction) ? nullptr : voting_on(decision.transaction);
    (batch && !decision.commit ? batch->early : decided).push_back(decision);
  }
  if (!decided.empty()) {
    pending.position =
        site_.journal->append(Stream::coordinator, RecordKind::learned, persistence::write_learned(decided), now_ns);
    pending.agreed = agreed(decided);
    for (const commit::Decision& decision : decided) {
      // An abort may be of a prepare that has yet to come: it leaves a tombstone.
      const bool own = decision.transaction.shard == site_.shard;
      const bool early = !decision.commit && !own && !foreign_.seen(decision.transaction);
      // A voter prepares nothing below it any more, as replay takes it; a witness has no prepares.
      if (early && !quorum_->witnesses(decision.transaction)) foreign_.raise_high_water(decision.transaction);
      (early ? pending.early : pending.learned).push_back(decision);
      foreign_.close(decision.transaction);
    }
    show_doubts();
  }
  pending.letters = effects.after;
  add_pending(std::move(pending));
  confirm(effects.confirmed);
  if (effects.forgotten.empty()) return;
  site_.journal->append(Stream::coordinator, RecordKind::ended, persistence::write_ended(effects.forgotten), now_ns);
}

void CoordinatorState::tell_quorum(const std::vector<commit::Letter>& letters) {
  std::map<ShardId, std::vector<commit::Notice>> by_site;
  for (const commit::Letter& letter : letters) by_site[letter.to].push_back(letter.notice);
  for (auto& [to, notices] : by_site)
    self_->send(site_.fabric->shards[to].coordinator,
                Notices{site_.shard, std::make_shared<const std::vector<commit::Notice>>(std::move(notices))});
}

/// The own transactions of this life among `decisions`, with what their callers are to hear.
std::vector<Coordinator::Made> CoordinatorState::agreed(std::span<const commit::Decision> decisions) {
  std::vector<Coordinator::Made> out;
  for (const commit::Decision& decision : decisions) {
    if (decision.transaction.shard != site_.shard || decision.transaction.incarnation != machine_->incarnation())
      continue;
    Coordinator::Made made;
    if (auto proposed = proposed_.extract(decision.transaction.sequence)) {
      made = proposed.mapped();
    } else if (auto voting = machine_->settle(decision.transaction, decision.commit)) {
      made = *voting;
    } else {
      continue;
    }
    made.commit = decision.commit;
    if (decision.commit) made.error = Error{};
    if (!decision.commit && made.error.code == Errc::none)
      made.error = Error{Errc::transaction_aborted, "ended by an election"};
    out.push_back(made);
  }
  return out;
}

namespace {

/// Calls `visit(index, head, refused)` for each three-phase transaction of the batch in which `shard` votes.
template <class Visit>
void for_each_vote(const Batch& batch, ShardId shard, const std::vector<commit::Refusal>& refusals,
                   const Visit& visit) {
  auto refusal = refusals.begin();
  for (const Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i) {
      const TransactionHead& head = heads[i];
      if (head.protocol == Protocol::two_phase || (head.sites & commit::site_bit(shard)) == 0) continue;
      const std::uint32_t index = part.offset + i;
      while (refusal != refusals.end() && refusal->index < index) ++refusal;
      visit(index, head, refusal != refusals.end() && refusal->index == index);
    }
  }
}

}  // namespace

void CoordinatorState::enlist_own(const Batch& batch, const std::vector<commit::Refusal>& refusals) {
  commit::Effects effects;
  for_each_vote(batch, site_.shard, refusals, [&](std::uint32_t index, const TransactionHead& head, bool refused) {
    const bool voting = machine_->status(batch.at(index)) == commit::Status::voting;
    if (voting && !refused) quorum_->enlist(batch.at(index), head.protocol, head.quorum, head.sites, effects);
  });
  act(effects);
}

/// Writes the stances of what this site votes on, yes or no. What was aborted before, be it while the participants
/// voted, is refused: a yes from one that knows of the abort could yet make a quorum. Returns what to let go of,
/// ascending.
std::vector<commit::Decision> CoordinatorState::enlist_foreign(const Batch& batch, const ForeignBatch& votes,
                                                               std::vector<commit::Refusal>& refusals) {
  // Asked again about what an election has committed: its coordinator, who missed that, must not take this for a no.
  std::erase_if(refusals, [&](const commit::Refusal& no) { return quorum_->committed(batch.at(no.index)); });
  commit::Effects effects;
  std::vector<commit::Decision> ended;
  std::vector<commit::Refusal> more;
  for_each_vote(batch, site_.shard, refusals, [&](std::uint32_t index, const TransactionHead& head, bool refused) {
    const TransactionId transaction = batch.at(index);
    if (refused && std::binary_search(votes.late.begin(), votes.late.end(), transaction)) return;
    const bool aborted = std::any_of(votes.early.begin(), votes.early.end(), [&](const commit::Decision& decision) {
      return decision.transaction == transaction && !decision.commit;
    });
    // The record of an abort that was heard of comes after these votes, and may be lost alone.
    if (refused || aborted) quorum_->refuse(transaction, head.protocol, head.quorum, head.sites, effects);
    if (refused) {
      ended.push_back({transaction, false});
      return;
    }
    if (aborted || !quorum_->enlist(transaction, head.protocol, head.quorum, head.sites, effects)) {
      more.push_back({index, commit::Role::order, Error{Errc::transaction_aborted, "ended by an election"}, {}});
    } else {
      return;
    }
    ended.push_back({transaction, false});
  });
  act(effects);
  refusals.insert(refusals.end(), more.begin(), more.end());
  std::sort(refusals.begin(), refusals.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  return ended;
}

/// Takes the three-phase transactions whose votes are in out of `made`: proposes them, or has an election held. What
/// the coordinator may abort alone stays.
std::vector<Coordinator::Made> CoordinatorState::hand_to_quorum(std::vector<Coordinator::Made> made) {
  if (std::none_of(made.begin(), made.end(), [](const auto& m) { return m.protocol != Protocol::two_phase; }))
    return made;
  commit::Effects effects;
  std::vector<Coordinator::Made> rest;
  for (Coordinator::Made& m : made) {
    const TransactionId transaction{site_.shard, machine_->incarnation(), m.sequence};
    if (m.protocol == Protocol::two_phase || (!m.commit && !m.unsure)) {
      if (m.protocol != Protocol::two_phase) quorum_->abandon(transaction, effects);
      rest.push_back(std::move(m));
      continue;
    }
    site_.fabric->totals.prepared += m.prepared ? 1 : 0;
    const bool commit = m.commit;
    proposed_.emplace(m.sequence, std::move(m));
    commit ? quorum_->propose(transaction, effects) : quorum_->suspect(transaction, effects);
  }
  act(effects);
  return rest;
}

commit::Known CoordinatorState::known(const TransactionId& transaction) {
  if (transaction.shard != site_.shard) {
    // A later batch of the same coordinator may have all its votes before this one has. And what is open without a
    // stance has not been voted on.
    const bool over = foreign_.settled_for_good(transaction) && !voting_on(transaction);
    return over ? commit::Known::over : commit::Known::never;
  }
  return machine_->status(transaction) == commit::Status::voting ? commit::Known::voting : commit::Known::over;
}

}  // namespace kontor::actors
