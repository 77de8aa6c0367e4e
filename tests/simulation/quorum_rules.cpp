#include "tests/simulation/quorum_rules.hpp"

#include <algorithm>
#include <utility>

namespace kontor::sim {

using commit::Notice;
using commit::Phase;
using commit::Stance;

std::string QuorumRules::on_stance(ShardId site, const TransactionId& transaction, const Stance& stance) {
  OnRecord& known = stances_[{transaction, site}];
  const Stance before = std::exchange(known.last, stance).value_or(Stance{});
  Stance& highest = known.highest;
  highest.voted = highest.voted || stance.voted;
  highest.elected = std::max(highest.elected, stance.elected);
  highest.attempt = std::max(highest.attempt, stance.attempt);
  if (stance.elected < before.elected) return "goes back to an earlier election";
  if (stance.attempt == before.attempt || is_final(stance.phase)) return {};
  if (stance.attempt < before.elected) return "takes on an attempt below the election it promised";
  auto& attempts = attempts_[transaction];
  const auto it = attempts.try_emplace(stance.attempt, Attempt{stance.phase, 0}).first;
  if (it->second.phase != stance.phase) return "takes on another phase than others under the same number";
  it->second.accepted |= commit::site_bit(site);
  for (const auto& [number, attempt] : attempts) {
    const Attempt& earlier = number < stance.attempt ? attempt : it->second;
    if (attempt.phase != stance.phase && commit::is_quorum(earlier.accepted, stance.sites))
      return "takes on other than what a quorum had accepted";
  }
  return {};
}

void QuorumRules::on_forgotten(ShardId site, const TransactionId& transaction) {
  const auto known = stances_.find({transaction, site});
  if (known != stances_.end()) known->second.last.reset();
  // It is over everywhere: a witness that hears of it late begins anew, to no effect.
  if (site == transaction.shard) attempts_.erase(transaction);
}

std::string QuorumRules::on_notice(ShardId site, const Notice& notice, bool learned_commit) const {
  const auto found = stances_.find({notice.transaction, site});
  const Stance stance = found == stances_.end() ? Stance{} : found->second.highest;
  bool durable = true;
  switch (notice.kind) {
    case Notice::Kind::vote: durable = stance.voted; break;
    case Notice::Kind::accept: durable = stance.attempt >= notice.attempt; break;
    case Notice::Kind::ask: durable = stance.elected >= notice.number; break;
    case Notice::Kind::report:
      durable = is_final(notice.phase) || (stance.elected >= notice.number && stance.attempt >= notice.attempt);
      break;
    default: break;  // A proposal is the leader's word alone.
  }
  // An abort may have been heard of, and forgotten, in other ways.
  if (notice.phase == Phase::committed) durable = learned_commit;
  return durable ? std::string() : "tells " + std::string(to_string(notice.kind)) + ", which is not durable";
}

std::string QuorumRules::on_vote(ShardId site, const TransactionId& transaction, bool yes) {
  std::uint64_t& refused = refused_[transaction];
  if (!yes) return refused |= commit::site_bit(site), std::string();
  if ((refused & commit::site_bit(site)) != 0) return "says yes after its no";
  const auto found = stances_.find({transaction, site});
  const std::optional<Stance> last = found == stances_.end() ? std::nullopt : found->second.last;
  return last && (!last->voted || last->phase == Phase::aborted)
             ? "says yes after it told an election that it never votes"
             : std::string();
}

}  // namespace kontor::sim
