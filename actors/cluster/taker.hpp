#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "actors/cluster/file_copy.hpp"
#include "actors/cluster/peer.hpp"
#include "actors/cluster/wire_moves.hpp"

namespace kontor::actors {

struct MoveParts;

/// Takes shards that other members give, on a thread of its own: the taker's part of domain/handover.hpp.
class Taker {
 public:
  explicit Taker(MoveParts& parts);
  ~Taker() { stop(); }

  /// What a giver sent; it is told when too much waits.
  void take(MemberId from, const wire::Envelope& envelope);
  /// The decision came, and is durable: the shard is opened.
  void arrived(ShardId shard);
  /// This node has it no more, though nobody gave it away here.
  void lost(ShardId shard);
  /// Another member has it, durably: a copy that is left here is not needed.
  void settled(ShardId shard);
  /// What came by this try (0: by any that is too old by now) is not needed, unless it is promised.
  void let_go(ShardId shard, std::uint64_t attempt = 0);
  void stop();

 private:
  struct Task {
    enum class What : std::uint8_t { message, arrived, lost, settled, let_go } what = What::message;
    ShardId shard = 0;
    MemberId from = 0;
    wire::Kind kind = wire::Kind::offer;
    AskedBy asked;
    std::string body;
    std::uint64_t attempt = 0;
  };
  /// What comes and is not promised yet.
  struct Arriving {
    MemberId from = 0;
    std::uint64_t epoch = 0, attempt = 0;
    CopyTarget file;
  };
  bool put(Task task);
  void run();
  void work(const Task& task);
  void open(ShardId shard);
  void let_go_of(const Task& task);
  void drop(ShardId shard);
  Error message(const Task& task);
  Error offer(const Task& task, persistence::ByteReader& in);
  Error block(const Task& task, persistence::ByteReader& in);
  Error seal(const Task& task, persistence::ByteReader& in);
  Error keep(const Task& task, CopyTarget& file, const wire::Seal& seal);
  void ask_givers();
  void ask_giver(ShardId shard, const Arrival& arrival);

  MoveParts& parts_;
  std::map<ShardId, Arriving> arriving_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kontor::actors
