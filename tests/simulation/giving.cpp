#include "tests/simulation/giving.hpp"

#include <utility>

#include "tests/simulation/copies.hpp"
#include "tests/simulation/member.hpp"

namespace kontor::sim {
namespace {
constexpr std::int64_t kMillisecond = 1'000'000;
}

Giving::Giving(Member& member, std::uint64_t seed) : member_(member), random_(seed, std::uint64_t{600} + member.id()) {}

void Giving::give(ShardId shard, MemberId to) {
  jobs_.push_back({shard, to});
  if (attempt_ == 0) begin();
}

void Giving::crash() {
  jobs_.clear();
  if (attempt_ != 0) member_.node(job_.shard).draining = false;
  attempt_ = 0;
  at_rest_ = false;
  sent_.reset();
}

auto Giving::during_this_try(void (Giving::*then)()) {
  return [this, attempt = attempt_, then] {
    if (attempt_ == attempt) (this->*then)();
  };
}

void Giving::begin() {
  job_ = jobs_.front();
  jobs_.pop_front();
  const Holding& holding = member_.memory().of(job_.shard);
  if (holding.place.member != member_.id() || job_.to == member_.id()) return end();
  ++member_.parts().around.counters.moves_begun;
  attempt_ = random_.next() | 1;  // Never 0.
  epoch_ = holding.place.epoch + 1;
  rounds_left_ = 1 + random_.below(2);
  sent_ = std::make_unique<persistence::MemoryStore>();
  Note offer;
  offer.what = Note::What::offer, offer.shard = job_.shard, offer.epoch = epoch_, offer.attempt = attempt_;
  member_.ask(job_.to, std::move(offer), [this, attempt = attempt_](Errc verdict) {
    if (attempt_ != attempt) return;
    if (verdict != Errc::none) return give_up();
    if (member_.lives_on(job_.shard, MovePoint::offered)) copy_round();
  });
}

/// Under load: the store as it is now.
void Giving::copy_round() { send_changes(*member_.node(job_.shard).store().memory(), &Giving::copied); }

/// All that is not as it was sent last.
void Giving::send_changes(const persistence::MemoryStore& now, void (Giving::*then)()) {
  const auto blocks = changes(*sent_, now);
  *sent_ = now;
  const auto left = std::make_shared<std::size_t>(blocks.size());
  if (blocks.empty()) return (this->*then)();
  for (const auto& block : blocks) {
    Note note;
    note.what = Note::What::block, note.shard = job_.shard, note.attempt = attempt_, note.block = block;
    member_.ask(job_.to, std::move(note), [this, attempt = attempt_, left, then](Errc verdict) {
      if (attempt_ != attempt) return;
      if (verdict != Errc::none) return give_up();
      if (--*left == 0) (this->*then)();
    });
    if (attempt_ == 0) return;  // Given up: the link is gone.
  }
}

void Giving::copied() {
  if (!member_.lives_on(job_.shard, MovePoint::copying)) return;
  auto& time = member_.parts().around.time;
  const bool again = --rounds_left_ > 0;
  member_.node(job_.shard).draining = !again;  // Who comes now waits; what is open goes on for a while.
  time.after(random_.between(0, 20) * kMillisecond, during_this_try(again ? &Giving::copy_round : &Giving::rest));
}

/// What nobody was told yet may be kept or not: as in a crash.
void Giving::rest() {
  at_rest_ = true;
  if (random_.chance(500)) member_.node(job_.shard).write_untold();
  member_.close(job_.shard);
  if (!member_.lives_on(job_.shard, MovePoint::at_rest)) return;
  send_changes(*member_.disk(job_.shard).own->memory(), &Giving::seal);
}

void Giving::seal() {
  Note seal;
  seal.what = Note::What::seal, seal.shard = job_.shard, seal.epoch = epoch_, seal.attempt = attempt_;
  seal.digest = digest(*member_.disk(job_.shard).own->memory());
  member_.ask(job_.to, std::move(seal), [this, attempt = attempt_](Errc verdict) {
    if (attempt_ != attempt) return;
    if (verdict != Errc::none) return give_up();
    // The giver has a thread of its own, and it may be slow to look: the taker may ask meanwhile.
    const std::int64_t late_ns = random_.chance(150) ? random_.between(1, 600) * kMillisecond : 0;
    member_.parts().around.time.after(late_ns, during_this_try(&Giving::decide));
  });
}

void Giving::decide() {
  const auto rule = [to = job_.to, attempt = attempt_](Holding& at) { return kontor::give(at, to, attempt), true; };
  member_.memory().change(
      job_.shard, rule, [this](bool) { given(); }, MovePoint::before_decision);
}

void Giving::given() {
  Member::Disk& disk = member_.disk(job_.shard);
  disk.left = std::move(disk.own);
  ++member_.parts().around.counters.moves_decided;
  member_.announce();
  if (member_.lives_on(job_.shard, MovePoint::told)) end();
}

void Giving::give_up() {
  ++member_.parts().around.counters.moves_given_up;
  attempt_ = 0;
  if (std::exchange(at_rest_, false)) member_.wake(job_.shard);
  end();
}

void Giving::end() {
  member_.node(job_.shard).draining = false;
  attempt_ = 0;
  at_rest_ = false;
  sent_.reset();
  if (!jobs_.empty()) begin();
}

}  // namespace kontor::sim
