#include "domain/ring.hpp"

#include <algorithm>

#include <xxhash.h>

namespace kontor {
namespace {

std::uint64_t point(std::uint64_t number, std::uint64_t seed) {
  return XXH3_64bits_withSeed(&number, sizeof number, seed);
}

/// Where on the ring a shard lies.
std::uint64_t hash_of(ShardId shard) { return point(shard, 0x6b6f6e746f72); }

/// How many each staying member should have at the end: all the same, or one more for those that have most already.
std::vector<std::size_t> shares(std::span<const MemberId> owners, const std::vector<bool>& staying) {
  std::vector<std::size_t> has(staying.size());
  for (const MemberId owner : owners) ++has[owner];
  std::vector<std::size_t> members;
  for (std::size_t member = 0; member < staying.size(); ++member)
    if (staying[member]) members.push_back(member);
  std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) { return has[a] > has[b]; });
  std::vector<std::size_t> out(staying.size());
  for (std::size_t i = 0; i < members.size(); ++i)
    out[members[i]] = owners.size() / members.size() + (i < owners.size() % members.size() ? 1 : 0);
  return out;
}

}  // namespace

Ring::Ring(std::span<const std::string> members) : members_(members.size()) {
  points_.reserve(members.size() * kPointsPerMember);
  for (std::size_t member = 0; member < members.size(); ++member) {
    const std::uint64_t seed = XXH3_64bits(members[member].data(), members[member].size());
    for (std::size_t i = 0; i < kPointsPerMember; ++i)
      points_.emplace_back(point(i, seed), static_cast<MemberId>(member));
  }
  std::sort(points_.begin(), points_.end());
}

std::vector<MemberId> Ring::preference(std::uint64_t hash) const {
  std::vector<MemberId> order;
  std::vector<bool> seen(members_);
  const auto begin = std::lower_bound(points_.begin(), points_.end(), std::pair{hash, MemberId{0}});
  const auto start = static_cast<std::size_t>(begin - points_.begin());
  for (std::size_t i = 0; i < points_.size() && order.size() < members_; ++i) {
    const MemberId member = points_[(start + i) % points_.size()].second;
    if (seen[member]) continue;
    seen[member] = true;
    order.push_back(member);
  }
  return order;
}

std::vector<ShardMove> rebalance(std::span<const MemberId> owners, const Ring& ring, const std::vector<bool>& staying) {
  const auto share = shares(owners, staying);
  std::vector<std::size_t> has(staying.size());
  for (const MemberId owner : owners) ++has[owner];
  std::vector<ShardMove> moves;
  std::vector<bool> moved(owners.size());
  std::vector<std::vector<MemberId>> preferences;
  for (std::size_t shard = 0; shard < owners.size(); ++shard)
    preferences.push_back(ring.preference(hash_of(static_cast<ShardId>(shard))));
  // The ring's first choices first: what moves goes where it would lie had it been placed today.
  for (std::size_t rank = 0; rank < staying.size(); ++rank) {
    for (std::size_t i = 0; i < owners.size(); ++i) {
      const auto shard = static_cast<ShardId>(i);
      const MemberId from = owners[shard];
      if (moved[shard] || has[from] <= share[from]) continue;
      const MemberId to = preferences[shard][rank];
      if (has[to] >= share[to]) continue;
      moves.push_back({shard, from, to});
      moved[shard] = true;
      --has[from], ++has[to];
    }
  }
  return moves;
}

}  // namespace kontor
