#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "actors/catalog.hpp"
#include "actors/latency.hpp"
#include "actors/messages.hpp"
#include "persistence/journal_sink.hpp"

namespace kontor::actors {

/// Running totals of an engine; written by its actors, read by anyone.
struct Totals {
  std::atomic<std::uint64_t> submitted{0}, committed{0}, aborted{0}, unknown{0}, replayed{0};
  std::atomic<std::uint64_t> begun{0}, prepared{0}, checkpoints{0};
  std::array<std::atomic<std::uint64_t>, EngineCounters::kCodes> aborted_by_code{};
  Latency voting, deciding, answering;

  /// Counts those of `outcomes` that are aborted by their codes. Neighbours with one code are counted together, so that
  /// a rush for what is sold out costs no more than before.
  void count_codes(std::span<const Outcome> outcomes) {
    for (std::size_t i = 0; i < outcomes.size();) {
      const Errc code = outcomes[i].error.code;
      std::uint64_t count = 0;
      for (; i < outcomes.size() && outcomes[i].error.code == code; ++i)
        if (outcomes[i].verdict == Verdict::aborted) ++count;
      if (count > 0) aborted_by_code[static_cast<std::size_t>(code)].fetch_add(count, std::memory_order_relaxed);
    }
  }
  std::atomic<std::uint64_t> expired{0};  ///< Reservations that were released because they were late.
};

/// The actors of a shard, or what stands for them.
struct Handles {
  CoordinatorActor coordinator;
  OrderActor order;
  InventoryActor inventory;
  PaymentActor payment;
};

/// Who is where, set up before the first message and unchanged until all actors are gone: where shards move, these are
/// stand-ins that know where to (cluster/route.hpp).
struct Fabric {
  struct Shard : Handles {
    std::atomic<std::size_t> open_transactions{0};  ///< Admitted and not answered.
    std::atomic<std::size_t> open_bytes{0};
    std::atomic<std::size_t> gathered{0};  ///< Requests that wait for the next batch.
    std::atomic<std::size_t> in_doubt{0};
    std::atomic<std::int64_t> in_doubt_since_ns{0};  ///< Of the oldest, as of the last look; 0: of none.
    std::atomic<std::size_t> reservations{0};        ///< That hold stock.
    std::atomic<std::uint64_t> keys_kept{0};         ///< Idempotency keys in the index.
    std::atomic<std::uint64_t> keys_dropped{0};      ///< Forgotten ones that left it in this life.
  };
  explicit Fabric(std::uint16_t count) : shards(count) {}
  std::uint16_t size() const { return static_cast<std::uint16_t>(shards.size()); }

  std::vector<Shard> shards;
  /// All handles are set: an engine sets one shard's after the other's, which may take long. No timer acts before.
  std::atomic<bool> complete{true};
  Catalog catalog;
  Totals totals;
  commit::Protocol protocol = commit::Protocol::two_phase;  ///< Of requests that name none.
  /// Whether a shard here takes so many more bytes of requests: what other nodes ask for is admitted as callers' is.
  std::function<Error(ShardId home, std::size_t more_bytes)> admission;
  std::size_t open_bytes_max = std::numeric_limits<std::size_t>::max();  ///< Of a shard's `open_bytes`.
  /// In a cluster: the actors of a shard are here, from now on; the coordinator comes last.
  std::function<void(ShardId shard, const Handles& actors)> on_housed;
  void house(ShardId shard, const Handles& actors) {
    if (on_housed) return on_housed(shard, actors);
    static_cast<Handles&>(shards[shard]) = actors;
  }
  /// Whether there is a link to the shard's node. Empty: all shards are here.
  std::function<bool(ShardId shard)> linked;
  std::uint64_t out_of_reach(std::uint64_t sites) const {
    std::uint64_t out = 0;
    for (ShardId shard = 0; linked && shard < size(); ++shard)
      if ((sites & commit::site_bit(shard)) != 0 && !linked(shard)) out |= commit::site_bit(shard);
    return out;
  }
  /// Counts up when a road to a shard has come to be: a link, or its new owner has opened it. What was said before may
  /// be lost, and need not wait for its time to be sent again.
  std::atomic<std::uint64_t> roads{0};
  /// After what time unanswered messages of the protocols are sent again: by the slowest of the roads that there are.
  /// Empty: all shards are here, or the roads are not measured.
  std::function<std::chrono::nanoseconds()> resend_after;
  /// In a cluster, the other nodes' price lists hear it too.
  std::function<void(std::span<const Product>)> on_listed;
  void list(std::span<const Product> products) {
    catalog.set(products);
    if (on_listed && !products.empty()) on_listed(products);
  }
  /// For the votes of other shards, when a request has no deadline; 0: for ever.
  std::chrono::nanoseconds patience{0};
  std::int64_t deadline_from(std::int64_t begun_ns) const {
    return patience.count() == 0 ? 0 : begun_ns + patience.count();
  }
  std::function<bool()> storage_full;    ///< No new work: the room is for what is promised. Unset: never.
  std::function<std::int64_t()> now_ns;  ///< Unix time: set once here, at the edge; rules get it as a field.
  /// For how long idempotency keys are kept; 0: for ever. Counted by `steady_ns`, a clock that nobody can set, from
  /// whatever beginning: see domain/key_retention.hpp.
  std::chrono::nanoseconds key_retention{0};
  std::function<std::int64_t()> steady_ns;
};

/// What every actor of a shard is given.
struct Site {
  ShardId shard = 0;
  Fabric* fabric = nullptr;
  persistence::JournalSink* journal = nullptr;
  Fabric::Shard& self() const { return fabric->shards[shard]; }
};

}  // namespace kontor::actors
