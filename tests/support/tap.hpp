#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "tests/support/stage.hpp"

namespace kontor::testing {

/// Sits before the coordinators of a stage: counts what crosses from shard to shard, and holds it until it is let go.
class Tap {
 public:
  /// For this life of the stage; only what is sent from now on.
  explicit Tap(Stage& stage) {
    for (ShardId id = 0; id < stage.size(); ++id) {
      caf::actor_system& system = stage.puppets().system();
      caf::actor_config config;
      auto& coordinator = stage.actors_of(id).coordinator;
      const auto valve =
          caf::make_actor<Valve, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, config, *this,
                                                        id, caf::actor_cast<caf::strong_actor_ptr>(coordinator));
      valves_.push_back(static_cast<Valve*>(caf::actor_cast<caf::abstract_actor*>(valve)));
      coordinator = caf::actor_cast<actors::CoordinatorActor>(valve);
    }
  }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  /// By kind; a batch of notices counts each.
  std::map<std::string, int> counts;
  std::size_t held() const { return held_.size(); }
  /// What is held arrives now, in the order in which it was sent; what that causes is held again.
  void let_go() {
    for (auto& [to, message] : std::exchange(held_, {})) valves_[to]->pass(std::move(message));
  }
  /// What is held is lost.
  void drop() { held_.clear(); }
  /// By receiver.
  using Held = std::deque<std::pair<ShardId, caf::message>>;
  /// What is held, for the tap of the next life: it comes late.
  Held take() { return std::exchange(held_, {}); }
  void hold(Held held) { held_ = std::move(held); }
  /// This shard's coordinator ends; nothing reaches it any more.
  void end(ShardId shard) { valves_[shard]->end(); }

 private:
  class Valve final : public caf::monitorable_actor {
   public:
    Valve(caf::actor_config& config, Tap& tap, ShardId id, caf::strong_actor_ptr behind)
        : monitorable_actor(config), tap_(tap), id_(id), behind_(std::move(behind)) {}
    using monitorable_actor::enqueue;
    void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
      caf::message message = what->move_content_to_message();
      if (tap_.crosses(id_, message)) {
        tap_.held_.emplace_back(id_, std::move(message));
      } else {
        pass(std::move(message));
      }
    }
    void pass(caf::message message) {
      if (behind_) behind_->enqueue(nullptr, caf::make_message_id(), std::move(message), nullptr);
    }
    void end() {
      caf::anon_send_exit(behind_, caf::exit_reason::kill);
      behind_ = nullptr;
    }

   private:
    Tap& tap_;
    ShardId id_;
    caf::strong_actor_ptr behind_;
  };

  bool crosses(ShardId to, const caf::message& message) {
    const auto is = [&](auto* type, const char* name) {
      using Message = std::remove_pointer_t<decltype(type)>;
      if (!message.match_elements<Message>()) return false;
      ++counts[name];
      return true;
    };
    if (message.match_elements<actors::Notices>()) {
      const auto& notices = message.get_as<actors::Notices>(0);
      if (notices.site == to) return false;  // A leader that hears itself.
      for (const auto& notice : *notices.notices) ++counts[std::string(to_string(notice.kind))];
      return true;
    }
    return is(static_cast<actors::Prepare*>(nullptr), "Prepare") ||
           is(static_cast<actors::SiteVotes*>(nullptr), "SiteVotes") ||
           is(static_cast<actors::Decisions*>(nullptr), "Decisions") ||
           is(static_cast<actors::Acknowledge*>(nullptr), "Acknowledge") ||
           is(static_cast<actors::Inquire*>(nullptr), "Inquire");
  }

  std::vector<Valve*> valves_;
  Held held_;
};

}  // namespace kontor::testing
