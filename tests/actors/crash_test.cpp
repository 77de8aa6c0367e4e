// Crashes: whatever the order of messages, wherever the journal is cut, in the middle of a checkpoint or not, recovery
// gives the state that a replay of the whole journal gives, and the next life goes on from there.
#include "tests/support/catch.hpp"
#include "tests/support/crash_run.hpp"
#include "tests/support/property.hpp"

namespace kontor::testing {
namespace {

using namespace std::chrono_literals;

void random_crashes(std::uint16_t shards, std::size_t runs, commit::Protocol protocol = commit::Protocol::two_phase) {
  tests::property("recovery after any prefix equals a replay from the start", static_cast<int>(scaled(runs)), [=] {
    const auto steps = *any_steps();
    CrashRun run(shards, protocol);
    for (const Step& step : steps) run.step(step);
    run.end();
  });
}

}  // namespace

TEST_CASE("crash: one shard, cut after every item written", "[actors][crash]") { random_crashes(1, 100); }
TEST_CASE("crash: three shards, cut after every item written", "[actors][crash]") { random_crashes(3, 100); }
TEST_CASE("crash: three shards, three-phase, cut after every item written", "[actors][crash]") {
  random_crashes(3, 60, commit::Protocol::three_phase);
}
TEST_CASE("crash: three shards, three-phase optimised, cut after every item written", "[actors][crash]") {
  random_crashes(3, 60, commit::Protocol::three_phase_optimised);
}

// --- Cases that random runs seldom or never met.

TEST_CASE("crash: an abort that reaches a site before its participants have promised", "[actors][crash]") {
  CrashRun run(3);
  Stage& stage = run.stage();
  const ShardId home = home_of(acc("w0"), 3);
  const auto elsewhere = std::find_if(kSkus.begin(), kSkus.end(), [&](auto s) { return home_of(sku(s), 3) != home; });
  REQUIRE(elsewhere != kSkus.end());
  const ShardId site = home_of(sku(*elsewhere), 3);
  const std::size_t number = run.submit(purchase("w0", "w2", {{sku(*elsewhere), 2, 999}}), home);
  const auto& own = stage.actors_of(home);
  const auto& there = stage.actors_of(site);
  for (int i = 0; i < 3; ++i) {  // Asked, refused for want of money, decided; the site's inventory has not looked yet.
    stage.puppets().run_of(own.coordinator);
    stage.puppets().run_of(own.payment);
    stage.puppets().run_of(own.order);
    stage.puppets().run_of(there.coordinator);
    stage.journal(home).commit();
  }
  REQUIRE(stage.outcomes.at(number).error.code == Errc::insufficient_funds);
  REQUIRE(stage.journal(site).undurable(persistence::Stream::inventory).empty());
  stage.puppets().run_of(there.inventory);
  REQUIRE(stage.journal(site).undurable(persistence::Stream::inventory).size() == 1);
  stage.settle();
  run.begin_checkpoint(site);
  run.end();
}

TEST_CASE("crash: a record that two checkpoints need, the second of them cut short", "[actors][crash]") {
  CrashRun run(3);
  Stage& stage = run.stage();
  const ShardId home = home_of(acc("w0"), 3);
  const auto elsewhere = std::find_if(kSkus.begin(), kSkus.end(), [&](auto s) { return home_of(sku(s), 3) != home; });
  REQUIRE(elsewhere != kSkus.end());
  // One order record: the first request is this shard's alone, the second waits for another shard's vote.
  const std::size_t first = run.submit(OpenAccount{run.name_at(home), kGbp}, home);
  run.submit(ReceiveStock{{{sku(*elsewhere), 1}}}, home);
  stage.run_site(home);
  REQUIRE(stage.outcomes.contains(first));
  REQUIRE_FALSE(stage.outcomes.contains(first + 1));
  run.begin_checkpoint(home);
  stage.run_site(home);
  REQUIRE(stage.fabric().totals.checkpoints == 1);
  stage.settle();
  REQUIRE(stage.outcomes.contains(first + 1));
  run.begin_checkpoint(home);
  stage.settle();
  REQUIRE(stage.fabric().totals.checkpoints == 2);
  run.end();
}

/// Two shards: shard 0 has the customer and the shop, and coordinates; shard 1 has the goods.
struct TwoSites {
  TwoSites() : stage(2) {
    stage.open();
    stage.done("k-bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
    stage.done("k-customer", OpenAccount{acc(customer), kGbp});
    stage.done("k-shop", OpenAccount{acc(shop), kGbp});
    stage.done("k-goods", DefineProduct{sku(goods), gbp(1)});
    stage.done("k-money", Deposit{acc("bank"), acc(customer), gbp(1'000)});
    stage.done("k-stock", ReceiveStock{{{sku(goods), 50}}});
    for (int i = 0; i < 40; ++i) stage.tick(), stage.settle();
  }
  std::size_t buy() {
    const std::string key = std::string(named_at<IdempotencyKey>("buy-" + std::to_string(++bought) + "-", 0, 2).str());
    return stage.submit(key, purchase(customer, shop, {{sku(goods), 1}}));
  }
  void begin_checkpoint(ShardId id) { caf::anon_send(stage.actors_of(id).coordinator, actors::Checkpoint{nullptr}); }
  const std::string customer = std::string(named_at<AccountId>("customer-", 0, 2).str()),
                    shop = std::string(named_at<AccountId>("shop-", 0, 2).str()),
                    goods = std::string(named_at<Sku>("goods-", 1, 2).str());
  Stage stage;
  int bought = 0;
};

TEST_CASE("crash: a shard that is put to rest while a checkpoint stores it keeps what it learned", "[actors][crash]") {
  TwoSites sites;
  Stage& stage = sites.stage;
  for (int i = 0; i < 2; ++i) sites.buy(), stage.run_site(0);
  stage.run_site(1);  // It votes on both.
  const auto coordinator = stage.actors_of(0).coordinator, site = stage.actors_of(1).coordinator;
  stage.puppets().run_of(coordinator);
  REQUIRE(stage.journal(0).queued() == 2);  // Two decisions, of which the site hears one by one.
  sites.begin_checkpoint(1);
  stage.journal(0).commit(1);
  stage.puppets().run_of(coordinator);
  stage.puppets().run_of(site);
  const auto done = std::make_shared<std::promise<void>>();
  caf::anon_send(site, actors::GiveUp{done});
  stage.journal(0).commit();
  stage.puppets().run_of(coordinator);
  stage.puppets().run_of(site);
  REQUIRE(stage.journal(1).queued() == 2);  // Learned, both.
  stage.journal(1).commit();
  stage.puppets().run_of(site);  // Now its participants hear of them, with the checkpoint's first slice behind.
  stage.run_site(1);
  REQUIRE(stage.fabric().totals.checkpoints == 1);
  stage.crash(), stage.open();
  const auto product = stage.product(sites.goods);
  CHECK(product->sold == 2);
  CHECK(product->held == 0);
}

TEST_CASE("crash: no outcomes are kept of batches that wholly committed", "[actors][crash][checkpoint]") {
  TwoSites sites;
  Stage& stage = sites.stage;
  const std::size_t waits = sites.buy();  // For the other shard,
  stage.run_site(0);
  const auto name = named_at<AccountId>("other-", 0, 2);
  const std::size_t own = stage.submit(named_at<IdempotencyKey>("own-", 0, 2).str(), OpenAccount{name, kGbp});
  stage.run_site(0);  // and this does not.
  REQUIRE(stage.outcomes.contains(own));
  REQUIRE_FALSE(stage.outcomes.contains(waits));
  const auto stored = [&] {
    std::size_t rows = 0;
    const persistence::Store::Reader reader(*stage.shard(0).store);
    REQUIRE(reader.scan(persistence::Table::outcomes, {}, [&](std::string_view, const auto&) { return ++rows, true; }));
    return rows;
  };
  sites.begin_checkpoint(0);
  stage.run_site(0);
  CHECK(stored() == 2);
  stage.settle();
  REQUIRE(stage.outcomes.contains(waits));
  for (int i = 0; i < 2; ++i) sites.begin_checkpoint(0), stage.settle();
  CHECK(stored() == 0);
}

}  // namespace kontor::testing
