#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "persistence/recovery.hpp"

namespace kontor::persistence {

/// One record of the coordinator's journal, as the participants see it.
struct DecisionRecord {
  Position position = 0;
  TransactionId opened;  ///< Set: aborts all own transactions of earlier incarnations that are still open.
  std::vector<commit::Decision> decisions;
};

/// What the participants' replays need of the coordinator's journal.
struct CoordinatorJournal {
  std::vector<DecisionRecord> decisions;  ///< Ascending by position.
  std::vector<Asked> asked;
  /// Own ones that only a decision may end: others may have pre-committed. Those whose end is on record, too.
  std::set<TransactionId> enlisted;
};

/// Reads the coordinator's checkpoint and journal. What the coordinator itself must remember goes into `shard`, whose
/// format is known. Errors: corrupt_journal; `explanation` gets stream and position.
Result<CoordinatorJournal> read_coordinator(const Store& store, RecoveredShard& shard, std::string& explanation);

/// Raises the mark of the coordinator's shard, unless that is `self`.
void note_high_water(std::map<ShardId, TransactionId>& high_water, const TransactionId& transaction, ShardId self);

/// "order journal, position 12: checksum".
std::string where(Stream stream, Position position, const Error& error);

}  // namespace kontor::persistence
