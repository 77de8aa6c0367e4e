#include "tests/simulation/member.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/copies.hpp"

namespace kontor::sim {
namespace {
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSkewNs = 300'000 * kMillisecond;
constexpr std::int64_t kAnswerMaxNs = 4'000 * kMillisecond;
}  // namespace

Member::Member(MemberParts& parts, MemberId id, const std::vector<Holding>& beginning)
    : parts_(parts),
      id_(id),
      random_(parts.around.options.seed, std::uint64_t{500} + id),
      memory_(parts.around, id, beginning),
      disks_(beginning.size()),
      open_(beginning.size()),
      giving_(*this, parts.around.options.seed),
      taking_(*this) {
  memory_.on_point = [this](ShardId shard, MovePoint point) { parts_.on_point(id_, shard, point); };
  memory_.on_written = [this](ShardId shard, const Holding& now) {
    const std::string wrong = parts_.rules.on_written(id_, shard, now);
    parts_.judge.must(wrong.empty(), [&] { return wrong; });
  };
}

bool Member::idle() const { return up_ && memory_.idle() && giving_.idle() && questions_.empty(); }

bool Member::lives_on(ShardId shard, MovePoint point) {
  const std::uint64_t life = life_;
  parts_.on_point(id_, shard, point);
  return life == life_ && up_;
}

// --- Its lives.

void Member::begin() {
  for (ShardId shard = 0; shard < shards(); ++shard)
    if (memory_.of(shard).place.member == id_) disks_[shard].own = node(shard).take_store();
  start();
}

void Member::start() {
  up_ = true;
  ++life_;
  for (ShardId shard = 0; shard < shards() && up_; ++shard) {
    tidy_up(shard);
    if (memory_.of(shard).place.member == id_ && disks_[shard].own) open(shard);
  }
  parts_.links.started(id_);
  taking_.ask_givers();
}

/// What a start makes of what lies on its disk.
void Member::tidy_up(ShardId shard) {
  Disk& disk = disks_[shard];
  const Tidying tidying = tidy(memory_.of(shard), id_, {disk.own != nullptr, disk.arriving != nullptr});
  if (tidying.leave) disk.left = std::move(disk.own);
  if (tidying.drop) disk.arriving.reset();
  if (tidying.bring) disk.own = std::move(disk.arriving);
  parts_.judge.must(!tidying.missing, [&] {
    return "shard " + std::to_string(shard) + " is member " + std::to_string(id_) + "'s, and it is not there";
  });
}

void Member::crash(std::int64_t down_ns) {
  if (!up_) return;
  parts_.around.trace.add(parts_.around.time.now_ns(), "member dies ", Trace::kNowhere, Trace::kNowhere, id_,
                          [&] { return std::to_string(id_); });
  up_ = false;
  ++life_;
  for (ShardId shard = 0; shard < shards(); ++shard)
    if (open_[shard]) close(shard);
  memory_.crash();
  giving_.crash();
  taking_.crash();
  questions_.clear();
  parts_.links.died(id_);
  parts_.around.time.after(down_ns, [this, life = life_] {
    if (!up_ && life_ == life) start();
  });
}

void Member::open(ShardId shard) {
  Disk& disk = disks_[shard];
  const std::string wrong = parts_.rules.on_opened(id_, shard, digest(*disk.own->memory()));
  parts_.judge.must(wrong.empty(), [&] { return wrong; });
  if (parts_.judge.failed()) return;
  open_[shard] = true;
  node(shard).put_store(std::move(disk.own));
  node(shard).start();
}

void Member::wake(ShardId shard) {
  open(shard);
  note_road();
  announce();
}

void Member::close(ShardId shard) {
  node(shard).stop();
  disks_[shard].own = node(shard).take_store();
  open_[shard] = false;
  parts_.rules.on_closed(shard, digest(*disks_[shard].own->memory()));
}

// --- What it says and hears.

void Member::ask(MemberId to, Note note, std::function<void(Errc)> then) {
  const std::uint64_t ticket = note.ticket = ++tickets_;
  questions_[ticket] = {to, std::move(then)};
  if (!parts_.links.send(id_, to, std::move(note))) return reply(ticket, Errc::shard_unreachable);
  parts_.around.time.after(kAnswerMaxNs, [this, life = life_, ticket] {
    if (life_ == life) reply(ticket, Errc::shard_unreachable);
  });
}

void Member::reply(std::uint64_t ticket, Errc verdict) {
  const auto question = questions_.extract(ticket);
  if (question) question.mapped().then(verdict);
}

void Member::answer(MemberId to, std::uint64_t ticket, Errc verdict) {
  Note note;
  note.what = Note::What::verdict, note.ticket = ticket, note.verdict = verdict;
  parts_.links.send(id_, to, std::move(note));
}

void Member::announce(MemberId to) {
  Note note;
  note.places = memory_.places();
  const std::string wrong = parts_.rules.on_told(id_, note.places);
  parts_.judge.must(wrong.empty(), [&] { return wrong; });
  parts_.links.send(id_, to, std::move(note));
}

void Member::announce() {
  for (MemberId member = 0; member < parts_.around.options.machines(); ++member)
    if (member != id_) announce(member);
}

void Member::linked(MemberId peer) {
  announce(peer);
  note_road();
}

/// As a node's fabric counts them: what its shards have asked is asked again.
void Member::note_road() {
  for (ShardId shard = 0; shard < shards(); ++shard)
    if (open_[shard]) node(shard).note_road();
}

void Member::unlinked(MemberId peer) {
  std::vector<std::uint64_t> lost;
  for (const auto& [ticket, question] : questions_)
    if (question.of == peer) lost.push_back(ticket);
  for (const std::uint64_t ticket : lost) reply(ticket, Errc::shard_unreachable);
}

bool Member::give(ShardId shard, MemberId to) {
  if (!up_ || !open_[shard] || to == id_) return false;
  giving_.give(shard, to);
  return true;
}

void Member::take(MemberId from, const Note& note) {
  if (!up_) return;
  switch (note.what) {
    case Note::What::places: return take_places(from, note.places);
    case Note::What::offer: return taking_.offer(from, note);
    case Note::What::block: return taking_.block(from, note);
    case Note::What::seal: return taking_.seal(from, note);
    case Note::What::whose: return take_whose(from, note);
    case Note::What::verdict: return reply(note.ticket, note.verdict);
  }
}

void Member::take_places(MemberId from, const std::vector<Place>& places) {
  for (ShardId shard = 0; shard < shards(); ++shard) {
    const auto what = std::make_shared<Learned>(Learned::nothing);
    const auto rule = [own = id_, heard = places[shard], what](Holding& at) {
      *what = learn(at, own, heard);
      return *what != Learned::nothing;
    };
    memory_.change(
        shard, rule,
        [this, from, shard, heard = places[shard], what](bool) {
          const std::uint64_t life = life_;
          learned(from, shard, heard, *what);
          if (shard + 1 == shards() && life == life_) note_road();
        },
        MovePoint::before_learned);
  }
}

void Member::learned(MemberId from, ShardId shard, const Place& heard, Learned what) {
  Disk& disk = disks_[shard];
  if (what == Learned::here) {
    disk.own = std::move(disk.arriving);
    parts_.judge.must(disk.own != nullptr, [&] {
      return "shard " + std::to_string(shard) + " came to member " + std::to_string(id_) + ", and is not there";
    });
    if (parts_.judge.failed()) return;
    // The machine has a clock of its own.
    if (parts_.around.options.on(Fault::clock_skew)) node(shard).jump(random_.between(-kSkewNs, kSkewNs));
    wake(shard);
    ++parts_.around.counters.moves_done;
    (void)lives_on(shard, MovePoint::opened);
    return;
  }
  if (what == Learned::lost) {
    if (open_[shard]) close(shard);
    disk.left = std::move(disk.own);
  }
  if (heard.member == from && memory_.of(shard).place.member != id_) disk.left.reset();
}

void Member::take_whose(MemberId from, const Note& note) {
  const std::uint64_t trying = giving_.trying();
  const auto told = std::make_shared<Answer>(Answer::later);
  // It is looked at when what is being written has been.
  const auto rule = [from, trying, told, promised = Arrival{id_, note.epoch, note.attempt}](Holding& at) {
    *told = kontor::answer(at, from, promised, trying);
    return false;
  };
  memory_.change(note.shard, rule, [this, from, ticket = note.ticket, told](bool) {
    if (*told == Answer::yes) announce(from);
    answer(from, ticket,
           *told == Answer::yes  ? Errc::none
           : *told == Answer::no ? Errc::not_found
                                 : Errc::request_in_progress);
  });
}

}  // namespace kontor::sim
