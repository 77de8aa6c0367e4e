#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cmd/http/limits.hpp"
#include "cmd/http/message.hpp"
#include "cmd/http/stats.hpp"
#include "cmd/http/tls.hpp"

namespace kontor::http {

/// Where to listen.
struct Endpoint {
  std::string address;  ///< An IP address, without brackets.
  std::uint16_t port = 0;
};
/// Reads `ADDRESS:PORT`, `[ADDRESS]:PORT` or `PORT` alone; an address, not a name: what a name means may change.
std::optional<Endpoint> parse_endpoint(std::string_view text);
/// Only programs on this machine can reach it.
bool is_loopback(const Endpoint& endpoint);
/// `http://127.0.0.1:8080`; `tls`: https.
std::string url_of(const Endpoint& endpoint, bool tls = false);

struct ServerOptions {
  Endpoint listen;
  std::size_t lanes = 1;  ///< Threads that serve; each connection stays on one.
  Limits limits;
  TlsContext tls;  ///< nullptr: in the clear.
};

/// Makes the service of one lane; `post` runs an action on that lane.
using MakeService = std::function<std::unique_ptr<Service>(Post post)>;

/// Listens and serves from its construction until `drain`. Members for one thread.
class Server {
 public:
  /// Throws std::system_error when the address cannot be had. `stats` outlives the server.
  Server(const ServerOptions& options, Stats& stats, const MakeService& make_service);
  ~Server();

  /// Where it listens, with the port that it got.
  const Endpoint& endpoint() const;
  /// Connections that are accepted from now on begin with this. Of a server that speaks TLS; `tls` is not nullptr.
  void use_tls(TlsContext tls);
  /// Accepts nothing more, ends what is idle, lets the rest finish. False: `timeout` came first.
  bool drain(std::chrono::milliseconds timeout);
  /// Ends the threads. What is called after it by `post` is not run. Callers that may still post must be gone before
  /// the server is.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::http
