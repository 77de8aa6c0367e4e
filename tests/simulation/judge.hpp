#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "tests/simulation/history.hpp"
#include "tests/simulation/quorum_rules.hpp"
#include "tests/simulation/surroundings.hpp"
#include "tests/simulation/wire.hpp"
#include "tests/support/manual_journal.hpp"
#include "tests/support/shop_model.hpp"

namespace kontor::sim {

/// Knows the right answers. It sees every record that becomes durable, every message between shards and every answer to
/// a client, and holds each against what must then be true. The first thing that is not is kept as the failure: most of
/// this runs inside actors, where nothing may be thrown.
class Judge {
 public:
  explicit Judge(Surroundings& around)
      : around_(around), incarnation_(around.options.shards), forgotten_before_(around.options.shards) {}

  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void fail(const std::string& text);
  /// `otherwise()` is the failure's text: made only when it is needed.
  template <class Words>
  void must(bool holds, const Words& otherwise) {
    if (!holds) fail(otherwise());
  }

  // --- What is seen.

  /// A record or row is in `shard`'s store, whether anybody is told or not.
  void on_written(ShardId shard, const testing::ManualJournal::Item& item);
  void on_send(ShardId from, ShardId to, const caf::message& message);
  /// A message reaches a shard whose life began after crash `beginning`.
  void on_delivery(ShardId to, const caf::message& message, std::size_t beginning);
  /// A client is told what became of its request.
  void on_answer(const Request& request, const Outcome& outcome);
  /// A product or an account as a client read it, who began when its floor was `floor`; an error: it is not there.
  void on_read(const Result<Product>& product, const Sku& sku, std::size_t floor);
  void on_read(const Result<Account>& account, const AccountId& id, std::size_t floor);
  const History& history() const { return history_; }

  // --- What is known.

  const testing::ShopModel& model() const { return model_; }
  const std::vector<OrderId>& orders() const { return orders_; }
  const std::vector<IdempotencyKey>& keys() const { return keys_; }
  /// The transaction by which this key had its effect, if it had one; the last one, if the one before was forgotten.
  TransactionId effect_of(const IdempotencyKey& key) const;
  /// The transaction is committed, under this key.
  bool is_effect(const IdempotencyKey& key, const TransactionId& transaction) const;
  /// No transaction is half told: each commit is learned at every site of it.
  void must_be_settled();
  /// Some reservation neither was redeemed or released, nor expired.
  bool holds_reservations() const;

 private:
  static constexpr std::size_t kRoles = commit::kRoles;
  enum class End : std::uint8_t { open, committed, aborted };
  struct Story {
    std::uint64_t prepared[kRoles] = {};                  ///< Sites whose record of this role is durable.
    std::uint64_t learned_commit = 0, learned_abort = 0;  ///< Sites that have it on record.
    std::uint64_t sites = 0;                              ///< That a commit must reach, without the coordinator's.
    std::uint64_t voters = 0;                             ///< Three-phase, by a stance on record; else none.
    End end = End::open;             ///< On record at the coordinator; three-phase: at whoever wrote it first.
    bool told_abort = false;         ///< To another site or to a client.
    std::int64_t decided_at_ns = 0;  ///< By the coordinator's clock; two-phase only.
    std::uint64_t fingerprint = 0;   ///< Of the request.
    IdempotencyKey key;
    std::string body;
    Position position = 0;             ///< Of its request.
    Position forgotten_before = 0;     ///< At its home when it was enrolled.
    std::int64_t committed_at_ns = 0;  ///< True time.
    std::uint64_t anywhere() const { return prepared[0] | prepared[1] | prepared[2]; }
  };
  template <class Demand>
  void on_prepared(ShardId shard, commit::Role role, std::string_view payload);
  void on_order_prepared(ShardId shard, Position position, std::string_view payload);
  void on_key_ages(ShardId shard, std::string_view payload);
  bool is_forgotten(const TransactionId& transaction) const;
  void note_prepared(ShardId shard, commit::Role role, const TransactionId& transaction);
  void on_decided(ShardId shard, std::string_view payload, std::int64_t written_at_ns);
  void on_commit(ShardId shard, const TransactionId& transaction);
  void on_learned(ShardId shard, std::string_view payload);
  void on_stances(ShardId shard, std::string_view payload);
  void on_agreed(const commit::Decision& decision);
  void on_ended(ShardId shard, std::string_view payload);
  void on_opened(ShardId shard, std::string_view payload);
  void on_votes(const actors::SiteVotes& votes);
  void on_decisions(const actors::Decisions& message);
  void on_acknowledge(const actors::Acknowledge& message);
  void on_notices(const actors::Notices& message);
  void must_keep(const std::string& violated, ShardId shard, const TransactionId& transaction);
  template <class Row>
  bool is_sound(const Result<Row>& row, const std::string& name, std::size_t floor);
  void on_refused(const Request& request, const Outcome& outcome);
  bool outlived_its_price(const Operation& operation) const;

  void cover(Coverage::Message message, const TransactionId& transaction, ShardId site, std::size_t beginning);
  void cover(Coverage::Message message, const actors::Batch& batch, ShardId site, std::size_t beginning);

  Surroundings& around_;
  std::string failure_;
  boost::unordered_flat_map<TransactionId, Story> stories_;
  QuorumRules quorum_;
  boost::unordered_flat_map<IdempotencyKey, TransactionId> effects_;
  std::vector<std::uint32_t> incarnation_;  ///< By shard, as on record.
  std::vector<Position> forgotten_before_;  ///< Likewise.
  std::vector<IdempotencyKey> keys_;
  std::vector<OrderId> orders_;
  History history_;
  testing::ShopModel model_;
  mutable OrderId reserved_;  ///< An order that was reserved when it was last looked at.
};

}  // namespace kontor::sim
