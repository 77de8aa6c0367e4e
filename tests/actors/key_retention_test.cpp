// How long idempotency keys are kept: replayed while they are young, new requests when they are old, and never half.
#include "persistence/audit.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/table_codec.hpp"
#include "persistence/verify.hpp"
#include "tests/actors/three_sites.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kS;

/// Deposits of 1 under a key, again and again. A hundred seconds of retention.
class Till {
 public:
  Till() {
    stage.key_retention = 100s;
    stage.open();
    stage.done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    stage.done("wallet", OpenAccount{acc("wallet"), kGbp});
  }

  Stage stage;

  void pass(std::chrono::seconds time) { stage.tick(time); }
  Outcome deposit(std::string_view with_key, Minor amount = 1) {
    const std::size_t number = stage.submit(with_key, Deposit{acc("bank"), acc("wallet"), gbp(amount)});
    stage.settle();
    return stage.outcomes.at(number);
  }
  /// What the same request does: nothing, or all of it.
  bool replayed(std::string_view with_key) {
    const Minor before = balance();
    const Outcome outcome = deposit(with_key);
    REQUIRE(outcome.verdict == Verdict::committed);
    REQUIRE(balance() == before + (outcome.replayed ? 0 : 1));
    return outcome.replayed;
  }
  Minor balance() { return stage.account("wallet")->balance; }
  void checkpoint() {
    bool done = false;
    caf::anon_send(stage.actors_of().coordinator,
                   actors::Checkpoint{std::make_shared<std::function<void()>>([&done] { done = true; })});
    stage.settle();
    REQUIRE(done);
  }
  void restart() { stage.crash(), stage.open(); }
  /// Steps of the index are taken with decisions.
  void work() {
    for (int i = 0; i < 700; ++i) deposit("work " + std::to_string(++works_));
  }

 private:
  int works_ = 0;
};

}  // namespace

TEST_CASE("key retention: before it the effect is replayed, after it the request is new", "[actors][keys]") {
  Till till;
  const bool checkpoint = GENERATE(false, true), restart = GENERATE(false, true);
  CAPTURE(checkpoint, restart);
  CHECK_FALSE(till.replayed("a"));
  till.pass(60s);
  CHECK_FALSE(till.replayed("b"));
  if (checkpoint) till.checkpoint();
  till.pass(39s);
  CHECK(till.replayed("a"));
  if (restart) till.restart();
  CHECK(till.replayed("a"));  // A crash can only make it younger.
  till.pass(restart ? 100s : 2s);
  CHECK_FALSE(till.replayed("a"));
  CHECK(till.replayed("a"));  // The new effect is young.
  CHECK(till.replayed("b") == !restart);
  till.pass(99s);
  CHECK(till.replayed("a"));
}

TEST_CASE("key retention: an old key is free for another request", "[actors][keys]") {
  Till till;
  till.deposit("a");
  CHECK(till.deposit("a", 7).error.code == Errc::idempotency_key_reused);
  till.pass(100s);
  CHECK(till.deposit("a", 7).verdict == Verdict::committed);
  CHECK(till.balance() == 8);
  CHECK(till.deposit("a").error.code == Errc::idempotency_key_reused);
}

TEST_CASE("key retention: no wall clock takes part", "[actors][keys]") {
  Till till;
  till.deposit("a");
  const std::int64_t jump_ns = GENERATE(3'600 * kS, 30 * kDay, -30 * kDay);
  till.stage.now_ns += jump_ns;
  CHECK(till.replayed("a"));
  till.deposit("b");
  till.checkpoint();
  till.work();
  CHECK(till.replayed("a"));
  till.restart();
  CHECK(till.replayed("a"));
  till.stage.now_ns -= jump_ns;
  CHECK(till.replayed("a"));
  CHECK(till.replayed("b"));
  till.restart();
  CHECK(till.replayed("a"));
  CHECK(till.replayed("b"));
  till.pass(100s);
  CHECK_FALSE(till.replayed("a"));
  CHECK_FALSE(till.replayed("b"));
}

TEST_CASE("key retention: the time in which the shard is down does not count", "[actors][keys]") {
  Till till;
  till.deposit("a");
  till.pass(50s);
  till.deposit("b");
  till.stage.crash();
  till.stage.now_ns += kDay, till.stage.steady_ns += kDay;
  till.stage.open();
  CHECK(till.replayed("a"));
  CHECK(till.replayed("b"));
}

TEST_CASE("key retention: what was in doubt for long is young when it ends", "[actors][keys]") {
  const auto protocol =
      GENERATE(commit::Protocol::two_phase, commit::Protocol::three_phase, commit::Protocol::three_phase_optimised);
  ThreeSites sites(protocol, 100s);
  Stage& stage = sites.stage();
  const std::size_t bought = sites.buy();
  sites.work();  // Enrolled at home; the other sites have not heard of it.
  for (int i = 0; i < 5; ++i) {
    stage.steady_ns += 100 * kS;
    stage.submit(
        {{named_at<IdempotencyKey>("other" + std::to_string(i), 0, 3), OpenAccount{acc(sites.customer), kGbp}}});
    sites.work();
  }
  REQUIRE_FALSE(stage.outcomes.contains(bought));
  for (int i = 0; i < 30; ++i) sites.tap().let_go(), sites.work();
  REQUIRE(stage.outcomes.at(bought).verdict == Verdict::committed);
  const auto again = [&] {
    const std::size_t number = sites.buy();
    for (int i = 0; i < 30; ++i) sites.work(), sites.tap().let_go();
    REQUIRE(stage.outcomes.contains(number));
    return stage.outcomes.at(number).replayed;
  };
  stage.steady_ns += 99 * kS;
  CHECK(again());
  stage.steady_ns += 2 * kS;
  CHECK_FALSE(again());
}

TEST_CASE("key retention: forgotten keys leave the store, young ones and the history stay", "[actors][keys]") {
  Till till;
  const std::size_t first = till.stage.submit("old", Deposit{acc("bank"), acc("wallet"), gbp(1)});
  till.stage.settle();
  const TransactionId old = till.stage.outcomes.at(first).transaction;
  till.checkpoint();
  const auto& shard = till.stage.actors_of();
  CHECK(shard.keys_kept == 3);
  till.pass(50s);
  till.deposit("young");
  till.pass(60s);
  till.work();
  CHECK(shard.keys_dropped == 3);
  CHECK(shard.keys_kept == 701);
  till.checkpoint();
  till.restart();
  CHECK(till.replayed("young"));
  CHECK(till.stage.actors_of().keys_kept == 701);
  auto record = std::make_shared<std::optional<Result<TransactionRecord>>>();
  caf::anon_send(till.stage.actors_of().order,
                 actors::ReadTransaction{old, [record](const Result<TransactionRecord>& read) { *record = read; }});
  till.stage.settle();
  REQUIRE(*record);
  REQUIRE(**record);
  CHECK((**record)->verdict == Verdict::committed);
  CHECK((**record)->key == key("old"));

  till.stage.close_stores();
  persistence::DirectoryLock::exclusive(till.stage.dir(), nullptr)->reset();
  std::string why;
  const auto audited = persistence::audit(till.stage.dir(), &why);
  INFO(why);
  REQUIRE(audited);
  CHECK(audited->faults.empty());
  CHECK(audited->keys_forgotten == 3);
  const auto verified = persistence::verify(till.stage.dir());
  REQUIRE(verified);
  CHECK(verified->faults.empty());
}

TEST_CASE("key retention: a crash anywhere brings no key back that was taken for new", "[actors][keys]") {
  Till till;
  till.deposit("a");
  till.checkpoint();
  till.pass(100s);
  // The same key with another body: whatever is durable of this, the key never has two effects that both count.
  const std::size_t number = till.stage.submit("a", Deposit{acc("bank"), acc("wallet"), gbp(7)});
  till.stage.run();
  const auto cut = static_cast<std::size_t>(GENERATE(range(0, 12)));
  till.stage.journal().commit_untold(std::min(cut, till.stage.journal().queued()));
  till.restart();
  till.stage.outcomes.erase(number);
  const Minor before = till.balance();
  const Outcome seven = till.deposit("a", 7), one = till.deposit("a", 1);
  if (before == 8) {
    CHECK(seven.replayed);
    CHECK(one.error.code == Errc::idempotency_key_reused);
  } else if (seven.verdict == Verdict::committed) {  // The horizon was durable: the key is free.
    CHECK_FALSE(seven.replayed);
    CHECK(one.error.code == Errc::idempotency_key_reused);
  } else {
    CHECK(seven.error.code == Errc::idempotency_key_reused);
    CHECK(one.replayed);
  }
}

TEST_CASE("key retention: the engine's own clock, and another retention after a restart", "[actors][engine][keys]") {
  EngineOptions options;
  CHECK(options.key_retention == kKeyRetentionDefault);
  CHECK(options.key_retention >= kKeyRetentionMin);
  const std::uint16_t shards = GENERATE(std::uint16_t{1}, std::uint16_t{3});
  Shop shop(shards, options);
  shop.external("bank");
  shop.wallet("wallet");
  const auto deposit = [&] { return shop.run("again", Deposit{acc("bank"), acc("wallet"), gbp(1)}); };
  CHECK_FALSE(deposit().replayed);
  CHECK(deposit().replayed);
  shop.audit_is_clean();
  shop.options.key_retention = 50ms;  // Shorter: what is older is forgotten.
  CHECK(eventually([&] { return !deposit().replayed; }));
  CHECK(shop.balance("wallet") == 2);
  shop.audit_is_clean();
  shop.options.key_retention = 0s;  // For ever.
  CHECK(deposit().replayed);
  std::this_thread::sleep_for(60ms);
  CHECK(deposit().replayed);
  shop.checkpoint();
  shop.audit_is_clean();
  CHECK(deposit().replayed);
  CHECK(shop.balance("wallet") == 2);
  CHECK(shop.engine().counters().keys_kept >= 1);
}

TEST_CASE("key retention: the auditor allows a second effect only of what is forgotten", "[actors][engine][keys]") {
  EngineOptions options;
  options.key_retention = 1ms;
  Shop shop(1, options);
  shop.external("bank");
  shop.wallet("wallet");
  const auto deposit = [&] { return shop.run("again", Deposit{acc("bank"), acc("wallet"), gbp(1)}); };
  for (int i = 0; i < 3; ++i) CHECK(eventually([&] { return !deposit().replayed; }));
  shop.audit_is_clean();
  const auto faults_with = [&](Position forgotten_before) {
    {
      const auto store = persistence::Store::open({persistence::shard_dir(shop.dir(), 0), std::uint64_t{1} << 30});
      REQUIRE(store);
      persistence::Store::Writer writer(**store);
      persistence::RecordHeader header;
      header.kind = persistence::RecordKind::key_ages;
      const std::string row = persistence::write_key_ages({0, forgotten_before, {}});
      REQUIRE(writer.put(persistence::Table::keys, persistence::kKeyAgesKey, header, row));
      REQUIRE(writer.commit());
    }
    const auto report = persistence::audit(shop.dir());
    REQUIRE(report);
    return report->faults;
  };
  CHECK(faults_with(0) ==
        std::vector<std::string>{"an idempotency key had two effects, and the first was not forgotten"});
  CHECK(faults_with(1'000) == std::vector<std::string>{"shard 0: forgets idempotency keys that are yet to come"});
}

TEST_CASE("key retention: one that makes no sense is refused", "[actors][engine][keys]") {
  const TempDir dir;
  EngineOptions options;
  options.dir = dir.path() / "shop";
  options.key_retention = GENERATE(std::chrono::nanoseconds(-1), kKeyRetentionMax + 1ns);
  std::string why;
  CHECK(Engine::open(options, &why).code() == Errc::invalid_argument);
  CHECK(why.find("ten years") != std::string::npos);
}

}  // namespace kontor::testing
