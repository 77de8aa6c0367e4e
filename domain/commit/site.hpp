#pragma once
#include <map>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/commit/vote.hpp"

namespace kontor::commit {

/// What a shard knows of transactions that another shard coordinates. Pure; the participants hold the claims.
class Site {
 public:
  /// This site's yes vote on `transaction` is written (durable before it is told). `voters`: all sites that vote; 0: of
  /// an earlier life, whose prepare is gone.
  void prepared(const TransactionId& transaction, std::uint64_t voters = 0);

  /// One participant here refused, another may have promised: the abort to come is for both. Nothing on disk need name
  /// it, so the high water stays where it is until `learned` does.
  void doubted(const TransactionId& transaction, std::uint64_t voters);

  enum class Lesson : std::uint8_t {
    apply,        ///< New: write `learned`, tell the participants; acknowledge a commit once that is durable.
    acknowledge,  ///< A commit that was applied and is durable here: only the acknowledgement was lost.
    tombstone,    ///< An abort before its prepare: leave a tombstone at the participants.
    ignore,       ///< A repeat that needs no answer, or a commit of what was never prepared here (a fault elsewhere).
  };
  /// A decision arrives from its coordinator.
  Lesson learn(const Decision& decision);

  /// An election ended it.
  void close(const TransactionId& transaction) { open_.erase(transaction); }

  bool in_doubt(const TransactionId& transaction) const { return open_.contains(transaction); }
  /// It, or a later one of its coordinator's, was prepared or refused here before.
  bool seen(const TransactionId& transaction) const;
  /// Seen, and not open: a prepare that comes now is late, and nothing may be promised for it.
  bool settled(const TransactionId& transaction) const { return seen(transaction) && !in_doubt(transaction); }
  /// Likewise, and still so after a crash: it is below the high water.
  bool settled_for_good(const TransactionId& transaction) const;
  /// All that voted yes and whose decision is not known: to be asked about until answered.
  std::vector<TransactionId> in_doubt() const;
  std::size_t open() const { return open_.size(); }
  /// All sites that vote on one in doubt; 0: not known here.
  std::uint64_t voters(const TransactionId& transaction) const;

  /// The highest transaction of each coordinator's shard that a record here names as promised or ended. What lies below
  /// and is not open was settled here durably. Kept by checkpoints.
  const std::map<ShardId, TransactionId>& high_water() const { return high_water_; }
  void raise_high_water(const TransactionId& transaction);
  /// A two-phase no, which is on no disk: the abort to come is no news. After a crash it may be a yes.
  void refused(const TransactionId& transaction);

 private:
  boost::unordered_flat_map<TransactionId, std::uint64_t> open_;  ///< With their voters.
  std::map<ShardId, TransactionId> high_water_;
  std::map<ShardId, TransactionId> refused_;  ///< The highest.
};

}  // namespace kontor::commit
