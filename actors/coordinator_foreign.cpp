#include <algorithm>
#include <bit>
#include <limits>

#include "actors/coordinator_state.hpp"
#include "persistence/record_codec.hpp"

namespace kontor::actors {

using persistence::RecordKind;
using persistence::Stream;

/// Another shard's coordinator asks this site. The site has voted yes when all its participants have, durably. Asked
/// again it asks them again: what they hold is yes once more, what has ended is refused.
void CoordinatorState::on_prepare(const Prepare& message) {
  const Batch& batch = *message.batch;
  const commit::Roles roles = roles_asked(batch, site_.shard);
  if (roles == 0) return;
  const ForeignKey key{batch.at(0), batch.count};
  if (ballots_.contains(key)) return;  // A repeat while they vote: one answer serves both.
  std::vector<TransactionId> late = late_in(batch);
  // Its end is on its way to the participants, who still hold it. Whoever needs an answer asks again.
  if (std::any_of(late.begin(), late.end(), [this](const auto& transaction) { return untold(transaction); })) return;
  const bool fresh = late.empty() && !foreign_.seen(batch.at(0));
  const auto& full = site_.fabric->storage_full;
  if (fresh && full && full()) return refuse(message.batch, {Errc::storage_full, "storage of another shard"});
  note_asked(batch, late);
  bury(late);
  ballots_[key] = {commit::Ballot(roles), {}, std::move(late), open_in(batch)};
  send_prepare(message.batch, site_.shard, roles);
}

/// Nothing of it was promised here, and nothing will be.
void CoordinatorState::refuse(const BatchPtr& batch, const Error& error) {
  Votes votes{batch, commit::Role::order, 0, {}};
  for (const Batch::Part& part : batch->parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i)
      if ((heads[i].sites & commit::site_bit(site_.shard)) != 0)
        votes.refusals.push_back({part.offset + i, votes.role, error, {}});
  }
  ForeignBatch& all = ballots_[{batch->at(0), batch->count}];
  all.ballot = commit::Ballot(role_bit(votes.role)), all.unasked = true;
  on_foreign_votes(votes);
}

/// What of a batch has ended here before its prepare came: as a repeat, or overtaken by a later batch.
std::vector<TransactionId> CoordinatorState::late_in(const Batch& batch) const {
  std::vector<TransactionId> late;
  // As usual: its sequences follow the last batch's.
  if (!foreign_.seen(batch.at(0)) && quorum_->size() == 0) return late;
  const std::uint64_t bit = commit::site_bit(site_.shard);
  for (const Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i) {
      const TransactionId transaction = batch.at(part.offset + i);
      if ((heads[i].sites & bit) == 0) continue;
      // A no to the three-phase forms must be for good.
      const bool settled = heads[i].protocol == commit::Protocol::two_phase ? foreign_.settled(transaction)
                                                                            : foreign_.settled_for_good(transaction);
      if (settled || quorum_->over(transaction)) late.push_back(transaction);
    }
  }
  return late;
}

/// What of a batch is open here already: its prepare is a repeat.
std::vector<TransactionId> CoordinatorState::open_in(const Batch& batch) const {
  std::vector<TransactionId> open;
  if (!foreign_.seen(batch.at(0))) return open;
  for (std::uint32_t i = 0; i < batch.count; ++i)
    if (foreign_.in_doubt(batch.at(i))) open.push_back(batch.at(i));
  return open;
}

/// An election ended some of these while the participants were asked again: late now, and refused like the late ones.
void CoordinatorState::add_ended(const Batch& batch, ForeignBatch& votes, std::vector<commit::Refusal>& refusals) {
  for (const TransactionId& transaction : votes.open) {
    if (foreign_.in_doubt(transaction)) continue;
    votes.late.push_back(transaction);
    const auto index = static_cast<std::uint32_t>(transaction.sequence - batch.first);
    const bool refused =
        std::any_of(refusals.begin(), refusals.end(), [&](const auto& refusal) { return refusal.index == index; });
    if (!refused)
      refusals.push_back({index, commit::Role::order, Error{Errc::transaction_aborted, "ended by an election"}, {}});
  }
  std::sort(votes.late.begin(), votes.late.end());
  std::sort(refusals.begin(), refusals.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
}

/// The participants have not heard of its end: the record is not durable.
bool CoordinatorState::untold(const TransactionId& transaction) const {
  const auto is_it = [&](const commit::Decision& decision) { return decision.transaction == transaction; };
  return std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return std::any_of(pending.learned.begin(), pending.learned.end(), is_it);
  });
}

/// The participants have forgotten these and would promise them anew, so each gets tombstones before the prepare.
void CoordinatorState::bury(const std::vector<TransactionId>& late) {
  if (late.empty()) return;
  auto list = std::make_shared<Decide::List>();
  list->position = std::max(told_, opened_);  // No news to them: all up to here was told before.
  for (const TransactionId& transaction : late) list->early.push_back({transaction, false});
  const Fabric::Shard& own = site_.self();
  const Decide decide{std::move(list)};
  self_->send(own.order, decide);
  self_->send(own.inventory, decide);
  self_->send(own.payment, decide);
}

void CoordinatorState::on_foreign_votes(const Votes& votes) {
  const Batch& batch = *votes.batch;
  const auto it = ballots_.find({batch.at(0), batch.count});
  if (it == ballots_.end()) return;
  commit::Ballot& ballot = it->second.ballot;
  ballot.vote(votes.role, votes.position, votes.refusals);
  if (!ballot.complete()) return;

  Pending pending;
  pending.position = ballot.position();
  pending.votes = SiteVotes{votes.batch, site_.shard, ballot.take_refusals()};
  add_ended(batch, it->second, pending.votes->refusals);
  const std::vector<commit::Decision> released = enlist_foreign(batch, it->second, pending.votes->refusals);
  std::vector<commit::Decision> early = std::move(it->second.early);
  early.insert(early.end(), released.begin(), released.end());
  const std::vector<TransactionId> late = std::move(it->second.late);
  const bool one_role = it->second.unasked || std::has_single_bit(roles_asked(batch, site_.shard));
  ballots_.erase(it);
  auto refusal = pending.votes->refusals.begin();
  const std::uint64_t bit = commit::site_bit(site_.shard);
  for (const Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i) {
      const std::uint32_t index = part.offset + i;
      while (refusal != pending.votes->refusals.end() && refusal->index < index) ++refusal;
      const bool refused = refusal != pending.votes->refusals.end() && refusal->index == index;
      const TransactionId transaction = batch.at(index);
      if ((heads[i].sites & bit) == 0 || std::binary_search(late.begin(), late.end(), transaction)) continue;
      const bool held = std::ranges::binary_search(released, transaction, {}, &commit::Decision::transaction);
      // Refused by one of several, another may have promised: then the site must hear of the abort, and asks for it.
      if (!refused || held) {
        foreign_.prepared(transaction, heads[i].sites);
      } else if (one_role) {
        foreign_.refused(transaction);
      } else {
        foreign_.doubted(transaction, heads[i].sites);
      }
    }
  }
  show_doubts();
  // A later record may be told before this one is durable only if it is in order; so wait for the last append.
  if (!pending_.empty()) pending.position = std::max(pending.position, pending_.back().position);
  add_pending(std::move(pending));
  if (!early.empty()) learn(batch.coordinator, early, false);
}

/// The batch of a transaction that this site is still voting on, or nullptr.
CoordinatorState::ForeignBatch* CoordinatorState::voting_on(const TransactionId& transaction) {
  const auto after = ballots_.upper_bound({transaction, std::numeric_limits<std::uint32_t>::max()});
  if (after == ballots_.begin()) return nullptr;
  const auto& [first, count] = std::prev(after)->first;
  const bool same_life = first.shard == transaction.shard && first.incarnation == transaction.incarnation;
  return same_life && transaction.sequence - first.sequence < count ? &std::prev(after)->second : nullptr;
}

void CoordinatorState::on_decisions(const Decisions& message) { learn(message.coordinator, *message.decisions, true); }

/// Outcomes of transactions prepared here. Repeats are answered like the first. `decided`: by their coordinator, on its
/// disk; else one site's no, which that site must remember until the coordinator has heard of it.
void CoordinatorState::learn(ShardId coordinator, std::span<const commit::Decision> decisions, bool decided) {
  Pending pending;
  std::vector<TransactionId> acknowledge, forgotten;
  for (const commit::Decision& decision : decisions) {
    if (decision.transaction.shard != coordinator) continue;  // Only its own coordinator may decide.
    if (ForeignBatch* batch = voting_on(decision.transaction)) {
      // The abort overtook this site's votes; its record must not: replay takes in a promise, then its end.
      batch->early.push_back(decision);
      continue;
    }
    if (!decision.commit &&
        (decided ? quorum_->knows(decision.transaction) : quorum_->in_doubt(decision.transaction))) {
      quorum_->drop(decision.transaction);
      forgotten.push_back(decision.transaction);
    }
    switch (foreign_.learn(decision)) {
      case commit::Site::Lesson::apply:
        pending.learned.push_back(decision);
        foreign_.raise_high_water(decision.transaction);
        if (decision.commit) acknowledge.push_back(decision.transaction);
        break;
      case commit::Site::Lesson::acknowledge: acknowledge.push_back(decision.transaction); break;
      case commit::Site::Lesson::tombstone:
        pending.early.push_back(decision);
        // The participants hear of it when it is durable; a prepare that comes before that is late already.
        foreign_.raise_high_water(decision.transaction);
        break;
      case commit::Site::Lesson::ignore: break;  // Whatever was promised here has its end.
    }
  }
  show_doubts();
  if (!acknowledge.empty()) pending.acknowledge[coordinator] = std::move(acknowledge);
  if (!pending.learned.empty() || !pending.early.empty()) {
    std::vector<commit::Decision> record = pending.learned;
    record.insert(record.end(), pending.early.begin(), pending.early.end());
    pending.position = site_.journal->append(Stream::coordinator, RecordKind::learned,
                                             persistence::write_learned(record), site_.fabric->now_ns());
  } else {
    pending.position = pending_.empty() ? durable_ : pending_.back().position;
  }
  if (!forgotten.empty())
    site_.journal->append(Stream::coordinator, RecordKind::ended, persistence::write_ended(forgotten),
                          site_.fabric->now_ns());
  add_pending(std::move(pending));
}

}  // namespace kontor::actors
