#pragma once
#include <string>
#include <utility>
#include <vector>

#include "actors/fabric.hpp"
#include "domain/commit/participant.hpp"
#include "persistence/journal_sink.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors {

/// What the inventory and the payment actor do, without being actors: batches in, one record and one vote message out.
/// A `Traits` names the resource's stream, table, record kinds, role and its part of a Work.
template <class Resource, class Traits>
class RowsParticipant {
 public:
  using Demand = typename Resource::Demand;

  RowsParticipant(Site site, commit::Participant<Resource> state, Position appended, Position decided)
      : site_(site), state_(std::move(state)), as_of_{appended, decided} {}

  Resource& resource() { return state_.resource; }
  const commit::Participant<Resource>& state() const { return state_; }

  /// Decides and holds each item, appends one record with all yes votes.
  Votes prepare(const BatchPtr& batch) {
    Votes votes{batch, Traits::kRole, 0, {}};
    persistence::PreparedWriter record({batch->coordinator, batch->incarnation, batch->first}, bytes_expected_);
    for_each_item(
        *batch, site_.shard, Traits::select,
        [&](std::span<const Demand> demands) { state_.resource.prefetch(demands); },
        [&](std::uint32_t index, std::span<const Demand> demands, auto&) {
          const TransactionId transaction = batch->at(index);
          if (state_.holds(transaction)) return;  // A repeat: yes again, and it is on record already.
          auto claim = state_.decide(transaction, demands);
          if (!claim) {
            votes.refusals.push_back({index, Traits::kRole, claim.error(), {}});
            return;
          }
          state_.hold(transaction, std::move(*claim), as_of_.appended + 1);
          record.item(index, demands);
        });
    if (record.items() > 0) {
      std::string payload = record.take();
      bytes_expected_ = payload.size() + payload.size() / 4;
      as_of_.appended =
          site_.journal->append(Traits::kStream, Traits::kPrepared, std::move(payload), site_.fabric->now_ns());
    }
    votes.position = as_of_.appended;
    return votes;
  }

  void decide(const Decide::List& list) {
    for (std::size_t i = 0; i < list.decisions.size(); ++i) {
      if (i % kPrefetchAhead == 0)
        for (std::size_t j = i; j < std::min(i + kPrefetchAhead, list.decisions.size()); ++j)
          state_.prefetch(list.decisions[j].transaction);
      state_.settle(list.decisions[i], list.position);
    }
    for (const commit::Decision& decision : list.early) state_.settle(decision, list.position, true);
    as_of_.decided = list.position;
  }

  /// Begins a checkpoint: one record of what is open; replay will start there.
  void capture() {
    persistence::OpenWriter record(as_of_.decided);
    std::vector<Demand> demands;
    for (const auto& [transaction, promise] : state_.open()) {
      demands.clear();
      state_.resource.describe(promise.claim, demands);
      record.item(transaction, promise.prepared, std::span<const Demand>(demands));
    }
    as_of_.appended = site_.journal->append(Traits::kStream, Traits::kOpen, record.take(), site_.fabric->now_ns());
    replay_from_ = as_of_.appended;
    // Only blocks that exist now: a later block must not be stored before an earlier one is full.
    dirty_ = state_.resource.rows().take_dirty();
    next_dirty_ = 0;
  }

  /// Stores some changed blocks.
  Left slice() {
    const std::size_t until = std::min(dirty_.size(), next_dirty_ + kBlocksPerSlice);
    for (; next_dirty_ < until; ++next_dirty_) {
      const std::uint32_t number = dirty_[next_dirty_];
      site_.journal->put(Traits::kTable, persistence::block_key(number), Traits::kBlock,
                         persistence::write_block(as_of_, state_.resource.rows().block(number)));
    }
    if (next_dirty_ < dirty_.size()) return Left::some;
    dirty_ = {};
    site_.journal->put(persistence::Table::meta, persistence::checkpoint_key(Traits::kStream),
                       persistence::RecordKind::meta_checkpoint, persistence::write_checkpoint(replay_from_));
    site_.journal->truncate(Traits::kStream, replay_from_);
    return Left::none;
  }

 private:
  Site site_;
  commit::Participant<Resource> state_;
  persistence::AsOf as_of_;
  std::size_t bytes_expected_ = 4096;  ///< Of the next record, from the last one: one allocation per batch.
  Position replay_from_ = 0;
  std::vector<std::uint32_t> dirty_;
  std::size_t next_dirty_ = 0;
};

struct InventoryTraits {
  static constexpr auto kRole = commit::Role::inventory;
  static constexpr auto kStream = persistence::Stream::inventory;
  static constexpr auto kTable = persistence::Table::products;
  static constexpr auto kPrepared = persistence::RecordKind::inventory_prepared;
  static constexpr auto kOpen = persistence::RecordKind::inventory_open;
  static constexpr auto kBlock = persistence::RecordKind::product_block;
  static const Demands<StockDemand>& select(const Work& work) { return work.inventory; }
};
struct PaymentTraits {
  static constexpr auto kRole = commit::Role::payment;
  static constexpr auto kStream = persistence::Stream::payment;
  static constexpr auto kTable = persistence::Table::accounts;
  static constexpr auto kPrepared = persistence::RecordKind::payment_prepared;
  static constexpr auto kOpen = persistence::RecordKind::payment_open;
  static constexpr auto kBlock = persistence::RecordKind::account_block;
  static const Demands<PaymentDemand>& select(const Work& work) { return work.payment; }
};
using InventoryParticipant = RowsParticipant<Inventory, InventoryTraits>;
using PaymentParticipant = RowsParticipant<Ledger, PaymentTraits>;

}  // namespace kontor::actors
