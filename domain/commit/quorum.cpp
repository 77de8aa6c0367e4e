#include "domain/commit/quorum.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kontor::commit {
namespace {

constexpr std::uint32_t kPatienceTicks = 20;      // A leader is suspected after these; a tick is kTickEvery.
constexpr std::uint32_t kPatienceTicksMax = 160;  // Elections in vain double it up to here.
constexpr std::uint32_t kStaggerTicks = 3;        // Between sites, so that they do not all lead at once.
constexpr std::uint32_t kRepeatTicks = 10;        // What is unanswered is sent again.

/// What a site that hears of a transaction for the first time begins with.
Stance first_stance(const Notice& notice) {
  Stance stance;
  stance.protocol = notice.protocol;
  stance.sites = notice.sites;
  stance.voters = notice.voters;
  stance.elected = {1, notice.transaction.shard};
  return stance;
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::waiting: return "waiting";
    case Phase::pre_committed: return "pre_committed";
    case Phase::pre_aborted: return "pre_aborted";
    case Phase::committed: return "committed";
    case Phase::aborted: return "aborted";
  }
  return "unlisted";
}

std::string_view to_string(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::vote: return "vote";
    case Notice::Kind::propose: return "propose";
    case Notice::Kind::accept: return "accept";
    case Notice::Kind::ask: return "ask";
    case Notice::Kind::report: return "report";
    case Notice::Kind::refuse: return "refuse";
    case Notice::Kind::decide: return "decide";
    case Notice::Kind::acknowledge: return "acknowledge";
    case Notice::Kind::forget: return "forget";
  }
  return "unlisted";
}

bool would_commit(std::span<const Stance> reports) {
  Election highest;
  bool all_pre_committed = true;
  for (const Stance& stance : reports) {
    if (is_final(stance.phase)) return stance.phase == Phase::committed;
    if (stance.attempt > highest) highest = stance.attempt, all_pre_committed = true;
    if (stance.attempt == highest) all_pre_committed = all_pre_committed && stance.phase == Phase::pre_committed;
  }
  return highest != Election{} && all_pre_committed;
}

Quorum::Quorum(ShardId self, std::function<Known(const TransactionId&)> known)
    : self_(self), known_(std::move(known)) {}

std::uint32_t Quorum::first_patience() const { return kPatienceTicks + kStaggerTicks * self_; }

Quorum::Entry* Quorum::find(const TransactionId& transaction) {
  const auto it = entries_.find(transaction);
  return it == entries_.end() ? nullptr : &it->second;
}

Quorum::Entry& Quorum::add(const TransactionId& transaction, const Notice& notice) {
  Entry& entry = entries_[transaction];
  entry.stance = first_stance(notice);
  entry.patience = first_patience();
  return entry;
}

Notice Quorum::about(Notice::Kind kind, const TransactionId& transaction, const Entry& entry) const {
  Notice notice;
  notice.kind = kind;
  notice.transaction = transaction;
  notice.protocol = entry.stance.protocol;
  notice.sites = entry.stance.sites, notice.voters = entry.stance.voters;
  notice.number = entry.stance.elected;
  notice.phase = entry.stance.phase, notice.attempt = entry.stance.attempt;
  return notice;
}

void Quorum::send(std::vector<Letter>& letters, std::uint64_t to, const Notice& notice) const {
  for (ShardId site = 0; to != 0; ++site, to >>= 1)
    if (to & 1) letters.push_back({site, notice});
}

void Quorum::restore(const TransactionId& transaction, const Stance& stance) {
  Entry& entry = entries_[transaction];
  entry.stance = stance;
  entry.enlisted = true;
  entry.round = stance.elected.round;
  entry.patience = first_patience();
  entry.age = entry.patience - std::min(entry.patience, kStaggerTicks * self_ + 1);  // Soon, but not all at once.
  if (is_final(stance.phase) && transaction.shard == self_) entry.owing = stance.sites & ~site_bit(self_);
}

bool Quorum::knows(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it != entries_.end() && it->second.enlisted;
}

bool Quorum::in_doubt(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it != entries_.end() && it->second.enlisted && !is_final(it->second.stance.phase);
}

bool Quorum::committed(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it != entries_.end() && it->second.enlisted && it->second.stance.phase == Phase::committed;
}

std::vector<TransactionId> Quorum::own_doubts() const {
  std::vector<TransactionId> out;
  for (const auto& [transaction, entry] : entries_)
    if (transaction.shard == self_ && entry.enlisted && !is_final(entry.stance.phase)) out.push_back(transaction);
  return out;
}

const Stance* Quorum::stance(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it != entries_.end() && it->second.enlisted ? &it->second.stance : nullptr;
}

bool Quorum::over(const TransactionId& transaction) const { return knows(transaction) && !in_doubt(transaction); }

bool Quorum::witnesses(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it != entries_.end() && it->second.enlisted && (it->second.stance.voters & site_bit(self_)) == 0;
}

bool Quorum::confirmed(const TransactionId& transaction) const {
  const auto it = entries_.find(transaction);
  return it == entries_.end() || (it->second.owing & it->second.stance.voters) == 0;
}

std::vector<std::pair<TransactionId, Stance>> Quorum::stances() const {
  std::vector<std::pair<TransactionId, Stance>> out;
  for (const auto& [transaction, entry] : entries_)
    if (entry.enlisted) out.emplace_back(transaction, entry.stance);
  return out;
}

bool Quorum::enlist(const TransactionId& transaction, Protocol protocol, std::uint64_t sites, std::uint64_t voters,
                    Effects& effects) {
  Notice notice;
  notice.transaction = transaction, notice.protocol = protocol, notice.sites = sites, notice.voters = voters;
  Entry* entry = find(transaction);
  if (entry && entry->enlisted) {
    // A tombstone, or over since; else a repeat of the prepare: the same vote again.
    if (!entry->stance.voted || entry->stance.phase == Phase::aborted) return false;
  } else {
    const std::uint64_t heard = entry ? entry->yes : 0;
    entry = &add(transaction, notice);
    entry->enlisted = true;
    entry->stance.voted = true;
    entry->yes = heard | site_bit(self_);
    effects.forced.emplace_back(transaction, entry->stance);
    if (protocol == Protocol::three_phase_optimised) pre_commit_when_all_voted(transaction, *entry, effects);
  }
  if (protocol == Protocol::three_phase_optimised) {
    const std::uint64_t others = vote_collectors(sites, voters, transaction.shard) & ~site_bit(transaction.shard);
    send(effects.after, others & ~site_bit(self_), about(Notice::Kind::vote, transaction, *entry));
  }
  return true;
}

void Quorum::refuse(const TransactionId& transaction, Protocol protocol, std::uint64_t sites, std::uint64_t voters,
                    Effects& effects) {
  if (knows(transaction)) {  // The record of an election's abort comes behind the no.
    const Stance& stance = find(transaction)->stance;
    if (stance.phase == Phase::aborted && !stance.voted) effects.forced.emplace_back(transaction, stance);
    return;
  }
  Notice notice;
  notice.transaction = transaction, notice.protocol = protocol, notice.sites = sites, notice.voters = voters;
  Entry& entry = add(transaction, notice);
  entry.enlisted = true;
  entry.stance.phase = Phase::aborted;
  effects.forced.emplace_back(transaction, entry.stance);
}

void Quorum::propose(const TransactionId& transaction, Effects& effects) {
  Entry* entry = find(transaction);
  const Election first{1, self_};
  if (!entry || !entry->enlisted || is_final(entry->stance.phase) || entry->stance.elected > first) return;
  if (entry->campaign) return;
  entry->age = 0;
  entry->campaign = Campaign{first, 0, {}, Phase::pre_committed, entry->early};
  Notice notice = about(Notice::Kind::propose, transaction, *entry);
  notice.number = first, notice.phase = Phase::pre_committed;
  // The collectors pre-commit without being told; so many accept that the others need not know.
  if (entry->stance.protocol == Protocol::three_phase)
    send(effects.now, entry->stance.sites & ~site_bit(self_), notice);
  if (entry->stance.attempt != first) take_on(transaction, *entry, first, Phase::pre_committed, effects);
  Notice own = about(Notice::Kind::accept, transaction, *entry);
  own.number = first;
  effects.after.push_back({self_, own});
}

void Quorum::abandon(const TransactionId& transaction, Effects& effects) {
  const auto it = entries_.find(transaction);
  if (it == entries_.end()) return;
  const Stance& stance = it->second.stance;
  if (stance.protocol == Protocol::three_phase_optimised)  // In the other form no witness has heard of it yet.
    send(effects.after, stance.sites & ~stance.voters, about(Notice::Kind::forget, transaction, it->second));
  entries_.erase(it);
}

void Quorum::drop(const TransactionId& transaction) { entries_.erase(transaction); }

void Quorum::receive(ShardId from, const Notice& notice, Effects& effects) {
  switch (notice.kind) {
    case Notice::Kind::vote: return on_vote(from, notice, effects);
    case Notice::Kind::propose: return on_propose(from, notice, effects);
    case Notice::Kind::accept: return on_accept(from, notice, effects);
    case Notice::Kind::ask: return on_ask(from, notice, effects);
    case Notice::Kind::report: return on_report(from, notice, effects);
    case Notice::Kind::refuse: return on_refuse(notice);
    case Notice::Kind::decide: return on_decide(notice, effects);
    case Notice::Kind::acknowledge: return on_acknowledge(from, notice, effects);
    case Notice::Kind::forget: return on_forget(notice, effects);
  }
}

// --- As voter and witness.

void Quorum::take_on(const TransactionId& transaction, Entry& entry, Election number, Phase phase, Effects& effects) {
  entry.stance.elected = std::max(entry.stance.elected, number);
  entry.stance.attempt = number;
  entry.stance.phase = phase;
  entry.round = std::max(entry.round, number.round);
  entry.age = 0;
  effects.forced.emplace_back(transaction, entry.stance);
}

/// Optimised form: whoever holds all yes votes may pre-commit in the first round, and says so to the coordinator.
void Quorum::pre_commit_when_all_voted(const TransactionId& transaction, Entry& entry, Effects& effects) {
  const Election first{1, transaction.shard};
  const bool collector =
      (vote_collectors(entry.stance.sites, entry.stance.voters, transaction.shard) & site_bit(self_)) != 0;
  const bool all = (entry.stance.voters & ~entry.yes) == 0;
  if (!collector || !all || !entry.enlisted) return;
  if (transaction.shard == self_) return;  // The coordinator counts votes itself, then proposes.
  if (entry.stance.phase != Phase::waiting || entry.stance.elected != first) return;
  take_on(transaction, entry, first, Phase::pre_committed, effects);
  effects.after.push_back({transaction.shard, about(Notice::Kind::accept, transaction, entry)});
}

void Quorum::on_vote(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry) {
    if ((notice.voters & site_bit(self_)) != 0 && known_(notice.transaction) == Known::over) return;
    entry = &add(notice.transaction, notice);
  }
  entry->yes |= site_bit(from);
  if (!entry->enlisted && (entry->stance.voters & site_bit(self_)) == 0) {
    entry->enlisted = true;
    effects.forced.emplace_back(notice.transaction, entry->stance);
  }
  pre_commit_when_all_voted(notice.transaction, *entry, effects);
}

/// What a leader says who is late: it hears the outcome, or of the higher number.
bool Quorum::answered_at_once(ShardId from, const Notice& notice, const Entry& entry, Effects& effects) const {
  const bool over = is_final(entry.stance.phase);
  if (!over && notice.number >= entry.stance.elected) return false;
  effects.after.push_back({from, about(over ? Notice::Kind::report : Notice::Kind::refuse, notice.transaction, entry)});
  return true;
}

void Quorum::on_propose(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry || !entry->enlisted) {
    // A voter that has no stance has not voted, so this proposal is to abort; its leader asked, and had its answer.
    if ((notice.voters & site_bit(self_)) != 0) return;
    entry = &add(notice.transaction, notice);
    entry->enlisted = true;
  }
  if (answered_at_once(from, notice, *entry, effects)) return;
  if (entry->stance.attempt != notice.number) take_on(notice.transaction, *entry, notice.number, notice.phase, effects);
  effects.after.push_back({from, about(Notice::Kind::accept, notice.transaction, *entry)});
}

void Quorum::on_ask(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry || !entry->enlisted) return on_ask_unknown(from, notice, effects);
  if (answered_at_once(from, notice, *entry, effects)) return;
  entry->age = 0;
  entry->round = std::max(entry->round, notice.number.round);
  if (notice.number > entry->stance.elected) {
    entry->stance.elected = notice.number;
    effects.forced.emplace_back(notice.transaction, entry->stance);
  }
  effects.after.push_back({from, about(Notice::Kind::report, notice.transaction, *entry)});
}

/// Asked about a transaction without a stance. A voter that has not voted never will: then nobody can have
/// pre-committed, and it says aborted. So it does when the transaction is over and the asker is a voter in doubt: had
/// it committed, all would have acknowledged before anybody forgot, the asker among them.
void Quorum::on_ask_unknown(ShardId from, const Notice& notice, Effects& effects) {
  const Known known = known_(notice.transaction);
  if (known == Known::voting) return;  // Pending: it asks again.
  const bool own_voice = (notice.voters & site_bit(self_)) != 0;
  const bool asker_votes = (notice.voters & site_bit(from)) != 0;
  if (own_voice && known == Known::over) {
    Entry over;
    over.stance = first_stance(notice);
    over.stance.elected = notice.number, over.stance.phase = Phase::aborted;
    const auto kind = asker_votes ? Notice::Kind::report : Notice::Kind::forget;
    effects.after.push_back({from, about(kind, notice.transaction, over)});
    return;
  }
  Entry& entry = add(notice.transaction, notice);
  entry.enlisted = true;
  entry.stance.elected = notice.number;
  entry.round = notice.number.round;
  if (own_voice) entry.stance.phase = Phase::aborted;  // A tombstone.
  effects.forced.emplace_back(notice.transaction, entry.stance);
  if (own_voice) effects.decided.push_back({notice.transaction, false});
  effects.after.push_back({from, about(Notice::Kind::report, notice.transaction, entry)});
}

void Quorum::finish(const TransactionId& transaction, Entry& entry, Phase outcome, Effects& effects) {
  entry.stance.phase = outcome;
  entry.campaign.reset();
  entry.age = 0;
  if (transaction.shard == self_) entry.owing = entry.stance.sites & ~site_bit(self_);
  effects.decided.push_back({transaction, outcome == Phase::committed});
}

void Quorum::on_decide(const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (entry && entry->enlisted && !is_final(entry->stance.phase))
    finish(notice.transaction, *entry, notice.phase, effects);
  if (notice.transaction.shard == self_) return;
  if (entry && !entry->enlisted && notice.phase == Phase::aborted) {
    entries_.erase(notice.transaction);  // Votes that were heard early: there is nothing left to vote on.
    entry = nullptr;
  }
  // Refused here by one participant, promised by another: that one learns of the abort now. Or the votes are on their
  // way: they must find that it is over.
  if (!entry && (notice.voters & site_bit(self_)) != 0 && notice.phase == Phase::aborted)
    effects.decided.push_back({notice.transaction, false});
  Entry unknown;
  unknown.stance = first_stance(notice);
  // Also without a stance: it was forgotten, or is a witness that never heard of it, and owes nothing.
  effects.after.push_back(
      {notice.transaction.shard, about(Notice::Kind::acknowledge, notice.transaction, entry ? *entry : unknown)});
}

void Quorum::on_forget(const Notice& notice, Effects& effects) {
  const Entry* entry = find(notice.transaction);
  if (!entry) return;
  const bool witness = (entry->stance.voters & site_bit(self_)) == 0;
  if (!witness && !is_final(entry->stance.phase)) return;
  drop(notice.transaction);
  effects.forgotten.push_back(notice.transaction);
}

// --- As leader.

void Quorum::suspect(const TransactionId& transaction, Effects& effects) {
  Entry* entry = find(transaction);
  if (!entry || !entry->enlisted || is_final(entry->stance.phase)) return;
  entry->age = 0;
  entry->patience = std::min(entry->patience * 2, kPatienceTicksMax);
  const Election number{++entry->round, self_};
  entry->campaign = Campaign{number, 0, {}, {}, 0};
  entry->stance.elected = number;
  effects.forced.emplace_back(transaction, entry->stance);
  // Nobody may hear the number before it is durable here: after a crash it must not be given out again.
  send(effects.after, entry->stance.sites & ~site_bit(self_), about(Notice::Kind::ask, transaction, *entry));
  effects.after.push_back({self_, about(Notice::Kind::report, transaction, *entry)});
}

void Quorum::hurry(const TransactionId& transaction, Effects& effects) {
  Entry* entry = find(transaction);
  if (!entry || (entry->campaign && entry->age < kRepeatTicks)) return;
  if (transaction.shard == self_ && known_(transaction) == Known::voting) return;  // Its votes are still awaited.
  const std::uint32_t patience = entry->patience;
  suspect(transaction, effects);
  entry->patience = patience;
}

void Quorum::on_report(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry || !entry->enlisted || is_final(entry->stance.phase)) return;
  if (is_final(notice.phase)) {
    finish(notice.transaction, *entry, notice.phase, effects);
    send(effects.after, entry->stance.sites & ~site_bit(self_),
         about(Notice::Kind::decide, notice.transaction, *entry));
    if (notice.transaction.shard != self_)
      effects.after.push_back({notice.transaction.shard, about(Notice::Kind::acknowledge, notice.transaction, *entry)});
    return;
  }
  auto& campaign = entry->campaign;
  if (!campaign || campaign->number != notice.number || campaign->proposed) return;
  if ((campaign->reported & site_bit(from)) != 0) return;
  campaign->reported |= site_bit(from);
  Stance& report = campaign->reports.emplace_back();
  report.phase = notice.phase, report.attempt = notice.attempt;
  if (!is_quorum(campaign->reported, entry->stance.sites)) return;
  campaign->proposed = would_commit(campaign->reports) ? Phase::pre_committed : Phase::pre_aborted;
  Notice proposal = about(Notice::Kind::propose, notice.transaction, *entry);
  proposal.number = campaign->number, proposal.phase = *campaign->proposed;
  send(effects.after, entry->stance.sites, proposal);
}

void Quorum::on_accept(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry || !entry->enlisted || is_final(entry->stance.phase)) return;
  auto& campaign = entry->campaign;
  if (!campaign) {
    // Optimised form: a collector was faster than the last vote to the coordinator, whose own count proposes soon.
    if (notice.transaction.shard == self_ && notice.attempt == Election{1, self_}) entry->early |= site_bit(from);
    return;
  }
  if (campaign->number != notice.attempt || !campaign->proposed) return;
  campaign->accepted |= site_bit(from);
  if (!is_quorum(campaign->accepted, entry->stance.sites)) return;
  finish(notice.transaction, *entry, *campaign->proposed == Phase::pre_committed ? Phase::committed : Phase::aborted,
         effects);
  send(effects.after, entry->stance.sites & ~site_bit(self_), about(Notice::Kind::decide, notice.transaction, *entry));
  if (notice.transaction.shard != self_)
    effects.after.push_back({notice.transaction.shard, about(Notice::Kind::acknowledge, notice.transaction, *entry)});
}

void Quorum::on_refuse(const Notice& notice) {
  Entry* entry = find(notice.transaction);
  if (!entry) return;
  entry->round = std::max(entry->round, notice.number.round);
  if (entry->campaign && entry->campaign->number < notice.number) entry->campaign.reset();
}

// --- As coordinator: who has the outcome, and when it may be forgotten.

void Quorum::on_acknowledge(ShardId from, const Notice& notice, Effects& effects) {
  Entry* entry = find(notice.transaction);
  if (!entry) {
    if (known_(notice.transaction) == Known::voting) return;
    Notice forget = notice;
    forget.kind = Notice::Kind::forget;
    effects.after.push_back({from, forget});
    return;
  }
  // An election came first, and its leader's word was lost.
  if (entry->enlisted && !is_final(entry->stance.phase) && is_final(notice.phase))
    finish(notice.transaction, *entry, notice.phase, effects);
  if (!is_final(entry->stance.phase)) return;
  const bool awaited = (entry->owing & entry->stance.voters) != 0;
  entry->owing &= ~site_bit(from);
  if (awaited && confirmed(notice.transaction)) effects.confirmed.push_back(notice.transaction);
  if (entry->owing != 0) return;
  send(effects.after, entry->stance.sites & ~site_bit(self_), about(Notice::Kind::forget, notice.transaction, *entry));
  effects.forgotten.push_back(notice.transaction);
  entries_.erase(notice.transaction);
}

void Quorum::tick(Effects& effects) {
  std::vector<TransactionId> due;
  for (auto& [transaction, entry] : entries_) {
    ++entry.age;
    if (entry.age % kRepeatTicks == 0 || entry.age >= entry.patience) due.push_back(transaction);
  }
  for (const TransactionId& transaction : due) repeat(transaction, *find(transaction), effects);
}

void Quorum::repeat(const TransactionId& transaction, Entry& entry, Effects& effects) {
  if (!entry.enlisted) {  // Votes of others, and no own: the prepare was lost, or refused here.
    if (entry.age >= entry.patience) drop(transaction);
    return;
  }
  if (is_final(entry.stance.phase)) {
    if (transaction.shard == self_) {
      send(effects.after, entry.owing, about(Notice::Kind::decide, transaction, entry));
    } else {
      effects.after.push_back({transaction.shard, about(Notice::Kind::acknowledge, transaction, entry)});
    }
    entry.age = 0;
    return;
  }
  if (transaction.shard == self_ && known_(transaction) == Known::voting) return;  // Its votes are still awaited.
  if (entry.age >= entry.patience) return suspect(transaction, effects);
  if (!entry.campaign || !entry.campaign->proposed) return;
  Notice proposal = about(Notice::Kind::propose, transaction, entry);
  proposal.number = entry.campaign->number, proposal.phase = *entry.campaign->proposed;
  send(effects.after, entry.stance.sites & ~entry.campaign->accepted, proposal);
}

}  // namespace kontor::commit
