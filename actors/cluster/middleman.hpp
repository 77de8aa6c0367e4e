#pragma once
#include <map>
#include <mutex>

#include "actors/cluster/tls_stream.hpp"

/// CAF's remoting over connections of the gate only: nothing is listened on or dialled by CAF itself, so no byte
/// reaches its decoder before both ends have authenticated.
namespace kontor::actors {

/// Connections and doorways on their way between the gate, the links and CAF's middleman. Any thread.
class Exchange {
 public:
  /// Keeps a dialled session; its ticket is the "host" to connect to.
  std::string leave(SessionPtr session);
  SessionPtr collect(const std::string& ticket);

  void open(std::uint16_t number, caf::intrusive_ptr<Doorway> doorway);
  void close();  ///< All doorways.
  /// Hands a session to the doorway `number`, on the multiplexer's thread. Dropped when there is none.
  void admit(caf::actor_system& system, std::uint16_t number, SessionPtr session);

  LiveStreams live;

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::map<std::string, SessionPtr> left_;
  std::map<std::uint16_t, caf::intrusive_ptr<Doorway>> doorways_;
};

/// Serves `connect` (host: a ticket of the exchange) and `publish` (port: a doorway's number). `exchange` outlives it.
caf::io::middleman_actor spawn_middleman(caf::actor_system& system, Exchange& exchange);

}  // namespace kontor::actors
