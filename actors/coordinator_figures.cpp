// What a coordinator tells whoever watches: how long the phases of its batches take, and how old its doubts are.
#include <algorithm>

#include "actors/coordinator_state.hpp"

namespace kontor::actors {

/// All votes on some of the batch are in.
void CoordinatorState::note_voted(const Batch& batch, bool decided) {
  if (decided) site_.fabric->totals.voting.add(site_.fabric->now_ns() - batch.begun_at_ns);
}

/// What `pending` holds is durable. Decisions of one record are of one batch, save those that a deadline made.
void CoordinatorState::note_durable(const Pending& pending) {
  if (pending.own.empty() && pending.agreed.empty()) return;
  const std::int64_t now_ns = site_.fabric->now_ns();
  if (!pending.own.empty()) site_.fabric->totals.deciding.add(now_ns - pending.decided_at_ns);
  for (const auto* made : {&pending.own, &pending.agreed}) {
    if (made->empty()) continue;
    if (InFlight* flight = in_flight(made->front().sequence)) flight->decided_at_ns = now_ns;
  }
}

void CoordinatorState::note_answered(const std::vector<std::int64_t>& decided_at_ns) {
  if (decided_at_ns.empty()) return;
  const std::int64_t now_ns = site_.fabric->now_ns();
  for (const std::int64_t decided_at : decided_at_ns)
    if (decided_at != 0) site_.fabric->totals.answering.add(now_ns - decided_at);
}

/// Looks once a second: an age need not be exact, and a promise should not pay for it.
void CoordinatorState::show_oldest_doubt(std::int64_t now_ns) {
  std::map<TransactionId, std::int64_t> since;
  std::int64_t oldest = 0;
  const auto note = [&](std::int64_t begun_ns) { oldest = oldest == 0 ? begun_ns : std::min(oldest, begun_ns); };
  for (const auto& doubts : {foreign_.in_doubt(), quorum_->own_doubts()}) {
    for (const TransactionId& transaction : doubts) {
      const auto before = doubted_since_ns_.find(transaction);
      note(since.emplace(transaction, before == doubted_since_ns_.end() ? now_ns : before->second).first->second);
    }
  }
  doubted_since_ns_ = std::move(since);
  site_.self().in_doubt_since_ns = oldest;
}

}  // namespace kontor::actors
