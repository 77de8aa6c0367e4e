#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/handover.hpp"

namespace kontor::sim {

/// What must hold of where shards are, from what members have on record and what they do. Each function returns what is
/// violated; empty: nothing.
class PlaceRules {
 public:
  PlaceRules(std::size_t members, const std::vector<Holding>& beginning);

  /// A member's memory of a shard is durable.
  std::string on_written(MemberId member, ShardId shard, const Holding& now);
  /// It tells others.
  std::string on_told(MemberId member, const std::vector<Place>& places) const;
  /// It opens the shard, or closes it, with a store of this digest.
  std::string on_opened(MemberId member, ShardId shard, std::uint64_t digest);
  void on_closed(ShardId shard, std::uint64_t digest);
  /// It takes a message in, sent in the name of a shard by its owner since `epoch`.
  std::string on_taken(MemberId member, ShardId shard, MemberId from, std::uint64_t epoch) const;
  /// When all is quiet.
  std::string at_the_end() const;

 private:
  struct Shard {
    std::map<std::uint64_t, Place> owners;  ///< By epoch.
    std::optional<MemberId> open_at;
    std::optional<std::uint64_t> digest;  ///< When it was closed last: nothing newer was ever served.
  };
  std::string name(MemberId member, ShardId shard) const;
  ShardId shards() const { return static_cast<ShardId>(shards_.size()); }
  MemberId members() const { return static_cast<MemberId>(durable_.size()); }

  std::vector<Shard> shards_;
  std::vector<std::vector<Holding>> durable_;  ///< By member.
};

}  // namespace kontor::sim
