#include "tests/simulation/taking.hpp"

#include "tests/simulation/copies.hpp"
#include "tests/simulation/member.hpp"

namespace kontor::sim {
namespace {
constexpr std::int64_t kAskAgainEveryNs = 500'000'000;
}

/// Whatever came of an earlier try is let go: the giver tries anew, so it did not decide that one so.
void Taking::offer(MemberId from, const Note& note) {
  const auto taken = std::make_shared<bool>(false);
  const auto rule = [own = member_.id(), offered = Arrival{from, note.epoch, note.attempt}, taken](Holding& at) {
    *taken = may_take(at, own, offered);
    return *taken && at.arrival && release(at, at.arrival->attempt);
  };
  member_.memory().change(note.shard, rule, [this, from, note, taken](bool released) {
    if (released) member_.note_road();
    if (!*taken) return member_.answer(from, note.ticket, Errc::invalid_argument);
    arriving_[note.shard] = {from, note.epoch, note.attempt};
    member_.disk(note.shard).arriving = persistence::Store::in_memory();
    member_.answer(from, note.ticket, Errc::none);
  });
}

bool Taking::is_arriving(MemberId from, const Note& note) const {
  const auto it = arriving_.find(note.shard);
  return it != arriving_.end() && it->second.from == from && it->second.attempt == note.attempt;
}

void Taking::block(MemberId from, const Note& note) {
  if (!is_arriving(from, note)) return member_.answer(from, note.ticket, Errc::invalid_argument);
  apply(*member_.disk(note.shard).arriving->memory(), *note.block);
  member_.answer(from, note.ticket, Errc::none);
}

void Taking::seal(MemberId from, const Note& note) {
  if (!is_arriving(from, note) || arriving_[note.shard].epoch != note.epoch)
    return member_.answer(from, note.ticket, Errc::invalid_argument);
  arriving_.erase(note.shard);
  if (digest(*member_.disk(note.shard).arriving->memory()) != note.digest)
    return member_.answer(from, note.ticket, Errc::io_error);
  const auto rule = [own = member_.id(), arrival = Arrival{from, note.epoch, note.attempt}](Holding& at) {
    return promise(at, own, arrival);
  };
  const auto told = [this, from, ticket = note.ticket](bool promised) {
    member_.answer(from, ticket, promised ? Errc::none : Errc::invalid_argument);
  };
  member_.memory().change(note.shard, rule, told, MovePoint::before_promise);
}

void Taking::ask_givers() {
  auto& around = member_.parts().around;
  around.time.after(kAskAgainEveryNs, [this, life = member_.life()] {
    if (member_.up() && member_.life() == life) ask_givers();
  });
  for (ShardId shard = 0; shard < around.options.shards; ++shard) {
    const auto arrival = member_.memory().of(shard).arrival;
    if (!arrival) continue;
    Note whose;
    whose.what = Note::What::whose, whose.shard = shard;
    whose.epoch = arrival->epoch, whose.attempt = arrival->attempt;
    member_.ask(arrival->from, std::move(whose), [this, shard, attempt = arrival->attempt](Errc verdict) {
      if (verdict != Errc::not_found) return;  // A yes comes as a place, before this.
      member_.memory().change(
          shard, [attempt](Holding& at) { return release(at, attempt); },
          [this](bool released) {
            if (released) member_.note_road();
          });
    });
  }
}

}  // namespace kontor::sim
