#include "actors/cluster/taker.hpp"

#include "actors/cluster/moves.hpp"

namespace kontor::actors {

using persistence::ByteReader;
using persistence::ByteWriter;

Taker::Taker(MoveParts& parts) : parts_(parts), thread_([this] { run(); }) {}

bool Taker::put(Task task) {
  {
    const std::lock_guard guard(mutex_);
    // Each giver has kCopyInFlightMax blocks under way at most.
    if (task.what == Task::What::message && tasks_.size() >= kMembersMax * (kCopyInFlightMax + 1)) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void Taker::take(MemberId from, const wire::Envelope& envelope) {
  Peer& peer = *parts_.peers[from];
  const AskedBy asked = peer.asked_by(envelope.ticket);
  if (!put({Task::What::message, envelope.to, from, envelope.kind, asked, std::string(envelope.body), 0}))
    peer.answer(asked, Error{Errc::overloaded, "moves"});
}
void Taker::arrived(ShardId shard) { put({Task::What::arrived, shard, 0, {}, {}, {}, 0}); }
void Taker::lost(ShardId shard) { put({Task::What::lost, shard, 0, {}, {}, {}, 0}); }
void Taker::settled(ShardId shard) { put({Task::What::settled, shard, 0, {}, {}, {}, 0}); }
void Taker::let_go(ShardId shard, std::uint64_t attempt) { put({Task::What::let_go, shard, 0, {}, {}, {}, attempt}); }

void Taker::run() {
  auto look_at = std::chrono::steady_clock::now() + kAskAgainEvery;
  for (;;) {
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, look_at, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      if (!tasks_.empty()) task = std::move(tasks_.front()), tasks_.pop_front();
    }
    if (task) work(*task);
    const auto now = std::chrono::steady_clock::now();
    if (now < look_at) continue;
    look_at = now + kAskAgainEvery;
    ask_givers();
    for (const auto& route : parts_.routes) route->expire(now);
  }
}

void Taker::work(const Task& task) {
  std::error_code ignored;
  switch (task.what) {
    case Task::What::message: return parts_.peers[task.from]->answer(task.asked, message(task));
    case Task::What::arrived: return open(task.shard);
    case Task::What::lost: return parts_.put_aside(task.shard);
    case Task::What::settled:
      if (!parts_.places.here(task.shard)) std::filesystem::remove_all(parts_.places.left_dir(task.shard), ignored);
      return;
    case Task::What::let_go: return let_go_of(task);
  }
}

void Taker::let_go_of(const Task& task) {
  const Holding holding = parts_.places.holding(task.shard);
  if (holding.place.member == parts_.places.own() || holding.arrival) return;
  const auto it = arriving_.find(task.shard);
  if (it == arriving_.end() || it->second.attempt == task.attempt || it->second.epoch <= holding.place.epoch)
    drop(task.shard);
}

/// What has come of a shard so far. Nothing is promised of it.
void Taker::drop(ShardId shard) {
  arriving_.erase(shard);
  std::error_code ignored;
  std::filesystem::remove_all(parts_.places.arriving_dir(shard), ignored);
}

void Taker::open(ShardId shard) {
  const auto moved = parts_.places.move_dir(parts_.places.arriving_dir(shard), parts_.places.shard_dir(shard));
  if (!moved) parts_.host.fail(parts_.places.shard_dir(shard).string() + ": the shard that came cannot be put there");
  parts_.wake(shard, "a shard that came cannot be opened: ");
}

Error Taker::message(const Task& task) {
  ByteReader in(task.body);
  switch (task.kind) {
    case wire::Kind::offer: return offer(task, in);
    case wire::Kind::block: return block(task, in);
    default: return seal(task, in);
  }
}

/// Whatever came of an earlier try is let go: the giver tries anew, so it did not decide that one so.
Error Taker::offer(const Task& task, ByteReader& in) {
  wire::Offer offer;
  wire::read(in, offer);
  const Holding holding = parts_.places.holding(task.shard);
  const bool right = may_take(holding, parts_.places.own(), {task.from, offer.epoch, offer.attempt});
  if (!in.ok() || !right) return {Errc::invalid_argument, "offer"};
  if (holding.arrival) parts_.refused(task.shard, holding.arrival->attempt);
  drop(task.shard);
  const auto dir = parts_.places.arriving_dir(task.shard);
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return {Errc::io_error, "shard directory"};
  auto file = CopyTarget::create(dir / "data.mdb", offer.bytes);
  if (!file) {
    drop(task.shard);
    return file.error();
  }
  arriving_.emplace(task.shard, Arriving{task.from, offer.epoch, offer.attempt, std::move(*file)});
  return {};
}

Error Taker::block(const Task& task, ByteReader& in) {
  wire::Block block;
  wire::read(in, block);
  const auto it = arriving_.find(task.shard);
  if (!in.ok() || it == arriving_.end() || it->second.from != task.from || it->second.attempt != block.attempt)
    return {Errc::invalid_argument, "block"};
  const Error error = it->second.file.write(block.number, block.data).error();
  if (error.code != Errc::none) drop(task.shard);
  return error;
}

Error Taker::seal(const Task& task, ByteReader& in) {
  wire::Seal seal;
  wire::read(in, seal);
  const auto it = arriving_.find(task.shard);
  if (!in.ok() || it == arriving_.end() || it->second.from != task.from || it->second.attempt != seal.attempt ||
      it->second.epoch != seal.epoch)
    return {Errc::invalid_argument, "seal"};
  const Error error = keep(task, it->second.file, seal);
  if (error.code == Errc::none)
    arriving_.erase(it);  // From now on it is the promise's.
  else
    drop(task.shard);
  return error;
}

Error Taker::keep(const Task& task, CopyTarget& file, const wire::Seal& seal) {
  const auto digest = file.finish(seal.bytes);
  if (!digest) return digest.error();
  if (*digest != seal.digest) return {Errc::io_error, "what came is not what was sent"};
  const auto dir = parts_.places.arriving_dir(task.shard);
  if (!parts_.places.sync_dir(dir) || !parts_.places.sync_dir(dir.parent_path()))
    return {Errc::io_error, "shard directory"};
  return parts_.promised(task.shard, {task.from, seal.epoch, seal.attempt});
}

/// What became of the tries that are open here: of what is promised and not decided, and of what is half here, as a
/// giver that gives up does not say so.
void Taker::ask_givers() {
  for (ShardId shard = 0; shard < parts_.places.shards(); ++shard) {
    if (const auto arrival = parts_.places.holding(shard).arrival) ask_giver(shard, *arrival);
    const auto it = arriving_.find(shard);
    if (it == arriving_.end()) continue;
    const Arriving& half = it->second;
    if (parts_.peers[half.from]->connected())
      ask_giver(shard, {half.from, half.epoch, half.attempt});
    else
      drop(shard);
  }
}

void Taker::ask_giver(ShardId shard, const Arrival& arrival) {
  ByteWriter out;
  wire::write(out, wire::Whose{arrival.epoch, arrival.attempt});
  parts_.peers[arrival.from]->ask(shard, wire::Kind::whose, out.view(),
                                  [this, shard, attempt = arrival.attempt](const Reply* reply, NoReply) {
                                    if (verdict_in(reply).code == Errc::not_found) {
                                      const auto promised = parts_.places.holding(shard).arrival;
                                      if (promised && promised->attempt == attempt) parts_.refused(shard, attempt);
                                      let_go(shard, attempt);
                                    }
                                    return true;  // A yes comes as a place, before this.
                                  });
}

void Taker::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace kontor::actors
