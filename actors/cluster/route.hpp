#pragma once
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "actors/cluster/peer.hpp"
#include "actors/fabric.hpp"

namespace kontor::actors {

/// Where the messages for one shard go: stand-ins for its four actors that never change, before actors that do. What is
/// sent to the shard of another node is written into that peer's outbox at once, on the sender's thread. While the
/// shard changes hands callers wait (up to kWaitingMax of them, up to kHeldMax), and the protocols' messages, which are
/// sent again anyway, are dropped. Any thread.
class Route {
 public:
  enum class Stage : std::uint8_t {
    here,      ///< To the actors.
    draining,  ///< Only what is not new: callers wait.
    held,      ///< Callers wait.
    away,      ///< To the peer.
  };

  /// Begins held. The stand-ins go into `fabric`. Fabric and route outlive the actor system.
  Route(caf::actor_system& system, Fabric& fabric, ShardId shard);
  ~Route();
  Route(const Route&) = delete;
  Route& operator=(const Route&) = delete;

  /// The shard's actors are here; those that have no handle yet hear nothing. Who waits is let in with the coordinator.
  void lead_here(const Handles& actors);
  void lead_away(Peer& peer);
  void drain();
  void hold();
  /// Refuses who waits, and who comes, if it has been held for too long.
  void expire(std::chrono::steady_clock::time_point now);
  /// For good: whoever waits is refused, and the actors' handles are let go.
  void end();

  Stage stage() const;
  bool leads_to(const Peer& peer) const;
  /// Requests that wait and are counted as open at this shard.
  std::size_t waiting_requests() const;

  // For the stand-ins.
  enum class Kind : std::uint8_t { caller, protocol };
  /// Sends `what` to the actor here, or keeps it until it can be sent: then it is taken. Else it goes to the peer that
  /// is returned, or nowhere. `requests`: that are counted as open here.
  Peer* send(std::size_t role, Kind kind, std::size_t requests, caf::mailbox_element_ptr& what,
             caf::execution_unit* unit);

 private:
  struct Waiting {
    std::size_t role = 0, requests = 0;
    caf::mailbox_element_ptr what;
  };
  void let_in();

  mutable std::mutex mutex_;
  Stage stage_ = Stage::held;
  std::chrono::steady_clock::time_point held_since_ = std::chrono::steady_clock::now();
  bool expired_ = false;
  bool ended_ = false;
  Peer* peer_ = nullptr;
  std::array<caf::strong_actor_ptr, 4> actors_;  ///< Coordinator, order, inventory, payment.
  std::array<caf::strong_actor_ptr, 4> ports_;
  std::vector<Waiting> waiting_;
};

}  // namespace kontor::actors
