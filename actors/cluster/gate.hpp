#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "actors/cluster/credentials.hpp"

namespace kontor::actors {

/// A connection whose other end has shown who it is. Owns descriptor and TLS state.
class Session {
 public:
  Session(std::string node, int descriptor, std::unique_ptr<SSL, void (*)(SSL*)> ssl)
      : node_(std::move(node)), descriptor_(descriptor), ssl_(std::move(ssl)) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& node() const { return node_; }
  SSL* ssl() const { return ssl_.get(); }
  int descriptor() const { return descriptor_; }
  /// Whoever closes the descriptor from now on, it is not this.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  std::string node_;
  int descriptor_ = -1;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};
using SessionPtr = std::shared_ptr<Session>;

/// Of IP, which can be listened on without asking anybody what it means.
bool is_address(const std::string& text);

/// Stands between the network and the actors: listens and dials on a thread of its own, and hands on only what has
/// authenticated within kHandshakeMax. Nothing that comes in before that reaches anything but OpenSSL.
class Gate {
 public:
  struct Options {
    std::string node;
    std::vector<Member> members;
    std::string listen_address;
    std::uint16_t port = 0;
    Credentials credentials;
    std::function<void(SessionPtr)> on_accepted;       ///< On the gate's thread.
    std::function<void(const std::string&)> on_event;  ///< Likewise.
  };
  /// Listens; throws std::system_error.
  explicit Gate(Options options);
  ~Gate();

  /// Which port it is, when any free one was asked for.
  std::uint16_t port() const;
  /// `then` is called once on the gate's thread: with a session of that very member, or nullptr.
  void dial(const Member& member, std::function<void(SessionPtr)> then);
  /// For connections from now on.
  void use(Credentials credentials);
  /// Whom it lets in from now on.
  void expect(std::vector<Member> members);
  /// Of those that came in: that have not authenticated yet.
  std::size_t strangers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::actors
