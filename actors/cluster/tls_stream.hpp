#pragma once
#include <map>
#include <mutex>
#include <string>

#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>

#include "actors/cluster/gate.hpp"

/// How CAF's broker gets connections that the gate has let in: a scribe that reads and writes TLS, and a doorman
/// without a door, to which they are handed.
namespace kontor::actors {

/// The connections that CAF has right now, so that one can be cut from outside: a peer that fell silent, or that dials
/// anew while the old connection is not known to be dead.
class LiveStreams {
 public:
  void add(const std::string& node, int descriptor);
  void remove(const std::string& node, int descriptor);
  /// Both directions end; CAF notices and tells the actors. False: there was none.
  bool cut(const std::string& node);

 private:
  std::mutex mutex_;
  std::multimap<std::string, int> descriptors_;
};

/// TLS in place of CAF's plain TCP; its state belongs to the multiplexer's thread.
class TlsPolicy {
 public:
  explicit TlsPolicy(SessionPtr session) : session_(std::move(session)) {}
  caf::io::network::rw_state read_some(std::size_t& result, int descriptor, void* bytes, std::size_t size);
  caf::io::network::rw_state write_some(std::size_t& result, int descriptor, const void* bytes, std::size_t size);
  /// Decrypted bytes that no event will announce.
  bool must_read_more(int descriptor, std::size_t threshold) const;

 private:
  SessionPtr session_;
};

class TlsScribe final : public caf::io::scribe {
 public:
  TlsScribe(caf::io::network::default_multiplexer& multiplexer, const SessionPtr& session, LiveStreams& live);
  ~TlsScribe() override;
  TlsScribe(const TlsScribe&) = delete;
  TlsScribe& operator=(const TlsScribe&) = delete;

  void configure_read(caf::io::receive_policy::config config) override;
  void ack_writes(bool enable) override;
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override;
  void flush() override { stream_.flush(this); }
  std::string addr() const override { return node_; }
  std::uint16_t port() const override { return 0; }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  std::string node_;
  LiveStreams& live_;
  bool launched_ = false;
  caf::io::network::stream_impl<TlsPolicy> stream_;
};

/// Stands for one peer that dials us: what it hands to the broker is a connection of that peer.
class Doorway final : public caf::io::doorman {
 public:
  /// `number` is the port under which an actor was published for the peer.
  Doorway(caf::io::network::default_multiplexer& multiplexer, std::uint16_t number, LiveStreams& live);

  /// On the multiplexer's thread.
  void admit(const SessionPtr& session);

  bool new_connection() override { return true; }
  void graceful_shutdown() override { detach(&multiplexer_, false); }  // The broker waits for it to be gone.
  void launch() override {}
  std::string addr() const override { return "gate"; }
  std::uint16_t port() const override { return number_; }
  void add_to_loop() override {}
  void remove_from_loop() override {}

 private:
  caf::io::network::default_multiplexer& multiplexer_;
  std::uint16_t number_;
  LiveStreams& live_;
};

}  // namespace kontor::actors
