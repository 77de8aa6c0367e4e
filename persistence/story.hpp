#pragma once
#include <optional>
#include <string>
#include <vector>

#include "persistence/shard_set.hpp"

namespace kontor::persistence {

/// One record that names a transaction.
struct StoryEvent {
  ShardId shard = 0;
  Stream stream = Stream::order;
  Position position = 0;
  std::int64_t written_at_ns = 0;
  RecordKind kind = RecordKind::opened;
  std::optional<bool> commit;  ///< Of a decision.
  std::optional<commit::Stance> stance;
  std::vector<std::string> demands;  ///< What was promised, in words.
};

enum class StoryOutcome : std::uint8_t { committed, aborted, unknown_here };
std::string_view to_string(StoryOutcome outcome);

/// Everything a closed directory says about one transaction.
struct Story {
  TransactionId transaction;
  StoryOutcome outcome = StoryOutcome::unknown_here;
  std::optional<ArchivedRequest> request;
  std::optional<StoredOperation> operation;
  std::optional<OrderProgress> progress;  ///< Of the order it placed, as it is now.
  std::vector<TransactionId> amendments;  ///< Committed cancels, refunds and fulfilments of that order.
  std::vector<StoryEvent> events;         ///< In order of time, then of position.
  bool checkpointed = false;              ///< Some records are gone: a checkpoint holds their effect.
};

/// Tells the story of `transaction` (or of the order it placed). Errors: not_found, corrupt_journal.
Result<Story> tell_story(const ShardSet& set, const TransactionId& transaction);

/// An operation in words, one line each for its parts.
std::vector<std::string> describe(const Operation& operation);
std::string describe(const PaymentDemand& demand);
std::string describe(const StockDemand& demand);
std::string describe(const OrderDemand& demand);

}  // namespace kontor::persistence
