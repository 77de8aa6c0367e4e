#include "tests/simulation/place_rules.hpp"

namespace kontor::sim {
namespace {

std::string text(const Place& place) {
  return "member " + std::to_string(place.member) + " in epoch " + std::to_string(place.epoch);
}

}  // namespace

PlaceRules::PlaceRules(std::size_t members, const std::vector<Holding>& beginning)
    : shards_(beginning.size()), durable_(members, beginning) {
  for (std::size_t shard = 0; shard < beginning.size(); ++shard)
    shards_[shard].owners[beginning[shard].place.epoch] = beginning[shard].place;
}

std::string PlaceRules::name(MemberId member, ShardId shard) const {
  return "shard " + std::to_string(shard) + " at member " + std::to_string(member) + ": ";
}

std::string PlaceRules::on_written(MemberId member, ShardId shard, const Holding& now) {
  Holding& before = durable_[member][shard];
  const Place& place = now.place;
  if (place.epoch < before.place.epoch) return name(member, shard) + "its place goes back to " + text(place);
  auto& owners = shards_[shard].owners;
  if (const auto known = owners.find(place.epoch); known != owners.end()) {
    if (known->second != place) return name(member, shard) + "an epoch has two owners: " + text(place);
  } else {
    const auto earlier = owners.find(place.epoch - 1);
    if (earlier == owners.end() || earlier->second.member != member)
      return name(member, shard) + "given by who did not own it: " + text(place);
    owners[place.epoch] = place;
  }
  before = now;
  return {};
}

std::string PlaceRules::on_told(MemberId member, const std::vector<Place>& places) const {
  for (ShardId shard = 0; shard < shards(); ++shard)
    if (places[shard] != durable_[member][shard].place)
      return name(member, shard) + "a place is told that is not durable: " + text(places[shard]);
  return {};
}

std::string PlaceRules::on_opened(MemberId member, ShardId shard, std::uint64_t digest) {
  Shard& at = shards_[shard];
  if (at.open_at) return name(member, shard) + "is open at member " + std::to_string(*at.open_at) + " too";
  if (at.owners.rbegin()->second.member != member)
    return name(member, shard) + "is opened, and belongs to " + text(at.owners.rbegin()->second);
  if (at.digest && *at.digest != digest) return name(member, shard) + "is opened, and is not what was closed last";
  at.open_at = member;
  return {};
}

void PlaceRules::on_closed(ShardId shard, std::uint64_t digest) {
  shards_[shard].open_at.reset();
  shards_[shard].digest = digest;
}

std::string PlaceRules::on_taken(MemberId member, ShardId shard, MemberId from, std::uint64_t epoch) const {
  const Place& known = durable_[member][shard].place;
  if (known.member == from || known.epoch <= epoch) return {};
  return name(member, shard) + "a message of an owner is taken in whose time is over: of member " +
         std::to_string(from) + " in epoch " + std::to_string(epoch);
}

std::string PlaceRules::at_the_end() const {
  for (ShardId shard = 0; shard < shards(); ++shard) {
    const Place& last = shards_[shard].owners.rbegin()->second;
    if (shards_[shard].open_at != last.member)
      return "shard " + std::to_string(shard) + " belongs to " + text(last) + ", and is not open there";
    for (MemberId member = 0; member < members(); ++member) {
      if (durable_[member][shard].arrival) return name(member, shard) + "a promise stays";
      if (durable_[member][shard].place != last)
        return name(member, shard) + "it does not know of " + text(last) + " but of " +
               text(durable_[member][shard].place);
    }
  }
  return {};
}

}  // namespace kontor::sim
