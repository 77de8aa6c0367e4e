#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/intake.hpp"
#include "actors/shard_actors.hpp"
#include "domain/placement.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/table_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/manual_journal.hpp"
#include "tests/support/puppets.hpp"
#include "tests/support/shop_words.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {

/// The first of prefix + 0, prefix + 1, … that `home` is home to.
template <class Name>
Name named_at(const std::string& prefix, ShardId home, std::uint16_t shards) {
  for (int i = 0;; ++i)
    if (const auto name = named<Name>(prefix + std::to_string(i)); home_of(name, shards) == home) return name;
}

/// The actors of an engine on the deterministic scheduler, with a manual journal for each shard: what actors/shard.cpp
/// and actors/engine.cpp put together, but the test decides who runs, what is durable and when the lights go out.
class Stage {
 public:
  struct Shard {
    std::unique_ptr<persistence::Store> store;
    std::unique_ptr<ManualJournal> journal;
    std::uint32_t incarnation = 0;
  };

  explicit Stage(std::uint16_t shards = 1) : shards_(shards) {
    for (ShardId id = 0; id < shards; ++id) open_store(id);
  }
  ~Stage() { crash(); }

  std::int64_t now_ns = 1'000'000'000;
  std::int64_t steady_ns = 7'000'000'000;                   ///< Only runs forward, whatever becomes of `now_ns`.
  std::chrono::nanoseconds key_retention{0};                ///< Before `open`.
  commit::Protocol protocol = commit::Protocol::two_phase;  ///< Before `open`.
  /// Called for each shard's journal when it is made.
  std::function<void(ShardId, ManualJournal&)> on_journal;

  // --- A life: from recovery to the crash.

  void open() {
    puppets_ = std::make_unique<Puppets>();
    fabric_ = std::make_unique<actors::Fabric>(size());
    fabric_->now_ns = [this] { return now_ns; };
    fabric_->steady_ns = [this] { return steady_ns; };
    fabric_->key_retention = key_retention;
    fabric_->protocol = protocol;
    for (ShardId id = 0; id < size(); ++id) spawn(id);
    run();
  }
  /// The actors go, and with them all that is not durable. The stores stay open.
  void crash() {
    for (Shard& shard : shards_) {
      if (!shard.journal) continue;
      shard.journal->forget();
      shard.journal->on_durable = nullptr;
    }
    if (fabric_)
      for (auto& own : fabric_->shards)
        own.coordinator = nullptr, own.order = nullptr, own.inventory = nullptr, own.payment = nullptr;
    puppets_.reset();
    fabric_.reset();
    for (Shard& shard : shards_) shard.journal.reset();
  }
  /// Lets go of the directory, for an audit.
  void close_stores() {
    crash();
    for (Shard& shard : shards_) shard.store.reset();
  }
  void open_store(ShardId id) {
    std::string why;
    auto opened = persistence::Store::open({persistence::shard_dir(dir(), id), std::uint64_t{64} << 20}, &why);
    INFO(why);
    REQUIRE(opened);
    shards_[id].store = std::move(*opened);
  }

  std::uint16_t size() const { return static_cast<std::uint16_t>(shards_.size()); }
  const std::filesystem::path& dir() const { return dir_.path(); }
  Shard& shard(ShardId id = 0) { return shards_[id]; }
  ManualJournal& journal(ShardId id = 0) { return *shards_[id].journal; }
  actors::Fabric& fabric() { return *fabric_; }
  actors::Fabric::Shard& actors_of(ShardId id = 0) { return fabric_->shards[id]; }
  Puppets& puppets() { return *puppets_; }

  // --- Time and turns.

  void run() { puppets_->run(); }
  bool step(std::size_t pick) { return puppets_->step(pick); }
  void tick(std::chrono::nanoseconds time = kTickEvery) {
    now_ns += time.count(), steady_ns += time.count();
    puppets_->advance(time);
  }
  /// Only this shard's actors run, and its journal commits, until they have nothing left to do.
  void run_site(ShardId id) {
    const actors::Fabric::Shard& own = actors_of(id);
    for (int rounds = 0; rounds < 20; ++rounds) {
      puppets_->run_of(own.coordinator);
      puppets_->run_of(own.order);
      puppets_->run_of(own.inventory);
      puppets_->run_of(own.payment);
      journal(id).commit();
    }
  }
  void commit_all() {
    for (Shard& shard : shards_) shard.journal->commit();
  }
  /// Everybody runs and everything is durable, until nothing is left to do but wait for a timer.
  void settle() {
    for (int rounds = 0; rounds < 1'000; ++rounds) {
      run();
      std::size_t written = 0;
      for (Shard& shard : shards_) written += shard.journal->commit();
      if (written == 0 && puppets_->waiting() == 0) return;
    }
    FAIL("never settles");
  }

  // --- Requests; each gets a number, under which its outcome is told.

  std::map<std::size_t, Outcome> outcomes;
  std::vector<Request> requests;

  /// One submit call. Returns the number of its first request.
  std::size_t submit(std::vector<Request> more) {
    const std::size_t first = requests.size();
    actors::Intake intake(size(), more.size(), protocol, fabric_->now_ns());
    std::map<ShardId, std::shared_ptr<actors::Amend::List>> amendments;
    const auto receiver = [this, first](std::span<const Outcome> told) {
      for (const Outcome& outcome : told) {
        CHECK_FALSE(outcomes.contains(first + outcome.index));
        outcomes[first + outcome.index] = outcome;
      }
    };
    {
      const actors::Catalog::View prices(fabric_->catalog);
      for (std::uint32_t i = 0; i < more.size(); ++i) {
        requests.push_back(more[i]);
        if (const OrderId order = names_in(more[i].operation).order) {
          auto& list = amendments[order.shard];
          if (!list) list = std::make_shared<actors::Amend::List>();
          list->requests.push_back(more[i]), list->indexes.push_back(i);
          ++actors_of(home_of(more[i].key, size())).open_transactions;
        } else if (const auto added = intake.add(more[i], i, prices); !added) {
          outcomes[first + i] = {i, Verdict::aborted, false, {}, added.error()};
        }
      }
    }
    for (auto& [home, list] : amendments) {
      list->on_outcomes = receiver;
      caf::anon_send(actors_of(home).order, actors::Amend{list});
    }
    for (ShardId home = 0; home < size(); ++home) {
      auto submission = intake.take(home);
      if (!submission) continue;
      submission->on_outcomes = receiver;
      actors_of(home).open_transactions += submission->indexes.size();
      actors_of(home).open_bytes += submission->bytes;
      caf::anon_send(actors_of(home).coordinator, actors::Submit{std::move(submission)});
    }
    return first;
  }
  std::size_t submit(std::string_view with_key, Operation operation, std::int64_t deadline_ns = 0) {
    return submit({{key(with_key), std::move(operation), deadline_ns}});
  }
  /// Runs and commits until it is answered: must commit.
  TransactionId done(std::string_view with_key, Operation operation) {
    const std::size_t number = submit(with_key, std::move(operation));
    settle();
    REQUIRE(outcomes.contains(number));
    CAPTURE(with_key, to_string(outcomes[number].error.code));
    REQUIRE(outcomes[number].verdict == Verdict::committed);
    return outcomes[number].transaction;
  }

  // --- Reads, as of now: durable or not.

  Result<Account> account(std::string_view name) {
    const ShardId home = home_of(acc(name), size());
    return read<Account, actors::ReadAccount>(actors_of(home).payment, acc(name), home);
  }
  Result<Product> product(std::string_view name) {
    const ShardId home = home_of(sku(name), size());
    return read<Product, actors::ReadProduct>(actors_of(home).inventory, sku(name), home);
  }
  Result<Order> order(const OrderId& id) {
    return read<Order, actors::ReadOrder>(actors_of(id.shard).order, id, id.shard);
  }

 private:
  /// Runs until the actor has answered; the answer waits for the disk, so all is committed.
  template <class Value, class Message, class Actor, class Name>
  Result<Value> read(const Actor& actor, const Name& name, ShardId home) {
    auto promise = std::make_shared<std::promise<Result<Value>>>();
    auto answer = promise->get_future();
    caf::anon_send(actor, Message{name, [promise](const Result<Value>& value) { promise->set_value(value); }});
    for (int rounds = 0; rounds < 100 && answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
         ++rounds) {
      run();
      journal(home).commit();
    }
    REQUIRE(answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    return answer.get();
  }
  void spawn(ShardId id);

  TempDir dir_;
  std::vector<Shard> shards_;
  std::unique_ptr<actors::Fabric> fabric_;
  std::unique_ptr<Puppets> puppets_;
};

inline void Stage::spawn(ShardId id) {
  Shard& shard = shards_[id];
  shard.journal = std::make_unique<ManualJournal>(*shard.store, actors::next_position(*shard.store));
  if (on_journal) on_journal(id, *shard.journal);
  auto keys = std::make_unique<persistence::KeyIndex>(*shard.store, shard.journal.get(), 1'024);
  REQUIRE(keys->load());
  std::string why;
  auto recovered = persistence::recover(*shard.store, {persistence::kFormatVersion, id, size()}, keys.get(), &why);
  INFO(why);
  REQUIRE(recovered);
  shard.incarnation = recovered->incarnation;
  actors::spawn_actors(puppets_->system(), {id, fabric_.get(), shard.journal.get()},
                       {0, [] { return std::uint64_t{0}; }}, *shard.store, std::move(keys), *recovered);
  actors::Fabric::Shard& own = actors_of(id);
  puppets_->keep(own.order), puppets_->keep(own.inventory);
  puppets_->keep(own.payment), puppets_->keep(own.coordinator);
  shard.journal->on_durable = [coordinator = own.coordinator](Position position) {
    caf::anon_send(coordinator, actors::Durable{position});
  };
}

}  // namespace kontor::testing
