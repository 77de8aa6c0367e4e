#pragma once
#include <functional>

#include "actors/cluster/moves.hpp"
#include "actors/cluster/roster.hpp"
#include "actors/fabric.hpp"

namespace kontor::actors {

/// Takes what one peer sent, holds it against what that peer may say, and hands it to this node's actors: a
/// coordinator's messages only from the node that the coordinator's shard is on, a site's only from that site's. What
/// it may not say is counted and goes nowhere. Belongs to the peer's link.
class Reception {
 public:
  Reception(Fabric& fabric, Peer& peer, Moves& moves, Roster& roster, MemberId from)
      : fabric_(fabric), peer_(peer), moves_(moves), roster_(roster), from_(from) {}

  void take(std::string_view frame);

 private:
  bool here(ShardId shard) const { return shard < fabric_.size() && moves_.here(shard); }
  bool theirs(ShardId shard) const { return shard < fabric_.size() && moves_.has(from_, shard); }
  bool take_call(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take(const wire::Envelope& envelope);
  bool take_protocol(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take_prepare(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take_decisions(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take_submit(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take_amend(const wire::Envelope& envelope, persistence::ByteReader& in);
  bool take_read(const wire::Envelope& envelope, persistence::ByteReader& in);
  OnOutcomes answerer(std::uint64_t ticket) const;

  Fabric& fabric_;
  Peer& peer_;
  Moves& moves_;
  Roster& roster_;
  const MemberId from_;
};

}  // namespace kontor::actors
