#include "tests/simulation/memory.hpp"

#include <utility>

namespace kontor::sim {

Memory::Memory(Surroundings& around, MemberId own, std::vector<Holding> beginning)
    : around_(around), random_(around.options.seed, std::uint64_t{300} + own), holdings_(std::move(beginning)) {}

std::vector<Place> Memory::places() const {
  std::vector<Place> out;
  for (const Holding& holding : holdings_) out.push_back(holding.place);
  return out;
}

void Memory::change(ShardId shard, Rule rule, Then then, std::optional<MovePoint> before) {
  changes_.push_back({shard, std::move(rule), std::move(then), before});
  if (changes_.size() == 1) begin();
}

void Memory::crash() {
  ++life_;
  changes_.clear();
}

void Memory::begin() {
  while (!changes_.empty()) {
    Holding next = holdings_[changes_.front().shard];
    if (changes_.front().rule(next)) {
      const std::int64_t usual_ns = around_.options.disk_us * 1'000;
      around_.time.after(random_.between(usual_ns / 2, usual_ns * 2), [this, life = life_, next] {
        if (life == life_) end(next);
      });
      return;
    }
    const std::uint64_t life = life_;
    const Then then = std::move(changes_.front().then);
    then(false);
    if (life != life_) return;
    changes_.pop_front();
  }
}

void Memory::end(const Holding& next) {
  const std::uint64_t life = life_;
  const Change change = std::move(changes_.front());
  if (change.before) on_point(change.shard, *change.before);
  if (life != life_) return;
  holdings_[change.shard] = next;
  on_written(change.shard, next);
  if (change.before) on_point(change.shard, static_cast<MovePoint>(static_cast<int>(*change.before) + 1));
  if (life != life_) return;
  change.then(true);
  if (life != life_) return;
  changes_.pop_front();
  begin();
}

}  // namespace kontor::sim
