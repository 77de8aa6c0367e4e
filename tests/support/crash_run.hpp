#pragma once
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "persistence/audit.hpp"
#include "tests/support/random_operations.hpp"
#include "tests/support/recovered_state.hpp"
#include "tests/support/shop_model.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {

/// Drives a stage by random steps. Beside each shard's store it keeps a second one, the mirror, that gets every record
/// but no checkpoint: recovery from the mirror replays everything from position 1 and is what the store is held
/// against, after every single item that is written.
class CrashRun {
 public:
  explicit CrashRun(std::uint16_t shards, commit::Protocol protocol = commit::Protocol::two_phase) : stage_(shards) {
    stage_.protocol = protocol;
    for (ShardId id = 0; id < shards; ++id) {
      auto opened = persistence::Store::open({mirrors_.path() / std::to_string(id), std::uint64_t{64} << 20});
      REQUIRE(opened);
      stores_.push_back(std::move(*opened));
    }
    stage_.on_journal = [this](ShardId id, ManualJournal& journal) {
      journal.on_written = [this, id](const ManualJournal::Item& item) { on_written(id, item); };
    };
    stage_.open();
    submit_all(opening_day());
    submit_all(opening_stock());
    checking_ = true;
  }

  void step(const Step& step) {
    const auto shard = static_cast<ShardId>(step.c % stage_.size());
    switch (step.what % 16) {
      case 0:
      case 1:
      case 2:
      case 3: submit_batch(step); break;
      case 4:
      case 5: begin_checkpoint(shard); break;
      case 6: stage_.tick(std::chrono::milliseconds(100 + step.a % 1'000)); break;
      case 7:
        if (step.a % 4 == 0) crash();
        break;
      case 8:
      case 9:
      case 10: stage_.journal(shard).commit(1 + step.a % 9); break;
      default:
        for (unsigned i = 0; i < step.a % 40; ++i) stage_.step(step.b + i * step.c);
    }
  }
  void crash() {
    stage_.crash();
    life_begins_ = stage_.requests.size();
    stage_.open();
  }
  Stage& stage() { return stage_; }
  /// Under a key of the run's own, which `coordinator` is home to. Returns its number.
  std::size_t submit(Operation operation, ShardId coordinator = 0) {
    const auto chosen =
        named_at<IdempotencyKey>("own-" + std::to_string(keys_.size()) + "-", coordinator, stage_.size());
    keys_.push_back(chosen);
    return stage_.submit({{chosen, std::move(operation)}});
  }
  /// A new account's name that `home` is home to.
  AccountId name_at(ShardId home) const { return named_at<AccountId>("at-", home, stage_.size()); }
  void begin_checkpoint(ShardId shard = 0) {
    caf::anon_send(stage_.actors_of(shard).coordinator, actors::Checkpoint{nullptr});
  }
  /// All is settled and answered; the last life's state, recovery's and the auditor's are those of the model.
  void end() {
    settle();
    for (std::size_t number = life_begins_; number < stage_.requests.size(); ++number)
      must(stage_.outcomes.contains(number), "request " + std::to_string(number) + " is not answered");
    check_state();
    crash();
    settle();
    check_state();
    stage_.close_stores();
    auto lock = persistence::DirectoryLock::exclusive(stage_.dir(), nullptr);
    lock->reset();
    const auto report = persistence::audit(stage_.dir());
    must(static_cast<bool>(report), "audit");
    must(report->clean(), report->faults.empty() ? "audit" : report->faults.front());
  }

 private:
  /// For Catch and rapidcheck alike.
  static void must(bool holds, const std::string& otherwise) {
    if (!holds) throw std::runtime_error(otherwise);
  }
  void submit_all(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
      const std::string name = "opening-" + std::to_string(keys_.size());
      keys_.push_back(key(name));
      stage_.done(name, operation);
    }
  }
  void submit_batch(const Step& step) {
    std::vector<Request> batch;
    for (unsigned i = 0; i <= step.b % 4; ++i) {
      const Step own{0, step.a + 77 * i, step.b + 131 * i, step.c + 17 * i};
      Request request{key("k" + std::to_string(keys_.size())), random_operation(own, orders_, true)};
      if (step.c % 9 == 0) request.key = keys_[step.b % keys_.size()];  // Used before, most often for something else.
      if (step.a % 11 == 0) request.deadline_ns = stage_.now_ns + 150'000'000;
      keys_.push_back(request.key);
      batch.push_back(std::move(request));
    }
    stage_.submit(std::move(batch));
  }
  void settle() {
    stage_.settle();
    // Time for whoever is in doubt to ask or to hold an election, and for what was lost to be sent again.
    const int ticks = stage_.protocol == commit::Protocol::two_phase ? 30 : 120;
    for (int i = 0; i < ticks; ++i) {
      stage_.tick();
      stage_.settle();
    }
  }

  // --- What is written.

  void on_written(ShardId id, const ManualJournal::Item& item) {
    const bool format =
        item.what == ManualJournal::Item::What::put && item.kind == persistence::RecordKind::meta_format;
    if (format || item.what == ManualJournal::Item::What::append) ManualJournal::write_to(*stores_[id], item);
    if (item.what == ManualJournal::Item::What::append) learn(item);
    if (checking_) check_recovery(id);
  }
  /// The model follows the decisions in the order in which they become durable.
  void learn(const ManualJournal::Item& item) {
    if (item.kind == persistence::RecordKind::order_prepared) {
      const auto read = persistence::read_order_prepared(item.payload, [&](const persistence::OrderItem& prepared) {
        if (!prepared.body.empty())
          bodies_[prepared.transaction] = {prepared.demands.front().key, std::string(prepared.body)};
        return true;
      });
      REQUIRE(read);
    }
    if (item.kind == persistence::RecordKind::decided) {
      const auto decided = persistence::read_decided(item.payload);
      REQUIRE(decided);
      for (const persistence::OwnDecision& decision : *decided) {
        must(decided_.insert(decision.transaction).second, "decided twice");
        learn(decision.transaction, decision.commit);
      }
    } else if (item.kind == persistence::RecordKind::learned) {
      // In the three-phase forms whoever writes it first: who votes no, or leads, is not always the coordinator.
      const auto learned = persistence::read_learned(item.payload);
      REQUIRE(learned);
      for (const commit::Decision& decision : *learned) learn(decision.transaction, decision.commit);
    }
  }
  void learn(const TransactionId& transaction, bool commit) {
    const auto [known, fresh] = decisions_.emplace(transaction, commit);
    must(known->second == commit, "two outcomes of " + transaction_text(transaction));
    if (!fresh || !commit) return;
    const auto& [with_key, body] = bodies_.at(transaction);
    must(effects_.emplace(with_key, transaction).second, "two effects of key " + with_key.str());
    const auto stored = persistence::read_body(body);
    REQUIRE(stored);
    model_.apply(stored->operation, transaction);
    if (order_made(transaction, stored->operation)) orders_.push_back(transaction);
  }

  // --- What is checked.

  void check_recovery(ShardId id) {
    const persistence::Format format{persistence::kFormatVersion, id, stage_.size()};
    RecoveredState cut(*stage_.shard(id).store, format, orders_, keys_);
    RecoveredState whole(*stores_[id], format, orders_, keys_);
    const std::string lines = disagreement(cut, whole);
    must(lines.empty(), "store | mirror of shard " + std::to_string(id) + lines);
  }
  void check_state() {
    State actual;
    const auto text = [](const auto& found) { return found ? fact(*found) : std::string(to_string(found.code())); };
    for (const auto& [name, unused] : model_.accounts) actual["account " + name] = text(stage_.account(name));
    for (const auto& [name, unused] : model_.products) actual["sku " + name] = text(stage_.product(name));
    for (const OrderId& id : orders_) actual[order_text(id)] = text(stage_.order(id));
    must(actual == model_.state(), "engine | model" + difference(actual, model_.state()));
    for (const auto& [number, outcome] : stage_.outcomes) {
      const auto decided = decisions_.find(outcome.transaction);
      const bool committed = decided != decisions_.end() && decided->second;
      const bool told = outcome.verdict == Verdict::committed;
      must(told == committed, "request " + std::to_string(number) + " was told what was not decided");
      if (committed)
        must(effects_.at(stage_.requests[number].key) == outcome.transaction, "told another's transaction");
    }
  }

  TempDir mirrors_;
  std::vector<std::unique_ptr<persistence::Store>> stores_;
  Stage stage_;
  bool checking_ = false;
  std::size_t life_begins_ = 0;  ///< Number of its first request.
  std::vector<IdempotencyKey> keys_;
  std::vector<OrderId> orders_;
  std::map<TransactionId, std::pair<IdempotencyKey, std::string>> bodies_;
  std::map<TransactionId, bool> decisions_;
  std::set<TransactionId> decided_;  ///< By their coordinators.
  std::map<IdempotencyKey, TransactionId> effects_;
  ShopModel model_;
};

}  // namespace kontor::testing
