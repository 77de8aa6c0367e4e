#pragma once
#include <functional>

#include "actors/cluster/peer.hpp"
#include "actors/fabric.hpp"

namespace kontor::actors {

/// Takes what one peer sent, holds it against what that peer may say, and hands it to this node's actors: a
/// coordinator's messages only from the node that the coordinator's shard is on, a site's only from that site's. What
/// it may not say is counted and goes nowhere. Belongs to the peer's link.
class Reception {
 public:
  /// `member_of`: which member a shard lives at.
  Reception(Fabric& fabric, Peer& peer, std::size_t own, std::size_t from, std::size_t members)
      : fabric_(fabric), peer_(peer), own_(own), from_(from), members_(members) {}

  void take(std::string_view frame);

 private:
  bool here(ShardId shard) const { return shard < fabric_.size() && shard % members_ == own_; }
  bool theirs(ShardId shard) const { return shard < fabric_.size() && shard % members_ == from_; }
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
  const std::size_t own_, from_, members_;
};

}  // namespace kontor::actors
