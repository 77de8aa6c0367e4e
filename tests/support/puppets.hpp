#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace kontor::testing {

/// CAF's deterministic scheduler: nothing moves, and no time passes, until the test says so.
class Puppets {
 public:
  Puppets() : system_(std::make_unique<caf::actor_system>(config_)) {}
  ~Puppets() {
    for (const auto& end : ends_) end();
    while (!scheduler().jobs.empty()) step();
    scheduler().clock().cancel_all();
    while (!scheduler().jobs.empty()) step();
  }
  Puppets(const Puppets&) = delete;
  Puppets& operator=(const Puppets&) = delete;

  caf::actor_system& system() { return *system_; }
  caf::scheduler::test_coordinator& scheduler() {
    return static_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  template <class Handle>
  Handle keep(Handle handle) {
    ends_.push_back([handle] { caf::anon_send_exit(handle, caf::exit_reason::kill); });
    return handle;
  }

  std::size_t waiting() { return scheduler().jobs.size(); }
  /// Spawning an actor sets CAF's logger, which looks up who logs at each turn from then on. Nothing is logged here.
  void hush() { caf::logger::set_current_actor_system(nullptr); }
  /// One message of the `pick`-th actor that has one. False: nobody has.
  bool step(std::size_t pick = 0) {
    auto& jobs = scheduler().jobs;
    if (jobs.empty()) return false;
    const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(pick % jobs.size());
    caf::resumable* const job = *chosen;
    if (chosen != jobs.begin()) {
      jobs.erase(chosen);
      jobs.push_front(job);
    }
    scheduler().try_run_once();
    // An actor with more messages came back to the front: the next turn is somebody else's.
    if (jobs.size() > 1 && jobs.front() == job) {
      jobs.pop_front();
      jobs.push_back(job);
    }
    return true;
  }
  /// Ends an actor: of what is in its mailbox it may look at one message, no more.
  template <class Handle>
  void kill(Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    while (step_of(handle)) {
    }
    handle = nullptr;
  }
  /// Until nobody has a message.
  void run() {
    while (step()) {
    }
  }
  /// One message of this actor. False: it has none.
  template <class Handle>
  bool step_of(const Handle& handle) {
    return scheduler().prioritize(handle) && step();
  }
  /// All messages of this actor.
  template <class Handle>
  void run_of(const Handle& handle) {
    while (step_of(handle)) {
    }
  }
  void advance(std::chrono::nanoseconds time) { scheduler().advance_time(time); }

 private:
  struct Config : caf::actor_system_config {
    Config() { set("scheduler.policy", caf::atom("testing")); }
  };
  Config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::function<void()>> ends_;
};

}  // namespace kontor::testing
