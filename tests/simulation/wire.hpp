#pragma once
#include <string>
#include <string_view>
#include <typeinfo>

#include "actors/messages.hpp"

/// The messages that cross from shard to shard, seen from outside. A new one is one more line in `visit` and in `name`.
namespace kontor::sim {

template <class Message, class Visitor>
bool visit_one(const caf::message& message, const Visitor& visitor) {
  // All were made in this program, so a type has one address; CAF compares names, which begin alike.
  if (message.size() != 1 || message.type(0).second != &typeid(Message)) return false;
  visitor(message.get_as<Message>(0));
  return true;
}

/// Calls `visitor` with the message as its own type. False: none that may cross.
template <class Visitor>
bool visit(const caf::message& message, const Visitor& visitor) {
  return visit_one<actors::Prepare>(message, visitor) || visit_one<actors::SiteVotes>(message, visitor) ||
         visit_one<actors::Decisions>(message, visitor) || visit_one<actors::Acknowledge>(message, visitor) ||
         visit_one<actors::Inquire>(message, visitor) || visit_one<actors::Notices>(message, visitor) ||
         visit_one<actors::Submit>(message, visitor);
}

std::string_view name(const caf::message& message);
/// Which transactions it speaks of.
std::string words(const caf::message& message);

/// Takes what is sent to another shard.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void send(ShardId from, ShardId to, caf::message message) = 0;
};

/// Stands in one shard's fabric for another shard's coordinator: what is sent to it is in the outlet at once, whatever
/// its type.
class Port final : public caf::monitorable_actor {
 public:
  Port(caf::actor_config& config, Outlet& outlet, ShardId from, ShardId to)
      : monitorable_actor(config), outlet_(outlet), from_(from), to_(to) {}
  using monitorable_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override;

 private:
  Outlet& outlet_;
  ShardId from_, to_;
};
actors::CoordinatorActor make_port(caf::actor_system& system, Outlet& outlet, ShardId from, ShardId to);

}  // namespace kontor::sim
