#include "actors/doubts.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace kontor::actors {
namespace {

/// A list that is being gathered. The smallest of every shard hold the smallest of all. It is told when nobody is left
/// who could add to it: a shard that moves away drops what it was asked, and a node may have no shard at all.
class Gathering {
 public:
  Gathering(std::size_t most, OnRead<DoubtPage> then) : most_(most), then_(std::move(then)) {}
  ~Gathering() { tell(); }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  void add(const Result<DoubtPage>& page) {
    const std::lock_guard guard(mutex_);
    if (!page) error_ = page.error();
    if (!page) return;
    more_ = more_ || page->more;
    for (const Doubt& doubt : page->doubts) merge(doubt);
  }

 private:
  void merge(const Doubt& doubt) {
    const auto [it, fresh] = doubts_.emplace(doubt.transaction, doubt);
    if (fresh) return;
    Doubt& known = it->second;
    known.here |= doubt.here, known.voters |= doubt.voters;
    if (known.since_ns == 0 || (doubt.since_ns != 0 && doubt.since_ns < known.since_ns))
      known.since_ns = doubt.since_ns;
  }

  void tell() {
    if (error_.code != Errc::none) return then_(error_);
    DoubtPage page;
    page.more = more_ || doubts_.size() > most_;
    for (const auto& [unused, doubt] : doubts_) {
      if (page.doubts.size() == most_) break;
      page.doubts.push_back(doubt);
    }
    then_(page);
  }

  std::mutex mutex_;
  const std::size_t most_;
  const OnRead<DoubtPage> then_;
  std::map<TransactionId, Doubt> doubts_;
  bool more_ = false;
  Error error_;
};

/// Several shards ask for the end of one transaction. The first one that knows it tells it; else it is as above.
class Asking {
 public:
  explicit Asking(OnRead<bool> then) : then_(std::move(then)) {}
  ~Asking() {
    if (!told_) then_(error_);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  void add(const Result<bool>& end) {
    const std::lock_guard guard(mutex_);
    if (told_) return;
    if (!end && end.code() != Errc::not_found) error_ = end.error();
    if (!end) return;
    told_ = true;
    then_(end);
  }

 private:
  std::mutex mutex_;
  const OnRead<bool> then_;
  bool told_ = false;
  Error error_{Errc::not_found, "it is not in doubt on this node"};
};

}  // namespace

void read_doubts(const Fabric& fabric, const std::vector<ShardId>& own, const std::optional<TransactionId>& from,
                 std::size_t most, OnRead<DoubtPage> then) {
  const auto gathering = std::make_shared<Gathering>(most, std::move(then));
  for (const ShardId shard : own)
    caf::anon_send(fabric.shards[shard].coordinator,
                   ReadDoubts{from, most, [gathering](const Result<DoubtPage>& page) { gathering->add(page); }});
}

void resolve_doubt(const Fabric& fabric, const std::vector<ShardId>& own, const TransactionId& transaction,
                   OnRead<bool> then) {
  const auto asking = std::make_shared<Asking>(std::move(then));
  for (const ShardId shard : own)
    caf::anon_send(fabric.shards[shard].coordinator,
                   ResolveDoubt{transaction, [asking](const Result<bool>& end) { asking->add(end); }});
}

}  // namespace kontor::actors
