// What an engine does when a shard of its comes or goes while it is open: in a cluster only.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "actors/cluster/limits.hpp"
#include "actors/engine_impl.hpp"

namespace kontor {
namespace {

constexpr int kJournalFailedExit = 74;  // EX_IOERR of sysexits.h

[[noreturn]] void end_process(const std::string& explanation) {
  std::fprintf(stderr,
               "kontor: journal failed: %s\nkontor: the outcome of the last write is unknown; stopping. "
               "Recovery decides when the directory is opened again.\n",
               explanation.c_str());
  std::_Exit(kJournalFailedExit);
}

}  // namespace

void Engine::Impl::fail(const std::string& explanation) {
  if (options.on_fatal) options.on_fatal(explanation);
  end_process(explanation);
}

void Engine::Impl::rest(ShardId id, const std::function<std::size_t()>& waiting) {
  std::shared_ptr<actors::Shard> shard;
  for (const auto& each : open_shards())
    if (each->id() == id) shard = each;
  if (!shard) return;
  actors::Fabric::Shard& at = fabric->shards[id];
  const auto until = std::chrono::steady_clock::now() + actors::kRestMax;
  while (at.open_transactions > waiting() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  shard->settled(actors::kRestMax);
  // Its callers are told before its actors end, though this process stand still meanwhile.
  while (!shard->give_up(actors::kRestMax)) {
  }
  {
    const std::lock_guard guard(shards_mutex);
    std::erase(shards, shard);
  }
  shard->stop();
  shard->await_end();
  at.gathered = 0, at.in_doubt = 0, at.in_doubt_since_ns = 0, at.reservations = 0, at.keys_kept = 0;
  // Others may look at its journal for a moment still.
  while (shard.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

Result<void> Engine::Impl::wake(ShardId id, std::string* explanation) {
  auto opened = open_shard(id, fabric->size(), explanation);
  if (!opened) return opened.error();
  const auto shard = std::move(*opened);
  shard->spawn(*system, *fabric);
  shard->start();
  const std::lock_guard guard(shards_mutex);
  const auto after = std::find_if(shards.begin(), shards.end(), [&](const auto& each) { return each->id() > id; });
  shards.insert(after, shard);
  return {};
}

bool Engine::Impl::awake(ShardId id) const {
  const auto open = open_shards();
  return std::any_of(open.begin(), open.end(), [&](const auto& each) { return each->id() == id; });
}

}  // namespace kontor
