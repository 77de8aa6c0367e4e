#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/commit/quorum.hpp"

namespace kontor::sim {

/// What must hold of three-phase stances on record, whatever comes of the transaction: these are the promises that keep
/// two leaders from deciding differently, so breaking one is found before an outcome splits.
/// Each call returns what is violated, or nothing.
class QuorumRules {
 public:
  /// `stance` is durable at `site`.
  std::string on_stance(ShardId site, const TransactionId& transaction, const commit::Stance& stance);
  void on_forgotten(ShardId site, const TransactionId& transaction);
  /// `site` tells another: what it says of itself is on its disk.
  std::string on_notice(ShardId site, const commit::Notice& notice, bool learned_commit) const;
  /// `site` tells the coordinator its vote. A no is for ever; who told an election that it never votes does not.
  std::string on_vote(ShardId site, const TransactionId& transaction, bool yes);

 private:
  struct Attempt {
    commit::Phase phase = commit::Phase::waiting;
    std::uint64_t accepted = 0;  ///< Sites that ever had it on record.
  };
  struct OnRecord {
    std::optional<commit::Stance> last;  ///< Unless forgotten since.
    commit::Stance highest;              ///< Of all that there ever was, number by number.
  };
  using Place = std::pair<TransactionId, ShardId>;
  boost::unordered_flat_map<Place, OnRecord> stances_;
  boost::unordered_flat_map<TransactionId, std::map<commit::Election, Attempt>> attempts_;
  boost::unordered_flat_map<TransactionId, std::uint64_t> refused_;  ///< Sites that said no.
};

}  // namespace kontor::sim
