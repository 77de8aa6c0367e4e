// What is in doubt, told on demand; and asked about on demand, which decides nothing that the protocol does not.
#include "tests/actors/three_sites.hpp"

namespace kontor::testing {
namespace {

using commit::Protocol;

/// A purchase in which all three shards have voted; what they told each other is held.
struct Voted : ThreeSites {
  explicit Voted(Protocol protocol) : ThreeSites(protocol) {
    buy();
    work();
    tap().let_go();
    work();
    REQUIRE(in_doubt(1));
    REQUIRE(in_doubt(2));
  }
  /// These shards have no link to the others.
  void cut(std::uint64_t sites) {
    stage().fabric().linked = [sites](ShardId shard) { return (commit::site_bit(shard) & ~sites) != 0; };
  }
  DoubtPage doubts(ShardId at, std::optional<TransactionId> from = {}, std::size_t most = 10) {
    std::optional<DoubtPage> page;
    caf::anon_send(stage().actors_of(at).coordinator,
                   actors::ReadDoubts{from, most, [&](const Result<DoubtPage>& told) { page = *told; }});
    work();
    REQUIRE(page);
    return *page;
  }
  TransactionId transaction() { return doubts(1).doubts.at(0).transaction; }

  /// Of one resolve, when it is told.
  using Told = std::shared_ptr<std::optional<Result<bool>>>;
  Told resolve(ShardId at, const TransactionId& transaction) {
    auto told = std::make_shared<std::optional<Result<bool>>>();
    caf::anon_send(stage().actors_of(at).coordinator,
                   actors::ResolveDoubt{transaction, [told](const Result<bool>& end) {
                                          CHECK_FALSE(*told);  // Once.
                                          *told = end;
                                        }});
    work();
    return told;
  }
  /// All that is sent arrives, and what that causes, without any time passing.
  void talk() {
    for (int i = 0; i < 30; ++i) work(), tap().let_go();
    work();
  }
};

Errc code_of(const Voted::Told& told) { return *told ? (*told)->code() : Errc::none; }

}  // namespace

TEST_CASE("doubts: a site tells what it has promised and for whom, and nothing when that is over", "[actors][doubts]") {
  const auto protocol = GENERATE(Protocol::two_phase, Protocol::three_phase, Protocol::three_phase_optimised);
  Voted sites(protocol);
  for (int i = 0; i < 12; ++i) sites.stage().tick(), sites.work();
  sites.cut(commit::site_bit(0));
  const DoubtPage page = sites.doubts(1);
  REQUIRE(page.doubts.size() == 1);
  CHECK_FALSE(page.more);
  const Doubt& doubt = page.doubts.front();
  CHECK(doubt.transaction.shard == 0);
  CHECK(doubt.protocol == protocol);
  CHECK(doubt.here == commit::site_bit(1));
  CHECK(doubt.voters == 0b111);
  CHECK(doubt.witnesses == 0);
  CHECK(doubt.out_of_reach == 0b001);
  CHECK(doubt.since_ns > 0);
  CHECK(doubt.since_ns <= sites.stage().now_ns);
  CHECK(sites.doubts(1, doubt.transaction).doubts.empty());  // After it there is nothing.
  sites.cut(0);
  CHECK(sites.ticks_until_settled(600) < 600);
  CHECK(sites.doubts(1).doubts.empty());
}

TEST_CASE("doubts: after a restart, too, a site tells who votes and since when", "[actors][doubts]") {
  const auto protocol = GENERATE(Protocol::two_phase, Protocol::three_phase, Protocol::three_phase_optimised);
  const bool checkpoint = GENERATE(false, true);
  Voted sites(protocol);
  const std::int64_t bought_ns = sites.stage().now_ns;
  if (checkpoint) {  // Cuts off what the site has written so far.
    caf::anon_send(sites.stage().actors_of(1).coordinator, actors::Checkpoint{nullptr});
    sites.work();
  }
  for (int restarts = 0; restarts < 2; ++restarts) {
    sites.stage().now_ns += std::chrono::nanoseconds(std::chrono::hours(1)).count();
    sites.restart();
    REQUIRE(sites.doubts(1).doubts.size() == 1);
    const Doubt doubt = sites.doubts(1).doubts.front();
    CHECK(doubt.voters == 0b111);
    CHECK(doubt.since_ns == bought_ns);
  }
}

TEST_CASE("doubts: they come in pages", "[actors][doubts]") {
  Voted sites(Protocol::two_phase);
  const TransactionId first = sites.transaction();
  const auto more = named_at<IdempotencyKey>("more-", 0, 3);
  sites.stage().submit({{more, purchase(sites.customer, sites.payee, {{sku(sites.goods), 1}})}});
  sites.work();
  sites.tap().let_go();  // Its prepares; and votes on the first, whose decision is held now.
  sites.work();
  REQUIRE(sites.doubts(1).doubts.size() == 2);
  const DoubtPage page = sites.doubts(1, {}, 1);
  CHECK(page.more);
  REQUIRE(page.doubts.size() == 1);
  CHECK(page.doubts.front().transaction == first);
  const DoubtPage rest = sites.doubts(1, first, 1);
  CHECK_FALSE(rest.more);
  REQUIRE(rest.doubts.size() == 1);
  CHECK(first < rest.doubts.front().transaction);
}

TEST_CASE("doubts: a two-phase one is its coordinator's to end, and nobody else's", "[actors][doubts]") {
  Voted sites(Protocol::two_phase);
  const TransactionId transaction = sites.transaction();
  SECTION("out of reach: refused, and nothing is asked or let go of") {
    sites.cut(commit::site_bit(0));
    const auto told = sites.resolve(1, transaction);
    CHECK(code_of(told) == Errc::shard_unreachable);
    CHECK(sites.tap().counts["Inquire"] == 0);
    CHECK(sites.stage().product(sites.goods)->held == 1);
    CHECK(sites.in_doubt(1));
  }
  SECTION("in reach: asked at once, and told what it decided") {
    const auto told = sites.resolve(1, transaction);
    CHECK(sites.tap().counts["Inquire"] == 1);
    CHECK_FALSE(*told);
    sites.talk();
    REQUIRE(*told);
    REQUIRE(**told);
    CHECK(***told);
    CHECK(sites.stage().product(sites.goods)->sold == 1);
    CHECK(code_of(sites.resolve(1, transaction)) == Errc::not_found);
  }
  SECTION("it is not in doubt at its own coordinator") {
    CHECK(code_of(sites.resolve(0, transaction)) == Errc::not_found);
  }
}

TEST_CASE("doubts: a three-phase one ends when a majority is in reach, before anybody's patience", "[actors][doubts]") {
  const auto protocol = GENERATE(Protocol::three_phase, Protocol::three_phase_optimised);
  Voted sites(protocol);
  const TransactionId transaction = sites.transaction();
  sites.lose(0);
  SECTION("one of three alone: refused") {
    sites.cut(0b101);
    CHECK(code_of(sites.resolve(1, transaction)) == Errc::shard_unreachable);
    CHECK(sites.tap().counts["ask"] == 0);
    CHECK(sites.in_doubt(1));
  }
  SECTION("two of three: an election, and the same end at both") {
    sites.cut(0b001);
    const auto told = sites.resolve(1, transaction);
    sites.talk();
    REQUIRE(*told);
    REQUIRE(**told);
    CHECK_FALSE(sites.in_doubt(1));
    CHECK_FALSE(sites.in_doubt(2));
    CHECK(sites.stage().product(sites.goods)->sold == (***told ? 1 : 0));
    CHECK(sites.stage().account(sites.payee)->balance == (***told ? 100 : 0));
  }
  SECTION("asked of both at once, and again and again") {
    std::vector<Voted::Told> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(sites.resolve(1, transaction)), all.push_back(sites.resolve(2, transaction));
    CHECK(sites.ticks_until_settled(200) < 200);
    for (const auto& told : all) {
      REQUIRE(*told);
      REQUIRE(**told);
      CHECK(***told == ***all.front());
    }
  }
}

TEST_CASE("doubts: a three-phase one whose votes are awaited is no doubt to resolve", "[actors][doubts]") {
  ThreeSites sites(Protocol::three_phase);
  sites.buy();
  sites.work();  // Only the coordinator has voted.
  std::optional<Result<bool>> told;
  caf::anon_send(sites.stage().actors_of(0).coordinator,
                 actors::ReadDoubts{{}, 10, [&](const Result<DoubtPage>& page) {
                                      REQUIRE(page->doubts.size() == 1);
                                      caf::anon_send(
                                          sites.stage().actors_of(0).coordinator,
                                          actors::ResolveDoubt{page->doubts.front().transaction,
                                                               [&](const Result<bool>& end) { told = end; }});
                                    }});
  sites.work();
  REQUIRE(told);
  CHECK(told->code() == Errc::request_in_progress);
  CHECK(sites.tap().counts["ask"] == 0);
}

TEST_CASE("doubts: who waits for an end waits kResolveTicks, and kResolvingMax may wait", "[actors][doubts]") {
  Voted sites(Protocol::two_phase);
  const TransactionId transaction = sites.transaction();
  sites.lose(0);  // In reach as far as anybody knows, and says nothing.
  std::vector<Voted::Told> all;
  for (std::size_t i = 0; i < kResolvingMax; ++i) all.push_back(sites.resolve(1, transaction));
  CHECK(code_of(sites.resolve(1, transaction)) == Errc::overloaded);
  for (std::uint32_t i = 0; i + 1 < kResolveTicks; ++i) sites.stage().tick(), sites.work();
  CHECK_FALSE(*all.front());
  sites.stage().tick(), sites.work();
  for (const auto& told : all) CHECK(code_of(told) == Errc::outcome_unknown);
  CHECK(sites.in_doubt(1));
}

}  // namespace kontor::testing
