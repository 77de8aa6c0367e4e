// Where the messages for a shard go while it moves.
#include "actors/cluster/route.hpp"

#include "tests/support/catch.hpp"

namespace kontor::testing {
namespace {

using namespace actors;  // NOLINT: all of this is of there.

struct Place {
  Place() {
    fabric.now_ns = [] { return std::int64_t{0}; };
  }
  ~Place() {
    route.end();
    static_cast<Handles&>(fabric.shards[0]) = {};
  }
  /// How many of these reads were refused, by their code.
  void ask(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      caf::anon_send(fabric.shards[0].inventory,
                     ReadProduct{{}, [this](const Result<Product>& answer) {
                                   ++(answer.code() == Errc::shard_unreachable ? refused : other);
                                 }});
  }
  caf::actor_system_config config;
  caf::actor_system system{config};
  Fabric fabric{1};
  Peer peer{{"other", "127.0.0.1", 1}};
  std::size_t refused = 0, other = 0;
  Route route{system, fabric, 0};
};

}  // namespace

TEST_CASE("route: callers wait while a shard changes hands, up to a bound, and are told at the end", "[cluster]") {
  Place place;
  place.route.hold();
  place.ask(kWaitingMax);
  CHECK(place.refused == 0);
  place.ask(3);
  CHECK(place.refused == 3);
  place.route.lead_away(place.peer);  // To which there is no link.
  CHECK(place.refused == kWaitingMax + 3);
  place.route.hold();
  place.ask(2);
  place.route.end();
  CHECK(place.refused == kWaitingMax + 5);
  place.ask(1);
  CHECK(place.other == 0);
}

TEST_CASE("route: callers do not wait for ever for a shard whose owner nobody tells", "[cluster]") {
  Place place;
  const auto now = std::chrono::steady_clock::now();
  place.ask(2);
  place.route.expire(now + kHeldMax / 2);
  CHECK(place.refused == 0);
  place.route.expire(now + 2 * kHeldMax);
  CHECK(place.refused == 2);
  place.ask(1);
  CHECK(place.refused == 3);  // At once.
  place.route.lead_away(place.peer);
  place.route.hold();
  place.ask(1);
  CHECK(place.refused == 3);  // Another wait.
  place.route.expire(std::chrono::steady_clock::now());
  CHECK(place.refused == 3);
}

TEST_CASE("route: who asks for a shard's doubts while it moves away hears of none", "[cluster]") {
  Place place;
  place.route.hold();
  std::optional<Result<DoubtPage>> page;
  std::optional<Result<bool>> end;
  const auto ask_for_doubts = [&] {
    page.reset(), end.reset();
    caf::anon_send(place.fabric.shards[0].coordinator,
                   ReadDoubts{{}, 10, [&](const Result<DoubtPage>& told) { page = told; }});
    caf::anon_send(place.fabric.shards[0].coordinator,
                   ResolveDoubt{{0, 1, 1}, [&](const Result<bool>& told) { end = told; }});
  };
  ask_for_doubts();
  CHECK_FALSE(page);
  place.route.lead_away(place.peer);
  REQUIRE(page);
  REQUIRE(*page);
  CHECK((*page)->doubts.empty());
  REQUIRE(end);
  CHECK(end->code() == Errc::not_found);
  // Where nobody knows whose it is, nobody knows that there are none.
  place.route.hold();
  place.route.expire(std::chrono::steady_clock::now() + 2 * kHeldMax);
  ask_for_doubts();
  REQUIRE(page);
  CHECK(page->code() == Errc::shard_unreachable);
}

TEST_CASE("route: requests that wait are counted, as their shard waits for all others", "[cluster]") {
  Place place;
  place.route.hold();
  const auto submission = std::make_shared<Submission>();
  submission->indexes = {0, 1, 2};
  submission->on_outcomes = [](std::span<const Outcome>) {};
  place.fabric.shards[0].open_transactions = 3;
  caf::anon_send(place.fabric.shards[0].coordinator, Submit{submission});
  CHECK(place.route.waiting_requests() == 3);
  place.route.lead_away(place.peer);
  CHECK(place.route.waiting_requests() == 0);
  CHECK(place.fabric.shards[0].open_transactions == 0);  // Refused: no link.
  CHECK(place.fabric.totals.aborted == 3);
}

TEST_CASE("route: protocol messages to a shard that changes hands are dropped, as they come again", "[cluster]") {
  Place place;
  place.route.hold();
  const auto decisions = std::make_shared<std::vector<commit::Decision>>();
  caf::anon_send(place.fabric.shards[0].coordinator, Decisions{0, decisions});
  CHECK(decisions.use_count() == 1);
  CHECK(place.route.stage() == Route::Stage::held);
}

}  // namespace kontor::testing
