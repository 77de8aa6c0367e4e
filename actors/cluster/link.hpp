#pragma once
#include <future>
#include <memory>
#include <string>

#include "actors/cluster/middleman.hpp"
#include "actors/cluster/reception.hpp"

namespace kontor::actors {

/// First on a new connection, from both ends: the dialler's is answered. Numbers name lives, not machines.
struct Greeting {
  /// What both must have been told alike: version, shards, members in order; but one may have been told of more members
  /// behind the others, as while a cluster is made larger.
  std::string cluster;
  std::string node;
  std::uint64_t incarnation = 0;  ///< Random; of this start of the sender.
  std::uint64_t session = 0;      ///< Chosen by the dialler: frames of an earlier connection are dropped.
};
/// Envelopes, in order and without gaps within a session. An empty one asks whether anybody is there.
struct Frame {
  std::uint64_t session = 0, sequence = 0;
  std::string envelopes;
};
/// All frames up to this one were taken in.
struct Heard {
  std::uint64_t session = 0, sequence = 0;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, Greeting& x) {
  return f(caf::meta::type_name("kontor.greeting"), x.cluster, x.node, x.incarnation, x.session);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, Frame& x) {
  return f(caf::meta::type_name("kontor.frame"), x.session, x.sequence, x.envelopes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, Heard& x) {
  return f(caf::meta::type_name("kontor.heard"), x.session, x.sequence);
}

// Within a node.
struct LinkWork {};  ///< Something was put into the peer's empty outbox.
struct LinkTick {};
struct LinkDialled {
  std::string ticket;  ///< Of the exchange; empty: in vain.
};
struct LinkEnd {  ///< For good.
  std::shared_ptr<std::promise<void>> done;
};

using LinkActor =
    caf::typed_actor<caf::reacts_to<Greeting>, caf::reacts_to<Frame>, caf::reacts_to<Heard>, caf::reacts_to<LinkWork>,
                     caf::reacts_to<LinkTick>, caf::reacts_to<LinkDialled>, caf::reacts_to<LinkEnd>>;

/// What a link is given. All of it outlives the actor system.
struct LinkSetup {
  Peer* peer = nullptr;
  Fabric* fabric = nullptr;
  Gate* gate = nullptr;
  Exchange* exchange = nullptr;
  caf::io::middleman_actor middleman;
  std::function<std::string()> cluster;  ///< Of the greeting, as it is now.
  std::string node;
  std::uint64_t incarnation = 0;
  Moves* moves = nullptr;
  Roster* roster = nullptr;
  MemberId own = 0, from = 0;  ///< The earlier one dials the later one.
  std::function<void(const std::string&)> on_event;
};

/// The one way to a peer: dials it (or waits to be dialled), greets, moves its outbox in frames with a bounded number
/// of bytes in flight, and notices within kSilenceMax when it is gone: then questions fail at once.
LinkActor spawn_link(caf::actor_system& system, LinkSetup setup);

/// Before the actor system is made.
void announce_link_messages(caf::actor_system_config& config);

}  // namespace kontor::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::actors::LinkWork)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::actors::LinkTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::actors::LinkDialled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::actors::LinkEnd)
