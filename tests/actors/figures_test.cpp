// What the actors count for whoever watches: phases once a batch, refusals by code, doubts with their age.
#include <numeric>

#include "tests/actors/three_sites.hpp"

namespace kontor::testing {
namespace {

std::uint64_t times(const actors::Latency& latency) {
  const auto counts = latency.counts().counts;
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t aborted(const actors::Totals& totals, Errc code) {
  return totals.aborted_by_code[static_cast<std::size_t>(code)];
}

}  // namespace

TEST_CASE("figures: a latency is counted under the first bound that holds it", "[actors][figures]") {
  actors::Latency latency;
  for (const std::int64_t ns : {std::int64_t{-5}, std::int64_t{50'000}, std::int64_t{50'001}, std::int64_t{1} << 40})
    latency.add(ns);
  const LatencyCounts counts = latency.counts();
  CHECK(counts.counts.front() == 2);  // A clock that was set back, and the bound itself.
  CHECK(counts.counts[1] == 1);
  CHECK(counts.counts.back() == 1);
  CHECK(counts.sum_ns == 100'001 + (std::uint64_t{1} << 40));
}

TEST_CASE("figures: each phase is measured once a batch, from what begins it to what ends it", "[actors][figures]") {
  Stage stage;
  stage.open();
  stage.done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
  actors::Totals& totals = stage.fabric().totals;
  const auto voting = times(totals.voting), deciding = times(totals.deciding), answering = times(totals.answering);
  const auto decided_ns = totals.deciding.counts().sum_ns;
  std::vector<Request> many;
  for (int i = 0; i < 100; ++i)
    many.push_back({key("k-" + std::to_string(i)), OpenAccount{acc("a-" + std::to_string(i)), kGbp}, 0});
  stage.submit(many);
  CHECK(stage.actors_of().gathered == 0);  // Nobody has run.
  stage.run();
  CHECK(times(totals.voting) == voting + 1);
  CHECK(times(totals.deciding) == deciding);
  stage.now_ns += 7'000'000;
  stage.settle();
  CHECK(times(totals.deciding) == deciding + 1);
  CHECK(times(totals.answering) == answering + 1);
  CHECK(totals.deciding.counts().sum_ns - decided_ns == 7'000'000);
}

TEST_CASE("figures: what waits for a batch is counted until one takes it", "[actors][figures]") {
  Stage stage;
  stage.open();  // Its beginning is not durable yet: what comes now gathers.
  stage.submit({{key("a"), OpenAccount{acc("a"), kGbp}, 0}, {key("b"), OpenAccount{acc("b"), kGbp}, 0}});
  stage.run();
  CHECK(stage.actors_of().gathered == 2);
  stage.settle();
  CHECK(stage.actors_of().gathered == 0);
}

TEST_CASE("figures: aborts are counted by code, and their sum is all aborts", "[actors][figures]") {
  Stage stage;
  stage.open();
  stage.done("bank", OpenAccount{acc("bank"), kGbp, AccountKind::external});
  std::vector<Request> requests;
  for (const char* again : {"x", "y", "z"})
    requests.push_back({key(again), OpenAccount{acc("bank"), kGbp, AccountKind::external}, 0});
  requests.push_back({key("new"), OpenAccount{acc("new"), kGbp}, 0});
  requests.push_back({key("ghost"), Deposit{acc("bank"), acc("ghost"), gbp(1)}, 0});
  stage.submit(requests);
  stage.settle();
  const actors::Totals& totals = stage.fabric().totals;
  CHECK(aborted(totals, Errc::already_exists) == 3);
  CHECK(aborted(totals, Errc::unknown_account) == 1);
  CHECK(aborted(totals, Errc::none) == 0);
  CHECK(totals.aborted == 4);
}

TEST_CASE("figures: a site in doubt says since when, and forgets it with the doubt", "[actors][figures]") {
  ThreeSites sites(commit::Protocol::two_phase);
  const auto since = [&](ShardId id) { return sites.stage().actors_of(id).in_doubt_since_ns.load(); };
  sites.buy();
  sites.work();
  sites.tap().let_go();
  sites.work();
  REQUIRE(sites.in_doubt(1));
  CHECK(since(1) == 0);  // Not looked at yet.
  const std::int64_t begun = sites.stage().now_ns;
  for (int i = 0; i < 30; ++i) sites.stage().tick(), sites.work();
  const std::int64_t first = since(1);
  CHECK(first > begun);
  CHECK(first <= begun + 1'100'000'000);
  for (int i = 0; i < 30; ++i) sites.stage().tick(), sites.work();
  CHECK(since(1) == first);
  CHECK(sites.ticks_until_settled(600) < 600);
  for (int i = 0; i < 30; ++i) sites.stage().tick(), sites.work();
  CHECK(since(1) == 0);
}

}  // namespace kontor::testing
