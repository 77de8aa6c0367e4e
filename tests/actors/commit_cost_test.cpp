// What a transaction of three sites costs: messages by kind, forced writes, and how many of each come one after the
// other before the caller has the answer. ARCHITECTURE, section 5, has the same table.
#include "tests/actors/three_sites.hpp"

namespace kontor::testing {
namespace {

using commit::Protocol;
using Messages = std::map<std::string, int>;

enum class Case : std::uint8_t { commit, refused_elsewhere, refused_at_home };

struct Cost {
  Messages messages;       ///< Between shards, until all have forgotten the transaction.
  int forced = 0;          ///< Writes of one shard on which a message between shards, or the answer, waited.
  int message_delays = 0;  ///< One after the other until the answer, if disks took no time.
  int disk_delays = 0;     ///< Likewise, if messages took no time.
};

std::size_t begin(ThreeSites& sites, Case what) {
  if (what == Case::refused_at_home) return sites.buy(11);    // The customer has money for ten.
  return sites.buy(what == Case::refused_elsewhere ? 6 : 1);  // There are five.
}
bool answered(ThreeSites& sites, std::size_t number) { return sites.stage().outcomes.contains(number); }

int message_delays(Protocol protocol, Case what) {
  ThreeSites sites(protocol);
  const std::size_t number = begin(sites, what);
  for (int delays = 0; delays < 20; ++delays) {
    sites.work();
    if (answered(sites, number)) return delays;
    sites.tap().let_go();
  }
  return -1;
}

int disk_delays(Protocol protocol, Case what) {
  ThreeSites sites(protocol);
  const std::size_t number = begin(sites, what);
  for (int delays = 0; delays < 20; ++delays) {
    for (int i = 0; i < 20; ++i) sites.stage().run(), sites.tap().let_go();
    if (answered(sites, number)) return delays;
    sites.stage().commit_all();
  }
  return -1;
}

/// One shard writes at a time; it was forced if something then moves.
Cost cost(Protocol protocol, Case what) {
  Cost out;
  {
    ThreeSites sites(protocol);
    const std::size_t number = begin(sites, what);
    for (int rounds = 0; rounds < 30; ++rounds) {
      for (ShardId id = 0; id < 3; ++id) {
        sites.stage().run();
        if (sites.stage().journal(id).queued() == 0) continue;
        const std::size_t held = sites.tap().held();
        const bool before = answered(sites, number);
        sites.stage().journal(id).commit();
        sites.stage().run();
        out.forced += sites.tap().held() > held || answered(sites, number) != before ? 1 : 0;
      }
      sites.tap().let_go();
      if (rounds % 3 == 2) sites.stage().tick();
    }
    REQUIRE(answered(sites, number));
    CHECK((sites.stage().outcomes[number].verdict == Verdict::committed) == (what == Case::commit));
    out.messages = sites.tap().counts;
  }
  out.message_delays = message_delays(protocol, what);
  out.disk_delays = disk_delays(protocol, what);
  return out;
}

std::string text(const Cost& cost) {
  std::string out;
  for (const auto& [kind, count] : cost.messages) out += kind + " " + std::to_string(count) + ", ";
  return out + "forced " + std::to_string(cost.forced) + ", delays " + std::to_string(cost.message_delays) + " + " +
         std::to_string(cost.disk_delays);
}

}  // namespace

TEST_CASE("cost: a commit", "[actors][cost]") {
  CHECK(text(cost(Protocol::two_phase, Case::commit)) ==
        "Acknowledge 2, Decisions 2, Prepare 2, SiteVotes 2, forced 5, delays 4 + 3");
  CHECK(text(cost(Protocol::three_phase, Case::commit)) ==
        "Prepare 2, SiteVotes 2, accept 2, acknowledge 2, decide 2, forget 2, propose 2, forced 7, delays 6 + 4");
  CHECK(text(cost(Protocol::three_phase_optimised, Case::commit)) ==
        "Prepare 2, SiteVotes 2, accept 1, acknowledge 2, decide 2, forget 2, vote 2, forced 7, delays 5 + 4");
}

TEST_CASE("cost: refused at another site", "[actors][cost]") {
  CHECK(text(cost(Protocol::two_phase, Case::refused_elsewhere)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, forced 2, delays 2 + 1");
  CHECK(text(cost(Protocol::three_phase, Case::refused_elsewhere)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, forced 3, delays 2 + 2");
  CHECK(text(cost(Protocol::three_phase_optimised, Case::refused_elsewhere)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, vote 2, forced 4, delays 2 + 2");
}

TEST_CASE("cost: refused at home", "[actors][cost]") {
  CHECK(text(cost(Protocol::two_phase, Case::refused_at_home)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, forced 2, delays 0 + 1");
  CHECK(text(cost(Protocol::three_phase, Case::refused_at_home)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, forced 3, delays 0 + 1");
  CHECK(text(cost(Protocol::three_phase_optimised, Case::refused_at_home)) ==
        "Decisions 2, Prepare 2, SiteVotes 2, forced 3, delays 0 + 1");
}

TEST_CASE("cost: a site without room refuses, writes nothing of it, and promises again when there is room",
          "[actors][cost]") {
  const auto protocol = GENERATE(Protocol::two_phase, Protocol::three_phase, Protocol::three_phase_optimised);
  ThreeSites sites(protocol);
  bool full = true;
  sites.stage().fabric().storage_full = [&] { return full; };  // Its home does not ask: the edge does.
  const auto written = [&](ShardId id) { return sites.stage().journal(id).appended(); };
  const Position before = written(1);
  const auto talk = [&] {
    for (int i = 0; i < 20; ++i) sites.work(), sites.tap().let_go();
  };
  const std::size_t number = sites.buy();
  talk();
  REQUIRE(answered(sites, number));
  CHECK(sites.stage().outcomes[number].error.code == Errc::storage_full);
  if (protocol == Protocol::two_phase) CHECK(written(1) == before);  // Else its no is for good, and so on its disk.
  for (ShardId id = 0; id < 3; ++id) CHECK_FALSE(sites.in_doubt(id));
  CHECK(sites.stage().product(sites.goods)->held == 0);

  SECTION("asked again when there is room, it is done") {
    full = false;
    const std::size_t again = sites.buy();
    talk();
    REQUIRE(answered(sites, again));
    CHECK(sites.stage().outcomes[again].verdict == Verdict::committed);
  }
  SECTION("what it has promised already it goes on with") {
    full = false;
    const std::size_t again = sites.buy();
    sites.work(), sites.tap().let_go(), sites.work();
    full = true;
    sites.stage().tick(), sites.stage().tick(kResendAfterMin);  // Its vote may be asked for again.
    talk();
    REQUIRE(answered(sites, again));
    CHECK(sites.stage().outcomes[again].verdict == Verdict::committed);
  }
}

TEST_CASE("cost: what is not answered is asked for again, and on a slow road less often", "[actors][cost]") {
  const auto prepares_in = [](std::chrono::seconds time, std::function<std::chrono::nanoseconds()> resend_after) {
    ThreeSites sites(Protocol::two_phase);
    sites.stage().fabric().resend_after = std::move(resend_after);
    sites.buy();  // Nothing of it arrives.
    for (std::chrono::nanoseconds passed{0}; passed < time; passed += kTickEvery) sites.stage().tick(), sites.work();
    return sites.tap().counts["Prepare"] / 2;  // To two sites.
  };
  const int usual = prepares_in(std::chrono::seconds(20), nullptr);
  CHECK(usual >= 15);
  CHECK(usual <= 20);
  const int slow = prepares_in(std::chrono::seconds(20), [] { return std::chrono::seconds(4); });
  CHECK(slow >= 3);
  CHECK(slow <= 5);
}

TEST_CASE("cost: where a road has come to be, what is not answered is sent again at once", "[actors][cost]") {
  ThreeSites sites(Protocol::two_phase);
  sites.buy();  // Nothing of it arrives.
  const auto ticks = [&](int count) {
    for (int i = 0; i < count; ++i) sites.stage().tick(), sites.work();
    return sites.tap().counts["Prepare"];
  };
  const int before = ticks(1);
  ++sites.stage().fabric().roads;
  CHECK(ticks(1) == before + 2);
  CHECK(ticks(2) == before + 2);
}

TEST_CASE("cost: what a road has lost is sent again before what comes next, which would make it late",
          "[actors][cost]") {
  ThreeSites sites(Protocol::two_phase);
  const std::size_t lost = sites.buy();
  sites.work();
  sites.tap().drop();
  ++sites.stage().fabric().roads;
  const auto key = named_at<IdempotencyKey>("next-", 0, 3);
  const std::size_t next =
      sites.stage().submit({{key, purchase(sites.customer, sites.payee, {{sku(sites.goods), 1}})}});
  for (int i = 0; i < 20; ++i) sites.work(), sites.tap().let_go();  // No time passes.
  for (const std::size_t number : {lost, next}) {
    REQUIRE(answered(sites, number));
    CHECK(sites.stage().outcomes[number].verdict == Verdict::committed);
  }
}

}  // namespace kontor::testing
