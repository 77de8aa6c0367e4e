// What the sites of a transaction do when others of them are gone for good. Three shards of one process stand for three
// machines; no message between them is lost but those to the dead.
#include "tests/actors/three_sites.hpp"

namespace kontor::testing {
namespace {

using commit::Protocol;

constexpr int kBoundTicks = 60;        // Six seconds: suspicion, then one election.
constexpr int kVeryLongTicks = 1'200;  // Two minutes.

Protocol three_phase() { return GENERATE(Protocol::three_phase, Protocol::three_phase_optimised); }

/// Everybody has voted yes, durably; nobody has heard of another's vote.
void vote(ThreeSites& sites) {
  sites.buy();
  sites.work();
  sites.tap().let_go();  // The prepares; in the optimised form some votes behind them.
  sites.work();
  REQUIRE(sites.in_doubt(1));
  REQUIRE(sites.in_doubt(2));
}
std::int64_t goods_held(ThreeSites& sites) { return sites.stage().product(sites.goods)->held; }
/// Both of the others have the purchase, or neither has anything of it. Returns which.
bool bought(ThreeSites& sites) {
  const auto product = sites.stage().product(sites.goods);
  const auto payee = sites.stage().account(sites.payee);
  CHECK(product->held == 0);
  CHECK(payee->held == 0);
  CHECK(payee->incoming == 0);
  CHECK((product->sold == 1) == (payee->balance == 100));
  CHECK((product->sold == 0) == (payee->balance == 0));
  return product->sold == 1;
}

}  // namespace

TEST_CASE("termination: two-phase, the coordinator gone for good: in doubt, and it says so", "[actors][termination]") {
  ThreeSites sites(Protocol::two_phase);
  vote(sites);
  sites.lose(0);
  CHECK(sites.ticks_until_settled(kVeryLongTicks) == kVeryLongTicks);
  CHECK(sites.in_doubt(1));
  CHECK(sites.in_doubt(2));
  CHECK(goods_held(sites) == 1);
  CHECK(sites.tap().counts["Inquire"] > 2);  // They keep asking.
}

TEST_CASE("termination: three-phase, the coordinator gone for good before it proposed", "[actors][termination]") {
  ThreeSites sites(three_phase());
  vote(sites);
  sites.lose(0);
  CHECK(sites.ticks_until_settled(kVeryLongTicks) < kBoundTicks);
  bought(sites);
}

TEST_CASE("termination: three-phase, the coordinator gone for good after others pre-committed",
          "[actors][termination]") {
  ThreeSites sites(three_phase());
  vote(sites);
  for (int i = 0; i < 2; ++i) sites.tap().let_go(), sites.work();  // The votes, then the proposals or acceptances.
  REQUIRE(sites.stage().outcomes.empty() == false);
  sites.lose(0);
  CHECK(sites.ticks_until_settled(kVeryLongTicks) < kBoundTicks);
  CHECK(bought(sites));
}

TEST_CASE("termination: an own commit, heard of after a restart and forgotten at once, is not presumed aborted",
          "[actors][termination][checkpoint]") {
  const Protocol protocol = three_phase();
  ThreeSites sites(protocol);
  vote(sites);
  sites.tap().let_go(), sites.work();  // The votes; in the optimised form the others have pre-committed.
  if (protocol == Protocol::three_phase) sites.tap().let_go(), sites.work();
  sites.lose(0);
  REQUIRE(sites.ticks_until_settled(kVeryLongTicks) < kBoundTicks);
  Stage& stage = sites.stage();
  for (int i = 0; i < 12; ++i) stage.tick(), sites.work();  // The others acknowledge again what they have committed,
  sites.restart(ThreeSites::Crossing::late);
  sites.tap().let_go();  // and the coordinator hears it at once: all that it waits for, before its record is durable.
  stage.run();
  using persistence::RecordKind;
  REQUIRE(stage.journal(0).undurable(persistence::Stream::coordinator) ==
          std::vector{RecordKind::opened, RecordKind::learned, RecordKind::ended});
  // The participants hold their promises in this checkpoint; its coordinator has no stance any more.
  caf::anon_send(stage.actors_of(0).coordinator, actors::Checkpoint{nullptr});
  sites.work();
  REQUIRE(stage.fabric().totals.checkpoints == 1);
  sites.restart();
  CHECK(bought(sites));
  const auto customer = stage.account(sites.customer);
  CHECK(customer->balance == 900);
  CHECK(customer->held == 0);
}

TEST_CASE("termination: a minority never decides alone", "[actors][termination]") {
  ThreeSites sites(three_phase());
  vote(sites);
  sites.lose(0);
  sites.lose(1);
  CHECK(sites.ticks_until_settled(kVeryLongTicks) == kVeryLongTicks);
  CHECK(sites.in_doubt(2));
  CHECK(sites.stage().account(sites.payee)->incoming == 100);
}

}  // namespace kontor::testing
