#include "domain/commit/quorum.hpp"

#include <random>
#include <string>

#include "tests/domain/commit/quorum_world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/shop_words.hpp"

namespace kontor::tests {
namespace {

using commit::Protocol;
using Kind = commit::Notice::Kind;

constexpr std::uint64_t kTwo = 0b011, kThree = 0b111;

/// Random faults, then a healed network: whatever happened, nobody may differ, and nobody may be left in doubt.
void run(QuorumWorld::Options options, std::uint32_t seed, bool crashes) {
  std::mt19937 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  QuorumWorld world(options);
  const auto site = [&] { return static_cast<ShardId>(random() % options.sites); };
  const unsigned lossy = chance(50) ? 10 : 0, repeating = chance(50) ? 20 : 0, crashing = crashes ? 6 : 0;
  const unsigned cutting = chance(50) ? 5 : 0, hasty = chance(70) ? 8 : 1;
  for (int i = 0; i < 150; ++i) {
    if (chance(lossy)) world.lose(random());
    if (chance(crashing)) world.crash(site());
    if (chance(crashing)) world.sync_and_crash(site());
    if (chance(crashing * 3)) world.open(site());
    if (chance(cutting)) world.partition(random());
    if (chance(cutting)) world.heal();
    if (chance(hasty)) world.suspect(site());
    if (chance(5)) world.tick(site());
    if (chance(50)) world.sync(site());
    if (chance(60)) world.deliver(random(), chance(repeating));
  }
  world.heal();
  for (ShardId id = 0; id < options.sites; ++id) world.open(id);
  world.settle(1'000);
  for (ShardId id = 0; id < options.sites; ++id) {
    INFO("site " << id);
    CHECK_FALSE(world.holds(id));
    CHECK(world.machine(id)->size() == 0);
  }
}

QuorumWorld::Options options_of(std::uint32_t seed, Protocol protocol) {
  QuorumWorld::Options options;
  options.protocol = protocol;
  options.sites = static_cast<std::uint16_t>(3 + seed % 3);
  options.voters = 1 | (seed / 3 % (1u << options.sites));
  if (options.voters == 1) options.voters = kTwo;
  if (seed % 5 == 0) options.refusing = commit::site_bit(static_cast<ShardId>(std::countr_zero(options.voters & ~1u)));
  return options;
}

}  // namespace

TEST_CASE("quorum: without faults all commit, and forget", "[domain][commit][quorum]") {
  for (const Protocol protocol : {Protocol::three_phase, Protocol::three_phase_optimised}) {
    for (const std::uint64_t voters : {kTwo, kThree}) {
      CAPTURE(commit::to_string(protocol), voters);
      QuorumWorld world({3, voters, 0, protocol});
      world.settle(30);
      for (ShardId id = 0; id < 3; ++id) {
        if (voters >> id & 1) CHECK(world.outcome(id) == true);
        CHECK(world.machine(id)->size() == 0);
      }
      CHECK(world.under_way() == 0);
    }
  }
}

TEST_CASE("quorum: a refusal aborts without an election", "[domain][commit][quorum]") {
  for (const Protocol protocol : {Protocol::three_phase, Protocol::three_phase_optimised}) {
    QuorumWorld world({3, kThree, 0b100, protocol});
    world.settle(30);
    CHECK(world.outcome(0) != std::optional(true));
    CHECK(world.outcome(1) == false);
    CHECK(world.sent[Kind::ask] == 0);
    CHECK(world.sent[Kind::propose] == 0);
  }
}

TEST_CASE("quorum: no fault splits an outcome or leaves a doubt", "[domain][commit][quorum]") {
  const auto runs = static_cast<std::uint32_t>(testing::scaled(20'000));
  for (const Protocol protocol : {Protocol::three_phase, Protocol::three_phase_optimised})
    for (std::uint32_t seed = 1; seed <= runs; ++seed) {
      CAPTURE(commit::to_string(protocol), seed);
      REQUIRE_NOTHROW(run(options_of(seed, protocol), seed, seed % 4 != 0));
    }
}

}  // namespace kontor::tests
