#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/cluster/node.hpp"
#include "actors/engine.hpp"
#include "cmd/http/server.hpp"
#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {

/// What there may be beside an engine and its server.
struct Beside {
  KeyRingPtr keys;             ///< nullptr: everybody who reaches it may do everything.
  std::shared_ptr<Log> log;    ///< nullptr: none is kept.
  unsigned rate_limit = 0;     ///< Requests a second of one caller; 0: no bound.
  std::shared_ptr<Node> node;  ///< Of the cluster that the engine is in.
  ViewsOptions views;          ///< By default in the engine's directory.
};

/// An open engine behind an HTTP server: serves from its construction to its end. Members for one thread.
class ServedEngine {
 public:
  /// Throws std::system_error when the address cannot be had.
  ServedEngine(std::unique_ptr<Engine> engine, const http::ServerOptions& options, Beside beside = {});
  /// Stops, if `stop` was not called.
  ~ServedEngine();

  const http::Endpoint& endpoint() const { return server_->endpoint(); }
  Engine& engine() { return *engine_; }
  Objects& objects() { return objects_; }
  Views& views() { return views_; }
  const http::Stats& stats() const { return stats_; }
  std::size_t feeds() const { return shared_.feeds; }  ///< Event streams that are open.
  /// From now on these keys are good and no others. Any thread.
  void use_keys(KeyRingPtr keys) { shared_.keys.set(std::move(keys)); }
  /// From now on connections begin with this. Of a server that speaks TLS. Any thread.
  void use_tls(http::TlsContext tls) { server_->use_tls(std::move(tls)); }
  bool uses_keys() const { return shared_.keys.get() != nullptr; }
  /// Lets what was begun finish, for at most `timeout`; then closes the engine and the server. False: that was too
  /// short for some.
  bool stop(std::chrono::milliseconds timeout);

 private:
  http::Stats stats_;
  std::unique_ptr<Engine> engine_;
  Objects objects_;
  Views views_;
  Audits audits_;
  Shared shared_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace kontor::cmd::serve
