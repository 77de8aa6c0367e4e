// What is in doubt on a shard, for people: told on demand, and asked about at once instead of when a timer says so.
// Nothing here decides: it asks whom the protocol asks, or says who cannot be asked.
#include <algorithm>

#include "actors/coordinator_state.hpp"
#include "persistence/record_codec.hpp"

namespace kontor::actors {

using commit::Protocol;

void CoordinatorState::write_asked(std::span<const persistence::Asked> asked, std::int64_t now_ns) {
  if (asked.empty()) return;
  site_.journal->append(persistence::Stream::coordinator, persistence::RecordKind::asked,
                        persistence::write_asked(asked), now_ns);
}

/// Written before the participants' promises, so that with each of these on disk this is. What is late is not promised,
/// and of what is promised it is written already.
void CoordinatorState::note_asked(const Batch& batch, const std::vector<TransactionId>& late) {
  const std::int64_t now_ns = site_.fabric->now_ns();
  const bool repeated = foreign_.seen(batch.at(0));
  std::vector<persistence::Asked> asked;
  for (const Batch::Part& part : batch.parts) {
    const auto& heads = part.submission->bundle.transactions;
    for (std::uint32_t i = 0; i < heads.size(); ++i) {
      const TransactionId transaction = batch.at(part.offset + i);
      if ((heads[i].sites & commit::site_bit(site_.shard)) == 0 || (repeated && foreign_.in_doubt(transaction)) ||
          std::ranges::binary_search(late, transaction))
        continue;
      persistence::add_asked(asked, transaction, heads[i].sites, now_ns);
    }
  }
  write_asked(asked, now_ns);
}

/// The checkpoint at hand cuts off what was written of these when they were asked.
void CoordinatorState::note_still_asked() {
  const std::int64_t now_ns = site_.fabric->now_ns();
  std::vector<persistence::Asked> asked;
  for (const TransactionId& transaction : foreign_.in_doubt()) {
    const auto since = doubted_since_ns_.find(transaction);
    persistence::add_asked(asked, transaction, foreign_.voters(transaction),
                           since == doubted_since_ns_.end() ? now_ns : since->second);
  }
  write_asked(asked, now_ns);
}

Doubt CoordinatorState::doubt_of(const TransactionId& transaction) const {
  Doubt doubt;
  doubt.transaction = transaction;
  doubt.here = commit::site_bit(site_.shard);
  doubt.voters = foreign_.voters(transaction);
  std::uint64_t sites = doubt.voters;
  if (const commit::Stance* stance = quorum_->stance(transaction)) {
    doubt.protocol = stance->protocol;
    doubt.voters = stance->voters, sites = stance->sites;
    doubt.witnesses = sites & ~stance->voters & ~commit::site_bit(transaction.shard);
  }
  doubt.out_of_reach = site_.fabric->out_of_reach(sites | commit::site_bit(transaction.shard));
  const auto since = doubted_since_ns_.find(transaction);
  if (since != doubted_since_ns_.end()) doubt.since_ns = since->second;
  return doubt;
}

void CoordinatorState::on_read_doubts(const ReadDoubts& message) {
  std::vector<TransactionId> found = foreign_.in_doubt();
  const std::vector<TransactionId> own = quorum_->own_doubts();
  found.insert(found.end(), own.begin(), own.end());
  if (message.from) std::erase_if(found, [&](const auto& transaction) { return transaction <= *message.from; });
  const std::size_t told = std::min(found.size(), message.most);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(told), found.end());
  DoubtPage page;
  page.more = told < found.size();
  for (std::size_t i = 0; i < told; ++i) page.doubts.push_back(doubt_of(found[i]));
  message.answer(page);
}

/// Why asking for its end is in vain; none: it is not.
Error CoordinatorState::why_not_now(const Doubt& doubt) const {
  const TransactionId& transaction = doubt.transaction;
  const commit::Stance* stance = quorum_->stance(transaction);
  if (!stance && !foreign_.in_doubt(transaction)) return {Errc::not_found, "it is not in doubt here"};
  if (!stance && doubt.out_of_reach & commit::site_bit(transaction.shard))
    return {Errc::shard_unreachable,
            "the coordinator's node is out of reach, and it alone knows the outcome: what is promised here stays "
            "promised until it is back"};
  if (!stance) return {};
  if (commit::is_final(stance->phase)) return {Errc::not_found, "it is not in doubt here"};
  if (transaction.shard == site_.shard && machine_->status(transaction) == commit::Status::voting)
    return {Errc::request_in_progress, "its votes are still awaited: a deadline ends it, if nothing else does"};
  if (!commit::is_quorum(stance->sites & ~doubt.out_of_reach, stance->sites))
    return {Errc::shard_unreachable,
            "no majority of its sites is in reach, and fewer may not end it: the others may have decided already"};
  return {};
}

void CoordinatorState::on_resolve_doubt(const ResolveDoubt& message) {
  const TransactionId& transaction = message.transaction;
  if (const Error why = why_not_now(doubt_of(transaction)); why.code != Errc::none) return message.answer(why);
  if (resolving_.size() >= kResolvingMax) return message.answer(Error{Errc::overloaded, "too many wait for an end"});
  resolving_.push_back({transaction, kResolveTicks, message.answer});
  if (!quorum_->knows(transaction))
    return self_->send(site_.fabric->shards[transaction.shard].coordinator,
                       Inquire{site_.shard, std::make_shared<const std::vector<TransactionId>>(1, transaction)});
  commit::Effects effects;
  quorum_->hurry(transaction, effects);
  act(effects);
}

/// These are durable.
void CoordinatorState::tell_resolving(std::span<const commit::Decision> decisions) {
  if (resolving_.empty()) return;
  for (const commit::Decision& decision : decisions)
    std::erase_if(resolving_, [&](const Resolving& each) {
      if (each.transaction != decision.transaction) return false;
      each.answer(decision.commit);
      return true;
    });
}

void CoordinatorState::expire_resolving() {
  std::erase_if(resolving_, [this](Resolving& each) {
    if (--each.ticks_left > 0) return false;
    const Error why = why_not_now(doubt_of(each.transaction));
    each.answer(why.code != Errc::none
                    ? why
                    : Error{Errc::outcome_unknown, "asked, and no end came yet; it is asked again until one does"});
    return true;
  });
}

}  // namespace kontor::actors
