#include "actors/cluster/middleman.hpp"

#include <csignal>

#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/sec.hpp>

namespace kontor::actors {
namespace {

caf::io::network::default_multiplexer& multiplexer_of(caf::actor_system& system) {
  return dynamic_cast<caf::io::network::default_multiplexer&>(system.middleman().backend());
}

class Middleman final : public caf::io::middleman_actor_impl {
 public:
  Middleman(caf::actor_config& config, caf::actor broker, Exchange* exchange)
      : middleman_actor_impl(config, std::move(broker)), exchange_(*exchange) {}

 protected:
  caf::expected<caf::io::scribe_ptr> connect(const std::string& host, std::uint16_t) override {
    const SessionPtr session = exchange_.collect(host);
    if (!session) return caf::sec::cannot_connect_to_node;
    return caf::io::scribe_ptr(caf::make_counted<TlsScribe>(multiplexer_of(system()), session, exchange_.live));
  }

  caf::expected<caf::io::doorman_ptr> open(std::uint16_t port, const char*, bool) override {
    const auto doorway = caf::make_counted<Doorway>(multiplexer_of(system()), port, exchange_.live);
    exchange_.open(port, doorway);
    return caf::io::doorman_ptr(doorway);
  }

  // Datagrams have no certificates.
  caf::expected<caf::io::datagram_servant_ptr> contact(const std::string&, std::uint16_t) override {
    return caf::sec::cannot_connect_to_node;
  }
  caf::expected<caf::io::datagram_servant_ptr> open_udp(std::uint16_t, const char*, bool) override {
    return caf::sec::cannot_open_port;
  }

 private:
  Exchange& exchange_;
};

}  // namespace

std::string Exchange::leave(SessionPtr session) {
  const std::lock_guard guard(mutex_);
  std::string ticket = session->node() + "#" + std::to_string(++next_);
  left_.emplace(ticket, std::move(session));
  return ticket;
}

SessionPtr Exchange::collect(const std::string& ticket) {
  const std::lock_guard guard(mutex_);
  auto found = left_.extract(ticket);
  return found ? std::move(found.mapped()) : nullptr;
}

void Exchange::open(std::uint16_t number, caf::intrusive_ptr<Doorway> doorway) {
  const std::lock_guard guard(mutex_);
  doorways_[number] = std::move(doorway);
}

void Exchange::close() {
  const std::lock_guard guard(mutex_);
  doorways_.clear();
  left_.clear();
}

void Exchange::admit(caf::actor_system& system, std::uint16_t number, SessionPtr session) {
  multiplexer_of(system).post([this, number, session = std::move(session)] {
    caf::intrusive_ptr<Doorway> doorway;
    {
      const std::lock_guard guard(mutex_);
      if (const auto it = doorways_.find(number); it != doorways_.end()) doorway = it->second;
    }
    if (doorway) doorway->admit(session);
  });
}

caf::io::middleman_actor spawn_middleman(caf::actor_system& system, Exchange& exchange) {
  // OpenSSL writes without MSG_NOSIGNAL: a peer that goes away must be an error of that write and no signal.
  multiplexer_of(system).post([] {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  });
  auto broker = system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  return caf::actor_cast<caf::io::middleman_actor>(system.spawn<Middleman, caf::hidden>(std::move(broker), &exchange));
}

}  // namespace kontor::actors
