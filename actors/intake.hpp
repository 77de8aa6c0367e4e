#pragma once
#include <memory>
#include <vector>

#include "actors/submission.hpp"
#include "domain/plan.hpp"
#include "persistence/bytes.hpp"

namespace kontor::actors {

/// The order that an amendment names, else nullptr.
const OrderId* order_amended(const Operation& operation);

/// Turns requests into submissions, one for each coordinator: planned, placed and laid flat. Single-threaded; make one
/// for each submit call.
class Intake {
 public:
  /// `expected` requests: arrays are sized for them at once. `protocol`: of requests that name none. `now_ns`: Unix
  /// time, at which all of them begin. `deadline_ns`: of those that name none and concern several shards; 0: none.
  Intake(std::uint16_t shards, std::size_t expected, commit::Protocol protocol, std::int64_t now_ns,
         std::int64_t deadline_ns = 0);

  /// Plans and adds a request that does not depend on an order. Errors: see `plan`; nothing is added then. A
  /// reservation that has expired is added as below: a repeat of one that was made must hear of that.
  Result<void> add(const Request& request, std::uint32_t index, const PriceList& prices);
  /// Adds an amendment of `order`. One that planning refuses is added all the same: its coordinator
  /// answers with the refusal unless the key had its effect before.
  void amend(const Request& request, std::uint32_t index, const Result<Order>& order);

  /// What the submission for `home` holds by now, in memory.
  std::size_t bytes(ShardId home) const;

  /// The submission for the coordinator of shard `home`, or nullptr if there is nothing for it.
  std::shared_ptr<Submission> take(ShardId home);

 private:
  void place(const Request& request, std::uint32_t index, const Error& refusal);

  std::uint16_t shards_;
  std::size_t expected_;
  commit::Protocol protocol_;
  std::int64_t now_ns_, deadline_ns_;
  std::vector<std::shared_ptr<Submission>> submissions_;
  std::vector<persistence::ByteWriter> bodies_;
  Plan plan_;
};

}  // namespace kontor::actors
