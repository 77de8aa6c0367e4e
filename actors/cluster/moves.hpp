#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/cluster.hpp"
#include "actors/cluster/giver.hpp"
#include "actors/cluster/peers.hpp"
#include "actors/cluster/places.hpp"
#include "actors/cluster/route.hpp"
#include "actors/cluster/taker.hpp"
#include "domain/limits.hpp"

namespace kontor::actors {

/// What the parts of a node that move shards share: where shards are, and where messages for them go, which change
/// together.
struct MoveParts {
  Places& places;
  Peers& peers;
  Fabric& fabric;
  ShardHost& host;
  std::function<void(const std::string&)> tell;
  std::vector<std::unique_ptr<Route>> routes;  ///< By shard.
  std::mutex mutex;                            ///< Held while a place and its route change.
  std::array<std::mutex, kShardsMax> housing;  ///< By shard: held while it is opened or closed. Before `mutex`.

  /// The giver's decision. Error: the shard is not its own any more.
  Error given(ShardId shard, MemberId to, std::uint64_t attempt, std::uint64_t epoch);
  /// The taker's vote. Error: it is no.
  Error promised(ShardId shard, const Arrival& arrival);
  /// The giver decided against it.
  void refused(ShardId shard, std::uint64_t attempt);
  /// As ShardHost's.
  void rest(ShardId shard, const std::function<std::size_t()>& waiting);
  /// Closes a shard that is elsewhere, though nobody gave it away here.
  void put_aside(ShardId shard);
  /// Opens a shard, unless it is elsewhere by now, and says so: what was said to it before was dropped. `failing`: what
  /// is told if it cannot be opened.
  void wake(ShardId shard, const std::string& failing);
  /// Tells all others, or one, where shards are.
  void announce();
  void announce(MemberId to);

  void route_to_owner(ShardId shard);
};

/// Where the cluster's shards are, and how they move: for the links, which bring what other members say of it, and for
/// the node, which is asked to move one.
class Moves {
 public:
  Moves(caf::actor_system& system, Places& places, Peers& peers, Fabric& fabric, ShardHost& host,
        std::function<void(const std::string&)> tell);
  ~Moves();

  /// Own actors' handles are there now, or change.
  void housed(ShardId shard, const Handles& actors) { parts_.routes[shard]->lead_here(actors); }
  bool here(ShardId shard) const { return parts_.places.here(shard); }
  bool has(MemberId member, ShardId shard) const { return speaks_for(Place{parts_.places.member_of(shard)}, member); }
  /// Messages for this shard are taken in: it is here, or will be.
  bool takes(ShardId shard) const { return parts_.routes[shard]->stage() != Route::Stage::away; }

  // From the links.
  void linked(MemberId peer);
  bool take(MemberId from, const wire::Envelope& envelope);
  /// Sends a caller back who asked for a shard that is elsewhere.
  void send_back(MemberId to, const AskedBy& asked);

  void move(ShardId shard, MemberId to, const std::function<void(const Error&)>& then);
  std::optional<MoveProgress> progress() const { return giver_.progress(); }

  /// Nothing moves any more, and what is on its way from here is here again.
  void settle() { giver_.stop(); }
  /// Nobody reaches own actors any more.
  void end();

 private:
  bool take_places(MemberId from, persistence::ByteReader& in);
  bool take_move(MemberId from, const wire::Envelope& envelope);
  bool take_whose(MemberId from, const wire::Envelope& envelope);

  MoveParts parts_;
  Giver giver_;
  Taker taker_;
};

}  // namespace kontor::actors
