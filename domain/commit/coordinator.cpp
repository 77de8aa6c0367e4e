#include "domain/commit/coordinator.hpp"

#include <algorithm>
#include <cassert>

namespace kontor::commit {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::voting: return "voting";
    case Status::committed: return "committed";
    case Status::aborted: return "aborted";
  }
  return "unlisted";
}

Coordinator::Coordinator(ShardId self, std::uint32_t incarnation, std::uint64_t next)
    : self_(self), incarnation_(incarnation), first_open_(next) {}

std::uint64_t Coordinator::begin(const TransactionHead& head) {
  const std::uint64_t sequence = next();
  const bool alone = head.sites == site_bit(self_);
  const Protocol protocol = alone ? Protocol::two_phase : head.protocol;
  open_.push_back({head.sites, head.sites, head.deadline_ns, false, protocol, head.refusal});
  ++undecided_;
  if (head.deadline_ns != 0) ++with_deadline_;
  return sequence;
}

Coordinator::Open* Coordinator::find(std::uint64_t sequence) {
  if (sequence < first_open_ || sequence >= next()) return nullptr;
  Open& open = open_[sequence - first_open_];
  return open.decided ? nullptr : &open;
}

void Coordinator::votes(ShardId site, std::uint64_t first, std::uint32_t count, std::span<const Refusal> refusals,
                        std::int64_t now_ns, std::vector<Made>& made) {
  const std::uint64_t bit = site_bit(site);
  auto refusal = refusals.begin();
  for (std::uint32_t index = 0; index < count; ++index) {
    while (refusal != refusals.end() && refusal->index < index) ++refusal;
    Open* open = find(first + index);
    if (!open || (open->awaited & bit) == 0) continue;  // Decided, or this site has voted: a repeat.
    open->awaited &= ~bit;
    const bool refused = refusal != refusals.end() && refusal->index == index;
    const bool home_spoke = (open->awaited & site_bit(self_)) == 0;
    if (refused && (home_spoke || refusal->repeat_of)) {
      decide(first + index, *open, false, false, refusal->error, refusal->repeat_of, made);
    } else if (refused) {
      if (open->refusal.code == Errc::none) open->refusal = refusal->error;
    } else if (home_spoke && open->refusal.code != Errc::none) {
      decide(first + index, *open, false, false, open->refusal, {}, made);
    } else if (open->awaited == 0) {
      const bool late = open->deadline_ns != 0 && now_ns > open->deadline_ns;
      const Error error = late ? Error{Errc::deadline_exceeded, "deadline"} : Error{};
      decide(first + index, *open, !late, true, error, {}, made);
    }
  }
  forget_decided();
}

std::optional<Coordinator::Made> Coordinator::settle(const TransactionId& transaction, bool commit) {
  if (transaction.incarnation != incarnation_) return {};
  Open* open = find(transaction.sequence);
  if (!open) return {};
  open->awaited = 0;
  std::vector<Made> made;
  decide(transaction.sequence, *open, commit, commit, Error{}, {}, made);
  forget_decided();
  return made.front();
}

std::uint64_t Coordinator::awaited(std::uint64_t first, std::uint32_t count) const {
  std::uint64_t sites = 0;
  const std::uint64_t end = std::min(first + count, next());
  for (std::uint64_t sequence = std::max(first, first_open_); sequence < end; ++sequence)
    if (const Open& open = open_[sequence - first_open_]; !open.decided) sites |= open.awaited;
  return sites;
}

void Coordinator::expire(std::int64_t now_ns, std::vector<Made>& made) {
  if (with_deadline_ == 0) return;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    Open& open = open_[i];
    if (open.decided || open.deadline_ns == 0 || now_ns <= open.deadline_ns) continue;
    if (open.awaited & site_bit(self_)) continue;  // The request may have had its effect before.
    decide(first_open_ + i, open, false, false, Error{Errc::deadline_exceeded, "deadline"}, {}, made);
  }
  forget_decided();
}

void Coordinator::decide(std::uint64_t sequence, Open& open, bool commit, bool prepared, const Error& error,
                         const TransactionId& repeat_of, std::vector<Made>& made) {
  assert(!open.decided);
  assert(!commit || open.awaited == 0);
  open.decided = true;
  --undecided_;
  if (open.deadline_ns != 0) --with_deadline_;
  // Whoever said no keeps all others from holding every vote; a vote that is late or missing does not.
  const bool unsure =
      !commit && open.protocol == Protocol::three_phase_optimised && error.code == Errc::deadline_exceeded;
  made.push_back({sequence, open.sites, commit, prepared, unsure, open.protocol, error, repeat_of});
  if (open.protocol != Protocol::two_phase) return;
  const std::uint64_t others = open.sites & ~site_bit(self_);
  if (commit && others != 0) await_acknowledgements({self_, incarnation_, sequence}, others);
}

void Coordinator::forget_decided() {
  while (!open_.empty() && open_.front().decided) {
    open_.pop_front();
    ++first_open_;
  }
}

void Coordinator::await_acknowledgements(const TransactionId& transaction, std::uint64_t sites) {
  assert(transaction.shard == self_);
  unacknowledged_[transaction] |= sites;
}

bool Coordinator::acknowledge(const TransactionId& transaction, ShardId site) {
  const auto it = unacknowledged_.find(transaction);
  if (it == unacknowledged_.end()) return false;
  it->second &= ~site_bit(site);
  if (it->second != 0) return false;
  unacknowledged_.erase(it);
  return true;
}

Status Coordinator::status(const TransactionId& transaction) const {
  assert(transaction.shard == self_);
  if (unacknowledged_.contains(transaction)) return Status::committed;
  if (transaction.incarnation == incarnation_ && transaction.sequence >= first_open_ && transaction.sequence < next() &&
      !open_[transaction.sequence - first_open_].decided)
    return Status::voting;
  // An end that was forgotten is one that every participant acknowledged durably, so nobody asks about it; what is left
  // was aborted, or began in an earlier life and has no decision on record: presumed abort.
  return Status::aborted;
}

}  // namespace kontor::commit
