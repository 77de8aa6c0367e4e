#pragma once
#include <optional>
#include <vector>

#include "actors/fabric.hpp"

/// What is in doubt on several shards of one node, as one answer. `own`: the shards whose coordinators are here.
namespace kontor::actors {

void read_doubts(const Fabric& fabric, const std::vector<ShardId>& own, const std::optional<TransactionId>& from,
                 std::size_t most, OnRead<DoubtPage> then);

/// Every shard that holds a promise of it asks. The first end that one of them hears of is the end; else the error that
/// says most.
void resolve_doubt(const Fabric& fabric, const std::vector<ShardId>& own, const TransactionId& transaction,
                   OnRead<bool> then);

}  // namespace kontor::actors
