#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "actors/fabric.hpp"
#include "persistence/recovery.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/surroundings.hpp"
#include "tests/simulation/wire.hpp"
#include "tests/support/puppets.hpp"

namespace kontor::sim {

/// One shard as a machine of its own: its disk outlives its lives; each life has its own fabric, journal and actors,
/// where the other shards are ports into the network.
class Node {
 public:
  Node(Surroundings& around, Judge& judge, testing::Puppets& puppets, Outlet& outlet, ShardId id);
  ~Node() { stop(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Recovers and begins a life. Everything that recovery must find is checked.
  void start();
  /// The life ends: nothing of it is left but what is in the store.
  void stop();
  bool up() const { return journal_ != nullptr; }

  /// At which point of its work the shard dies next. It is up again after `down_ns`.
  void arm(Fault crash, std::int64_t down_ns) { armed_ = crash, down_ns_ = down_ns; }
  void disarm() { armed_.reset(); }
  bool armed() const { return armed_.has_value(); }
  /// Dies at this point if it is armed or planned.
  bool dies_at(Fault point);
  /// Dies now and restarts later.
  void crash(Fault why, std::int64_t down_ns);
  std::function<void(Node&, Fault)> on_crash;  ///< After the life has ended.
  /// Instead of a restart: the machine on which it is dies with it, and brings it back.
  std::function<void(Node&, std::int64_t down_ns)> on_machine;
  std::function<void(Node&)> on_open;  ///< A life has begun; nothing of it is durable yet.

  void pause(std::int64_t for_ns) { paused_until_ns_ = around_.time.now_ns() + for_ns; }
  bool paused() const { return paused_until_ns_ > around_.time.now_ns(); }
  void jump(std::int64_t by_ns) { clock_ns_ += by_ns; }
  void set_clock() { clock_ns_ = 0; }
  void slow_down(std::int64_t for_ns, int times) { slow_until_ns_ = around_.time.now_ns() + for_ns, slow_ = times; }
  bool full = false;      ///< The edge refuses new requests.
  bool draining = false;  ///< It will move: who comes now waits.

  void deliver(const caf::message& message);
  bool owns(const caf::resumable* job) const {
    return jobs_[0] == job || jobs_[1] == job || jobs_[2] == job || jobs_[3] == job;
  }
  ShardId id() const { return id_; }
  /// The crash before this life; kFaults: there was none.
  std::size_t beginning() const { return beginning_; }
  void note_road() {
    if (fabric_) ++fabric_->roads;
  }
  actors::Fabric::Shard& actors() { return fabric_->shards[id_]; }
  persistence::Store& store() { return *store_; }
  std::unique_ptr<persistence::Store> take_store() { return std::move(store_); }
  void put_store(std::unique_ptr<persistence::Store> store) { store_ = std::move(store); }
  /// What is queued becomes durable, and nobody is told.
  void write_untold() { journal_->commit_untold(); }
  /// With a mirror: recovery finds what a replay of all that was ever written finds. Returns what it found.
  std::optional<persistence::RecoveredShard> check_mirror();
  std::size_t queued() const { return journal_ ? journal_->queued() : 0; }
  persistence::Format format() const { return {persistence::kFormatVersion, id_, around_.options.shards}; }
  std::int64_t now_ns() const { return around_.time.now_ns() + clock_ns_; }

 private:
  bool recover(persistence::RecoveredShard& recovered, std::unique_ptr<persistence::KeyIndex>& keys);
  bool due(Fault point) { return up() && (around_.plan.hits() || armed_ == point); }
  bool dies_in_sync(std::size_t count);
  void begin_sync();
  void end_sync(std::size_t count);
  void on_written(const testing::ManualJournal::Item& item);

  Surroundings& around_;
  Judge& judge_;
  testing::Puppets& puppets_;
  Outlet& outlet_;
  ShardId id_;
  Random random_;

  std::unique_ptr<persistence::Store> store_, mirror_;
  std::unique_ptr<actors::Fabric> fabric_;
  std::unique_ptr<testing::ManualJournal> journal_;
  std::array<const caf::resumable*, 4> jobs_{};
  unsigned life_ = 0;
  std::size_t beginning_ = kFaults;
  bool syncing_ = false;

  std::optional<Fault> armed_;
  std::int64_t down_ns_ = 50'000'000;
  std::int64_t clock_ns_ = 0;
  std::int64_t paused_until_ns_ = 0, slow_until_ns_ = 0;
  int slow_ = 1;
};

}  // namespace kontor::sim
