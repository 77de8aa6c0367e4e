// Who should have which shard: even, and with as few moves as can be.
#include "domain/ring.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/property.hpp"

namespace kontor {
namespace {

std::vector<std::string> named(std::size_t members) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < members; ++i) out.push_back("node-" + std::to_string(i));
  return out;
}

std::vector<std::size_t> counts(const std::vector<MemberId>& owners, std::size_t members) {
  std::vector<std::size_t> out(members);
  for (const MemberId owner : owners) ++out.at(owner);
  return out;
}

std::vector<MemberId> after(std::vector<MemberId> owners, const std::vector<ShardMove>& moves) {
  for (const ShardMove& move : moves) {
    REQUIRE(owners.at(move.shard) == move.from);
    REQUIRE(move.from != move.to);
    owners.at(move.shard) = move.to;
  }
  return owners;
}

}  // namespace

TEST_CASE("ring: every member is preferred somewhere, about as often as the others", "[domain][placement]") {
  for (const std::size_t members : {3U, 10U, 40U, 100U}) {
    const Ring ring(named(members));
    std::vector<std::size_t> first(members);
    constexpr std::size_t kHashes = 40'000;
    for (std::uint64_t i = 0; i < kHashes; ++i) {
      const auto order = ring.preference(i * 0x9e3779b97f4a7c15u);
      REQUIRE(order.size() == members);
      ++first.at(order.front());
    }
    // 160 points each: the share of one differs by about 1/sqrt(160) = 8 %.
    const double mean = static_cast<double>(kHashes) / static_cast<double>(members);
    CAPTURE(members);
    CHECK(static_cast<double>(*std::max_element(first.begin(), first.end())) < mean * 1.4);
    CHECK(static_cast<double>(*std::min_element(first.begin(), first.end())) > mean * 0.6);
  }
}

TEST_CASE("ring: who comes or goes changes nobody else's preferences", "[domain][placement]") {
  const auto names = named(5);
  const Ring four(std::span<const std::string>(names).first(4)), five(names);
  for (std::uint64_t hash = 1; hash < 2'000; ++hash) {
    auto order = five.preference(hash * 0x9e3779b97f4a7c15u);
    std::erase(order, MemberId{4});
    REQUIRE(order == four.preference(hash * 0x9e3779b97f4a7c15u));
  }
}

TEST_CASE("rebalance: no member has more than 1.15 times the mean, at 3 to 100 members", "[domain][placement]") {
  for (std::size_t members = 3; members <= 100; ++members) {
    const Ring ring(named(members));
    std::vector<MemberId> owners(members * 8);  // All at the first one.
    const auto placed = counts(after(owners, rebalance(owners, ring, std::vector<bool>(members, true))), members);
    CAPTURE(members);
    CHECK(*std::max_element(placed.begin(), placed.end()) == 8);
    CHECK(*std::min_element(placed.begin(), placed.end()) == 8);
  }
}

TEST_CASE("rebalance: a fourth member gets a quarter, and nothing else moves", "[domain][placement]") {
  std::vector<MemberId> owners(64);
  for (std::size_t shard = 0; shard < owners.size(); ++shard) owners[shard] = static_cast<MemberId>(shard % 3);
  const auto moves = rebalance(owners, Ring(named(4)), std::vector<bool>(4, true));
  CHECK(moves.size() == 16);
  for (const ShardMove& move : moves) CHECK(move.to == 3);
  CHECK(counts(after(owners, moves), 4) == std::vector<std::size_t>(4, 16));
}

TEST_CASE("rebalance: whoever leaves is emptied, and nothing else moves", "[domain][placement]") {
  std::vector<MemberId> owners(64);
  for (std::size_t shard = 0; shard < owners.size(); ++shard) owners[shard] = static_cast<MemberId>(shard % 4);
  const auto moves = rebalance(owners, Ring(named(4)), {true, false, true, true});
  CHECK(moves.size() == 16);
  for (const ShardMove& move : moves) CHECK(move.from == 1);
  const auto left = counts(after(owners, moves), 4);
  CHECK(left[1] == 0);
  CHECK(*std::max_element(left.begin(), left.end()) == 22);
}

TEST_CASE("rebalance: from any state to an even one with the fewest moves, and then none", "[domain][placement]") {
  tests::property("rebalance", 400, [] {
    const auto members = *rc::gen::inRange<std::size_t>(1, 9);
    const auto shards = *rc::gen::inRange<std::size_t>(1, 65);
    const auto owners = *rc::gen::container<std::vector<MemberId>>(
        shards, rc::gen::inRange<MemberId>(0, static_cast<MemberId>(members)));
    auto staying = *rc::gen::container<std::vector<bool>>(members, rc::gen::arbitrary<bool>());
    staying[*rc::gen::inRange<std::size_t>(0, members)] = true;
    const Ring ring(named(members));
    const auto moves = rebalance(owners, ring, staying);
    std::set<ShardId> moved;
    for (const ShardMove& move : moves) RC_ASSERT(moved.insert(move.shard).second);
    const auto then = after(owners, moves);
    const auto has = counts(then, members), had = counts(owners, members);
    const auto stay = static_cast<std::size_t>(std::count(staying.begin(), staying.end(), true));
    std::size_t needed = 0, ones_more = shards % stay;
    for (std::size_t member = 0; member < members; ++member) {
      RC_ASSERT((staying[member] ? has[member] - shards / stay <= 1 : has[member] == 0));
      if (!staying[member]) needed += had[member];
    }
    // The fewest: of those who stay, as many as can keep one more do.
    std::vector<std::size_t> kept;
    for (std::size_t member = 0; member < members; ++member)
      if (staying[member]) kept.push_back(had[member]);
    std::sort(kept.rbegin(), kept.rend());
    for (const std::size_t count : kept) {
      const std::size_t share = shards / stay + (ones_more > 0 ? 1 : 0);
      if (ones_more > 0) --ones_more;
      needed += count > share ? count - share : 0;
    }
    RC_ASSERT(moves.size() == needed);
    RC_ASSERT(rebalance(then, ring, staying).empty());
  });
}

}  // namespace kontor
