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

}  // namespace kontor::testing
