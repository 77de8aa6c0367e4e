#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "domain/commit/protocol.hpp"
#include "domain/demands.hpp"

/// Many planned transactions, laid flat: one allocation per array, not per transaction.
namespace kontor {

/// The demands of many transactions on one participant.
template <class Demand>
struct Demands {
  struct Item {
    std::uint32_t transaction = 0;  ///< Index in Bundle::transactions.
    std::uint32_t begin = 0, end = 0;
  };
  std::vector<Item> items;  ///< Ascending by transaction.
  std::vector<Demand> demands;
  std::span<const Demand> of(const Item& item) const { return {demands.data() + item.begin, item.end - item.begin}; }
};

/// What one shard is asked.
struct Work {
  Demands<OrderDemand> order;
  Demands<StockDemand> inventory;
  Demands<PaymentDemand> payment;
};

struct TransactionHead {
  std::uint64_t sites = 0;       ///< Bit s: shard s takes part. The coordinator's own bit is always set.
  std::int64_t deadline_ns = 0;  ///< Unix time; 0: none.
  Error refusal;  ///< Planning refused it; it still asks whether its key is known, then aborts with this.
  commit::Protocol protocol = commit::Protocol::two_phase;  ///< Always this when no other site takes part.
  std::uint64_t quorum = 0;                                 ///< Three-phase: `sites` and witnesses.
};

struct Bundle {
  std::vector<TransactionHead> transactions;
  std::vector<Work> work;  ///< By shard.
  std::string bodies;      ///< Encoded operations; OrderDemand::body_begin and body_end point here.
};

}  // namespace kontor
