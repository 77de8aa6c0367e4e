#pragma once
#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "actors/engine.hpp"
#include "domain/bundle.hpp"

namespace kontor::actors {

/// A price that a transaction sets: known to the price list before its caller hears that it committed.
struct Listing {
  std::uint32_t transaction = 0;
  Sku sku;
  Money price;
  bool first = false;  ///< Defines the product.
};

/// What one submit call asks of one coordinator.
struct Submission {
  Bundle bundle;
  std::vector<std::uint32_t> indexes;  ///< Of each transaction in the caller's requests.
  std::vector<Listing> listings;
  OnOutcomes on_outcomes;
  std::size_t bytes = 0;  ///< What it was admitted with.
};
using SubmissionPtr = std::shared_ptr<const Submission>;

/// What a coordinator prepares together: consecutive sequences from `first`, over the transactions of all parts.
struct Batch {
  ShardId coordinator = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::int64_t begun_at_ns = 0;
  struct Part {
    SubmissionPtr submission;
    std::uint32_t offset = 0;  ///< Of its first transaction in the batch.
  };
  std::vector<Part> parts;

  TransactionId at(std::uint32_t index) const { return {coordinator, incarnation, first + index}; }
};
using BatchPtr = std::shared_ptr<const Batch>;

/// So much is prefetched before it is used: enough to overlap the cache misses, little enough to stay in the cache.
inline constexpr std::size_t kPrefetchAhead = 64;

/// Calls `visit(index in batch, demands, bundle)` for each item that `select(Work)` picks of shard `shard`'s work, and
/// `ahead(demands)` some time before, for several items together.
template <class Select, class Ahead, class Visit>
void for_each_item(const Batch& batch, ShardId shard, const Select& select, const Ahead& ahead, const Visit& visit) {
  for (const Batch::Part& part : batch.parts) {
    const Bundle& bundle = part.submission->bundle;
    const auto& demands = select(bundle.work[shard]);
    std::size_t fetched = 0;
    for (const auto& item : demands.items) {
      if (item.end > fetched) {
        const std::size_t begin = fetched;
        fetched = std::min(std::max<std::size_t>(item.end, begin + kPrefetchAhead), demands.demands.size());
        ahead(std::span(demands.demands).subspan(begin, fetched - begin));
      }
      visit(part.offset + item.transaction, demands.of(item), bundle);
    }
  }
}

/// The same without a look ahead.
template <class Select, class Visit>
void for_each_item(const Batch& batch, ShardId shard, const Select& select, const Visit& visit) {
  for (const Batch::Part& part : batch.parts) {
    const Bundle& bundle = part.submission->bundle;
    const auto& demands = select(bundle.work[shard]);
    for (const auto& item : demands.items) visit(part.offset + item.transaction, demands.of(item), bundle);
  }
}

}  // namespace kontor::actors
