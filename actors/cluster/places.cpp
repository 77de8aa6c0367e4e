#include "actors/cluster/places.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "persistence/directory_lock.hpp"

namespace kontor::actors {
namespace fs = std::filesystem;

namespace {

bool is_there(const fs::path& dir) {
  std::error_code ignored;
  return fs::exists(dir / "data.mdb", ignored);
}

}  // namespace

Places::Places(MemberId own, std::size_t members, std::uint16_t shards, bool joins)
    : own_(own), holdings_(shards), members_(shards) {
  for (ShardId shard = 0; shard < shards; ++shard) {
    if (!joins) holdings_[shard].place = {static_cast<MemberId>(shard % members), kFirstEpoch, 0};
    members_[shard] = holdings_[shard].place.member;
  }
}

Result<void> Places::open(const fs::path& dir, std::string* explanation) {
  dir_ = dir;
  auto store = persistence::PlacementStore::open(dir, explanation);
  if (!store) return store.error();
  store_ = std::move(*store);
  const auto loaded = store_->load(holdings_);
  if (!loaded) {
    const bool other = loaded.code() == Errc::incompatible_format;
    if (explanation)
      *explanation = (dir / "placement").string() +
                     (other ? ": the cluster was made with another number of shards" : ": it cannot be read");
    return loaded.error();
  }
  // Who the members are may change later; who had what in the beginning may not.
  if (!*loaded && !store_->save(holdings_)) return Error{Errc::io_error, "placement"};
  for (ShardId shard = 0; shard < shards(); ++shard) {
    members_[shard] = holdings_[shard].place.member;
    if (auto ordered = put_in_order(shard, explanation); !ordered) return ordered;
  }
  return {};
}

Result<void> Places::put_in_order(ShardId shard, std::string* explanation) {
  const fs::path at = shard_dir(shard), arriving = arriving_dir(shard);
  const Tidying tidying = tidy(holdings_[shard], own_, {is_there(at), is_there(arriving)});
  std::error_code ignored;
  if (tidying.drop) fs::remove_all(arriving, ignored);
  if (tidying.leave) return move_dir(at, left_dir(shard));
  if (tidying.bring) return move_dir(arriving, at);
  if (!tidying.missing) return {};
  if (explanation) *explanation = at.string() + ": this shard is this node's, and it is not there";
  return Error{Errc::corrupt_journal, "shard"};
}

Holding Places::holding(ShardId shard) const {
  const std::lock_guard guard(mutex_);
  return holdings_[shard];
}

std::vector<Place> Places::all() const {
  const std::lock_guard guard(mutex_);
  std::vector<Place> out;
  for (const Holding& holding : holdings_) out.push_back(holding.place);
  return out;
}

/// With the mutex held.
bool Places::save(ShardId shard, const Holding& holding) {
  std::vector<Holding> next = holdings_;
  next[shard] = holding;
  if (!store_->save(next)) return false;
  holdings_ = std::move(next);
  members_[shard] = holding.place.member;
  return true;
}

Places::Promised Places::promise(ShardId shard, const Arrival& arrival) {
  const std::lock_guard guard(mutex_);
  Holding next = holdings_[shard];
  if (!kontor::promise(next, own_, arrival)) return {};
  return {true, save(shard, next)};
}

Places::Given Places::give(ShardId shard, MemberId to, std::uint64_t attempt, std::uint64_t epoch) {
  const std::lock_guard guard(mutex_);
  Holding next = holdings_[shard];
  if (next.place.member != own_ || next.place.epoch + 1 != epoch) return {};
  kontor::give(next, to, attempt);
  return {true, save(shard, next)};
}

Places::Heard Places::learn(ShardId shard, const Place& place) {
  const std::lock_guard guard(mutex_);
  Holding next = holdings_[shard];
  const Learned learned = kontor::learn(next, own_, place);
  if (learned == Learned::nothing) return {};
  return {learned, save(shard, next)};
}

bool Places::release(ShardId shard, std::uint64_t attempt) {
  const std::lock_guard guard(mutex_);
  Holding next = holdings_[shard];
  return !kontor::release(next, attempt) || save(shard, next);
}

fs::path Places::shard_dir(ShardId shard) const { return persistence::shard_dir(dir_, shard); }
fs::path Places::arriving_dir(ShardId shard) const { return shard_dir(shard) += ".arriving"; }
fs::path Places::left_dir(ShardId shard) const { return shard_dir(shard) += ".left"; }

bool Places::sync_dir(const fs::path& dir) {
  const int descriptor = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return synced;
}

Result<void> Places::move_dir(const fs::path& from, const fs::path& to) const {
  std::error_code failed;
  fs::remove_all(to, failed);
  fs::rename(from, to, failed);
  if (failed || !sync_dir(dir_)) return Error{Errc::io_error, "shard directory"};
  return {};
}

}  // namespace kontor::actors
