#include "actors/cluster/route.hpp"

#include <numeric>

#include "actors/cluster/port.hpp"

namespace kontor::actors {

Route::Route(caf::actor_system& system, Fabric& fabric, ShardId shard) {
  for (std::size_t role = 0; role < ports_.size(); ++role) ports_[role] = make_port(system, fabric, shard, role, *this);
  fabric.shards[shard].coordinator = caf::actor_cast<CoordinatorActor>(ports_[0]);
  fabric.shards[shard].order = caf::actor_cast<OrderActor>(ports_[1]);
  fabric.shards[shard].inventory = caf::actor_cast<InventoryActor>(ports_[2]);
  fabric.shards[shard].payment = caf::actor_cast<PaymentActor>(ports_[3]);
}

Route::~Route() = default;

void Route::lead_here(const Handles& actors) {
  {
    const std::lock_guard guard(mutex_);
    actors_ = {caf::actor_cast<caf::strong_actor_ptr>(actors.coordinator),
               caf::actor_cast<caf::strong_actor_ptr>(actors.order),
               caf::actor_cast<caf::strong_actor_ptr>(actors.inventory),
               caf::actor_cast<caf::strong_actor_ptr>(actors.payment)};
    peer_ = nullptr;
    // Until the coordinator is there, only the actors speak to each other.
    stage_ = actors.coordinator ? Stage::here : Stage::draining;
  }
  if (actors.coordinator) let_in();
}

void Route::lead_away(Peer& peer) {
  {
    const std::lock_guard guard(mutex_);
    actors_ = {};
    peer_ = &peer;
    stage_ = Stage::away;
  }
  let_in();
}

void Route::drain() {
  const std::lock_guard guard(mutex_);
  if (stage_ == Stage::here) stage_ = Stage::draining;
}

void Route::hold() {
  const std::lock_guard guard(mutex_);
  actors_ = {};
  peer_ = nullptr;
  if (stage_ == Stage::held) return;
  stage_ = Stage::held;
  held_since_ = std::chrono::steady_clock::now();
  expired_ = false;
}

void Route::expire(std::chrono::steady_clock::time_point now) {
  {
    const std::lock_guard guard(mutex_);
    if (stage_ != Stage::held || expired_ || now - held_since_ < kHeldMax) return;
    expired_ = true;
  }
  let_in();
}

void Route::end() {
  {
    const std::lock_guard guard(mutex_);
    ended_ = true;
    actors_ = {};
    peer_ = nullptr;
  }
  let_in();
  const std::lock_guard guard(mutex_);
  ports_ = {};
}

Route::Stage Route::stage() const {
  const std::lock_guard guard(mutex_);
  return stage_;
}

bool Route::leads_to(const Peer& peer) const {
  const std::lock_guard guard(mutex_);
  return stage_ == Stage::away && peer_ == &peer;
}

std::size_t Route::waiting_requests() const {
  const std::lock_guard guard(mutex_);
  return std::accumulate(waiting_.begin(), waiting_.end(), std::size_t{0},
                         [](std::size_t sum, const Waiting& waiting) { return sum + waiting.requests; });
}

/// To an actor it is sent with the mutex held: whatever was let through is in its mailbox before `drain` returns.
Peer* Route::send(std::size_t role, Kind kind, std::size_t requests, caf::mailbox_element_ptr& what,
                  caf::execution_unit* unit) {
  const std::lock_guard guard(mutex_);
  if (stage_ == Stage::away) return peer_;
  if (stage_ == Stage::here || (stage_ == Stage::draining && kind == Kind::protocol)) {
    if (actors_[role]) actors_[role]->enqueue(std::move(what), unit);
  } else if (kind == Kind::caller && !ended_ && waiting_.size() < kWaitingMax && !(stage_ == Stage::held && expired_)) {
    waiting_.push_back({role, requests, std::move(what)});
  }
  return nullptr;
}

void Route::let_in() {
  std::vector<Waiting> waiting;
  std::array<caf::strong_actor_ptr, 4> ports;
  {
    const std::lock_guard guard(mutex_);
    waiting = std::exchange(waiting_, {});
    ports = ports_;
  }
  for (Waiting& each : waiting)
    if (ports[each.role]) ports[each.role]->enqueue(std::move(each.what), nullptr);
}

}  // namespace kontor::actors
