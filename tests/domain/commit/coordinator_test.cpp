// The coordinator's side of two-phase commit. Source of the cases: PROTOCOLS.md, two_phase.
#include "domain/commit/coordinator.hpp"

#include <algorithm>

#include "tests/domain/values.hpp"

namespace kontor::commit {
namespace {

using Made = std::vector<Coordinator::Made>;
using Refusals = std::vector<Refusal>;
constexpr ShardId kSelf = 1;
constexpr std::uint32_t kIncarnation = 5;
constexpr std::uint64_t kFirst = 100;

constexpr std::uint64_t bit(ShardId site) { return std::uint64_t{1} << site; }
constexpr std::uint64_t kAlone = bit(kSelf), kThree = bit(0) | bit(1) | bit(2);

TransactionId own(std::uint64_t sequence) { return {kSelf, kIncarnation, sequence}; }
Refusal no(std::uint32_t index, Errc code) { return {index, Role::inventory, Error{code, ""}, {}}; }
Refusal repeat(std::uint32_t index, TransactionId of) { return {index, Role::order, Error{}, of}; }

/// A coordinator of shard 1 and what it decided since the last look.
struct Fixture {
  Coordinator machine{kSelf, kIncarnation, kFirst};
  Made made;

  std::uint64_t begin(std::uint64_t sites, std::int64_t deadline_ns = 0, Errc refusal = Errc::none) {
    return machine.begin({sites, deadline_ns, Error{refusal, ""}});
  }
  const Made& vote(ShardId site, const Refusals& refusals = {}, std::int64_t now_ns = 0, std::uint32_t count = 1,
                   std::uint64_t first = kFirst) {
    made.clear();
    machine.votes(site, first, count, refusals, now_ns, made);
    return made;
  }
  const Made& expire(std::int64_t now_ns) {
    made.clear();
    machine.expire(now_ns, made);
    return made;
  }
};

}  // namespace

TEST_CASE("coordinator: sequences ascend from the first free one", "[domain][commit][coordinator]") {
  Fixture f;
  CHECK(f.machine.next() == kFirst);
  CHECK(f.begin(kAlone) == kFirst);
  CHECK(f.begin(kAlone) == kFirst + 1);
  CHECK(f.machine.next() == kFirst + 2);
  CHECK(f.machine.open() == 2);
  CHECK(f.machine.shard() == kSelf);
  CHECK(f.machine.incarnation() == kIncarnation);
}

TEST_CASE("coordinator: alone, one vote decides and nobody must acknowledge", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kAlone);
  REQUIRE(f.vote(kSelf).size() == 1);
  CHECK(f.made[0].sequence == kFirst);
  CHECK(f.made[0].commit);
  CHECK(f.made[0].prepared);
  CHECK(f.made[0].sites == kAlone);
  CHECK(f.made[0].error.code == Errc::none);
  CHECK(f.machine.open() == 0);
  CHECK(f.machine.unacknowledged().empty());
}

TEST_CASE("coordinator: all sites' votes commit, in any order, and not one less", "[domain][commit][coordinator]") {
  std::vector<ShardId> order{0, 1, 2};
  do {
    Fixture f;
    f.begin(kThree);
    CHECK(f.vote(order[0]).empty());
    CHECK(f.vote(order[0]).empty());  // A repeat is no second vote.
    CHECK(f.vote(order[1]).empty());
    CHECK(f.vote(7).empty());  // Nor is that of a site which takes no part.
    CHECK(f.machine.status(own(kFirst)) == Status::voting);
    REQUIRE(f.vote(order[2]).size() == 1);
    CHECK(f.made[0].commit);
    CHECK(f.machine.unacknowledged().at(own(kFirst)) == (bit(0) | bit(2)));
    for (const ShardId site : order) CHECK(f.vote(site).empty());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("coordinator: a site votes once, and only those asked vote", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree);
  CHECK(f.vote(kSelf).empty());
  CHECK(f.vote(0).empty());
  CHECK(f.vote(0, {no(0, Errc::out_of_stock)}).empty());  // It has promised: that cannot be taken back by a message.
  CHECK(f.vote(7, {no(0, Errc::out_of_stock)}).empty());
  CHECK(f.machine.status(own(kFirst)) == Status::voting);
  REQUIRE(f.vote(2).size() == 1);
  CHECK(f.made[0].commit);
}

TEST_CASE("coordinator: the first no aborts once the key's home has voted", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree);
  CHECK(f.vote(kSelf).empty());
  REQUIRE(f.vote(0, {no(0, Errc::out_of_stock)}).size() == 1);
  CHECK_FALSE(f.made[0].commit);
  CHECK_FALSE(f.made[0].prepared);
  CHECK(f.made[0].error.code == Errc::out_of_stock);
  CHECK(f.made[0].sites == kThree);
  CHECK(f.vote(2).empty());
  CHECK(f.vote(2, {no(0, Errc::insufficient_funds)}).empty());
  CHECK(f.machine.unacknowledged().empty());
  CHECK(f.machine.status(own(kFirst)) == Status::aborted);
}

TEST_CASE("coordinator: another site's no waits for the key's home", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree);
  CHECK(f.vote(0, {no(0, Errc::out_of_stock)}).empty());
  CHECK(f.machine.status(own(kFirst)) == Status::voting);
  SECTION("which says yes: the first no counts") {
    CHECK(f.vote(2, {no(0, Errc::insufficient_funds)}).empty());
    REQUIRE(f.vote(kSelf).size() == 1);
    CHECK(f.made[0].error.code == Errc::out_of_stock);
    CHECK_FALSE(f.made[0].prepared);
  }
  SECTION("which says yes while others are silent: they need not be heard") {
    REQUIRE(f.vote(kSelf).size() == 1);
    CHECK(f.made[0].error.code == Errc::out_of_stock);
  }
  SECTION("which says no: its own code counts") {
    REQUIRE(f.vote(kSelf, {no(0, Errc::idempotency_key_reused)}).size() == 1);
    CHECK(f.made[0].error.code == Errc::idempotency_key_reused);
  }
  SECTION("which knows the request: it had its effect, whatever the others say now") {
    const TransactionId earlier{kSelf, 2, 42};
    REQUIRE(f.vote(kSelf, {repeat(0, earlier)}).size() == 1);
    CHECK(f.made[0].repeat_of == earlier);
    CHECK(f.made[0].error.code == Errc::none);
    CHECK_FALSE(f.made[0].commit);
  }
  CHECK_FALSE(f.made[0].commit);
  CHECK(f.machine.open() == 0);
  CHECK(f.machine.unacknowledged().empty());
}

TEST_CASE("coordinator: a repeat of a committed request is told at once", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree, 1'000);
  const TransactionId earlier{kSelf, 2, 42};
  REQUIRE(f.vote(kSelf, {repeat(0, earlier)}, 5'000).size() == 1);  // Past the deadline: the effect is there.
  CHECK(f.made[0].repeat_of == earlier);
  CHECK(f.made[0].error.code == Errc::none);
}

TEST_CASE("coordinator: what planning refused aborts, unless its key is known", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kAlone, 0, Errc::exceeds_order);
  SECTION("the key is new") {
    REQUIRE(f.vote(kSelf).size() == 1);
    CHECK(f.made[0].error.code == Errc::exceeds_order);
    CHECK_FALSE(f.made[0].prepared);
  }
  SECTION("the key was used for this request") {
    REQUIRE(f.vote(kSelf, {repeat(0, {kSelf, 1, 7})}).size() == 1);
    CHECK(f.made[0].repeat_of == TransactionId{kSelf, 1, 7});
    CHECK(f.made[0].error.code == Errc::none);
  }
  SECTION("the key was used for another") {
    REQUIRE(f.vote(kSelf, {no(0, Errc::idempotency_key_reused)}).size() == 1);
    CHECK(f.made[0].error.code == Errc::idempotency_key_reused);
  }
  CHECK_FALSE(f.made[0].commit);
}

TEST_CASE("coordinator: the last vote must come before the deadline", "[domain][commit][coordinator]") {
  const auto [now_ns, commits] = GENERATE(table<std::int64_t, bool>({{999, true}, {1'000, true}, {1'001, false}}));
  Fixture f;
  f.begin(kThree, 1'000);
  f.vote(0), f.vote(kSelf);
  REQUIRE(f.vote(2, {}, now_ns).size() == 1);
  CHECK(f.made[0].commit == commits);
  CHECK(f.made[0].prepared);  // All had voted yes: P1 counts it.
  CHECK(f.made[0].error.code == (commits ? Errc::none : Errc::deadline_exceeded));
  CHECK(f.machine.unacknowledged().empty() == !commits);
}

TEST_CASE("coordinator: without a deadline no time is too late", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kAlone);
  CHECK(f.expire(std::numeric_limits<std::int64_t>::max()).empty());
  CHECK(f.vote(kSelf, {}, std::numeric_limits<std::int64_t>::max())[0].commit);
}

TEST_CASE("coordinator: a deadline that passes aborts what the others have not answered", "[domain][commit]") {
  Fixture f;
  f.begin(kThree, 1'000);
  f.begin(kThree);
  f.begin(kThree, 2'000);
  f.vote(kSelf, {}, 0, 3);
  CHECK(f.expire(1'000).empty());
  REQUIRE(f.expire(1'001).size() == 1);
  CHECK(f.made[0].sequence == kFirst);
  CHECK(f.made[0].error.code == Errc::deadline_exceeded);
  CHECK_FALSE(f.made[0].prepared);
  CHECK(f.expire(1'001).empty());
  REQUIRE(f.expire(9'000).size() == 1);
  CHECK(f.made[0].sequence == kFirst + 2);
  f.vote(0, {}, 9'000, 3);
  REQUIRE(f.vote(2, {}, 9'000, 3).size() == 1);  // What is decided stays so; the one without deadline commits.
  CHECK(f.made[0].sequence == kFirst + 1);
  CHECK(f.made[0].commit);
}

TEST_CASE("coordinator: a deadline does not abort before the key's home has voted", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree, 1'000);
  f.vote(0), f.vote(2);
  CHECK(f.expire(5'000).empty());
  REQUIRE(f.vote(kSelf, {}, 5'000).size() == 1);
  CHECK(f.made[0].error.code == Errc::deadline_exceeded);
}

TEST_CASE("coordinator: one message votes on a batch", "[domain][commit][coordinator]") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.begin(i == 2 ? bit(kSelf) | bit(0) : kAlone);
  f.vote(kSelf, {no(1, Errc::out_of_stock), no(3, Errc::insufficient_funds)}, 0, 5);
  REQUIRE(f.made.size() == 4);  // All but the one that awaits another site.
  const std::uint64_t sequences[] = {100, 101, 103, 104};
  const Errc codes[] = {Errc::none, Errc::out_of_stock, Errc::insufficient_funds, Errc::none};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(f.made[i].sequence == sequences[i]);
    CHECK(f.made[i].error.code == codes[i]);
  }
  CHECK(f.machine.open() == 1);
  REQUIRE(f.vote(0, {}, 0, 5).size() == 1);  // Its site answers for the batch; only this one awaits it.
  CHECK(f.made[0].sequence == 102);
}

TEST_CASE("coordinator: whose votes lack is known until they vote or it is decided", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree), f.begin(bit(1) | bit(3)), f.begin(kAlone);
  CHECK(f.machine.awaited(kFirst, 3) == (kThree | bit(3)));
  CHECK(f.machine.awaited(kFirst + 1, 9) == (bit(1) | bit(3)));
  f.vote(3, {}, 0, 3);
  CHECK(f.machine.awaited(kFirst, 3) == kThree);
  f.vote(kSelf, {no(0, Errc::out_of_stock)}, 0, 3);
  CHECK(f.machine.awaited(kFirst, 3) == 0);
  CHECK(f.machine.awaited(kFirst - 50, 20) == 0);
}

TEST_CASE("coordinator: votes on what never began or is long over change nothing", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kAlone);
  CHECK(f.vote(kSelf, {}, 0, 1, kFirst - 1).empty());
  CHECK(f.vote(kSelf, {}, 0, 1, kFirst + 1).empty());
  CHECK(f.vote(kSelf, {}, 0, 3, kFirst - 1).size() == 1);  // Only the one in the middle is open.
  CHECK(f.vote(kSelf, {}, 0, 3, kFirst - 1).empty());
  f.begin(kAlone);
  CHECK(f.vote(kSelf, {}, 0, 1, kFirst).empty());
  CHECK(f.vote(kSelf, {}, 0, 1, kFirst + 1).size() == 1);
}

TEST_CASE("coordinator: a commit is forgotten when the last site has acknowledged it", "[domain][commit]") {
  Fixture f;
  f.begin(kThree);
  f.vote(0), f.vote(kSelf), f.vote(2);
  CHECK(f.machine.status(own(kFirst)) == Status::committed);
  CHECK_FALSE(f.machine.acknowledge(own(kFirst), 2));
  CHECK_FALSE(f.machine.acknowledge(own(kFirst), 2));  // A repeat.
  CHECK_FALSE(f.machine.acknowledge(own(kFirst), 7));  // One who takes no part.
  CHECK_FALSE(f.machine.acknowledge(own(kFirst + 9), 0));
  CHECK(f.machine.status(own(kFirst)) == Status::committed);
  CHECK(f.machine.acknowledge(own(kFirst), 0));
  CHECK_FALSE(f.machine.acknowledge(own(kFirst), 0));
  CHECK(f.machine.unacknowledged().empty());
}

TEST_CASE("coordinator: commits found on record await their acknowledgements too", "[domain][commit][coordinator]") {
  Fixture f;
  const TransactionId earlier{kSelf, kIncarnation - 1, 7};
  f.machine.await_acknowledgements(earlier, bit(0));
  f.machine.await_acknowledgements(earlier, bit(2));
  CHECK(f.machine.status(earlier) == Status::committed);
  CHECK_FALSE(f.machine.acknowledge(earlier, 0));
  CHECK(f.machine.acknowledge(earlier, 2));
}

TEST_CASE("coordinator: no record means abort, unless it is still voting", "[domain][commit][coordinator]") {
  Fixture f;
  f.begin(kThree);
  f.begin(kThree);
  CHECK(f.machine.status(own(kFirst)) == Status::voting);
  CHECK(f.machine.status({kSelf, kIncarnation - 1, kFirst}) == Status::aborted);  // Of an earlier life.
  CHECK(f.machine.status(own(kFirst - 1)) == Status::aborted);                    // Over and forgotten.
  f.vote(kSelf);
  f.vote(0, {no(0, Errc::out_of_stock)});
  CHECK(f.machine.status(own(kFirst)) == Status::aborted);
  CHECK(f.machine.status(own(kFirst + 1)) == Status::voting);
  CHECK(to_string(Status::voting) == "voting");
  CHECK(to_string(Status::committed) == "committed");
  CHECK(to_string(Status::aborted) == "aborted");
  CHECK(to_string(static_cast<Status>(9)) == "unlisted");
}

TEST_CASE("coordinator: the highest shard that can be takes part like any other", "[domain][commit][limits]") {
  constexpr ShardId kLast = kShardsMax - 1;
  Coordinator machine(kLast, 1, 1);
  machine.begin({bit(kLast) | bit(0), 0, {}});
  Made made;
  machine.votes(0, 1, 1, {}, 0, made);
  CHECK(made.empty());
  machine.votes(kLast, 1, 1, {}, 0, made);
  REQUIRE(made.size() == 1);
  CHECK(made[0].commit);
  CHECK(machine.unacknowledged().at({kLast, 1, 1}) == bit(0));
}

}  // namespace kontor::commit
