#include "tests/simulation/members.hpp"

#include <algorithm>
#include <array>

namespace kontor::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kPlannedDownNs = 50 * kMillisecond;

/// As a cluster is made: each member has one shard, those that join later none.
std::vector<Holding> beginning(std::uint16_t shards) {
  std::vector<Holding> out(shards);
  for (ShardId shard = 0; shard < shards; ++shard) out[shard].place = {shard, kFirstEpoch, 0};
  return out;
}

}  // namespace

Members::Members(Surroundings& around, Judge& judge, std::vector<std::unique_ptr<Node>>& nodes, Network& network)
    : around_(around),
      random_(around.options.seed, 200),
      rules_(around.options.machines(), beginning(around.options.shards)),
      links_(around, network, around.options.machines()),
      parts_{around, judge,
             nodes,  links_,
             rules_, [this](MemberId member, ShardId shard, MovePoint point) { reached(member, shard, point); }},
      dooms_(around.options.shards) {
  for (MemberId id = 0; id < around.options.machines(); ++id)
    members_.push_back(std::make_unique<Member>(parts_, id, beginning(around.options.shards)));
  links_.on_up = [this](MemberId own, MemberId peer) { members_[own]->linked(peer); };
  links_.on_down = [this](MemberId own, MemberId peer) { members_[own]->unlinked(peer); };
  links_.on_note = [this](MemberId own, MemberId peer, const Note& note) { members_[own]->take(peer, note); };
  for (unsigned i = 0; i < around.options.moves; ++i) due_.push_back(random_.index(around.options.operations));
  std::sort(due_.rbegin(), due_.rend());
}

void Members::begin() {
  for (const auto& member : members_) member->begin();
  links_.connect_all();
}

std::optional<MemberId> Members::where(ShardId shard) const {
  for (const auto& member : members_)
    if (member->has_open(shard)) return member->id();
  return {};
}

// --- What goes on.

void Members::pump(std::size_t asked) {
  for (; !due_.empty() && due_.back() < asked; due_.pop_back()) {
    ++planned_;
    around_.time.after(random_.between(0, 5'000'000), [this] { --planned_, move_one(); });
  }
}

void Members::move_one() {
  const auto shard = static_cast<ShardId>(random_.index(around_.options.shards));
  const auto to = static_cast<MemberId>(random_.index(members_.size()));
  const bool hit = random_.chance(400);
  const auto from = where(shard);
  if (!from || !members_[*from]->give(shard, to)) return;
  around_.trace.add(around_.time.now_ns(), "move ", shard, Trace::kNowhere, to, [&] {
    return "shard " + std::to_string(shard) + " from member " + std::to_string(*from) + " to " + std::to_string(to);
  });
  if (hit && !healed_) doom(shard, *from, to);
  if (around_.options.on(Fault::link_lost) && random_.chance(300))
    around_.time.after(random_.between(0, 40) * kMillisecond, [this, from = *from, to] {
      if (!healed_) links_.lose(from, to);
    });
  if (around_.options.on(Fault::member_killed) && random_.chance(150))
    around_.time.after(random_.between(0, 60) * kMillisecond, [this, id = random_.index(members_.size())] {
      if (healed_ || !members_[id]->up()) return;
      around_.happened(Fault::member_killed);
      members_[id]->crash(down_ns());
    });
}

void Members::doom(ShardId shard, MemberId giver, MemberId taker) {
  constexpr std::array kKinds = {Fault::move_giver_killed, Fault::move_taker_killed, Fault::move_both_killed};
  const Fault kind = kKinds[random_.index(kKinds.size())];
  const auto point = static_cast<MovePoint>(random_.index(kMovePoints));
  if (!around_.options.on(kind)) return;
  Doom doom{point, {giver, taker}, kind};
  if (kind == Fault::move_giver_killed) doom.members = {giver};
  if (kind == Fault::move_taker_killed) doom.members = {taker};
  dooms_[shard] = std::move(doom);
}

/// Who is at the point dies if that is planned, and so do those who are to, whoever is there.
void Members::reached(MemberId member, ShardId shard, MovePoint point) {
  if (around_.plan.hits()) return members_[member]->crash(kPlannedDownNs);
  if (healed_ || !dooms_[shard] || dooms_[shard]->point != point) return;
  const Doom doom = std::move(*dooms_[shard]);
  dooms_[shard].reset();
  around_.happened(doom.kind);
  for (const MemberId each : doom.members) members_[each]->crash(down_ns());
}

void Members::crash_machine_of(ShardId shard, std::int64_t down_ns) {
  if (const auto member = where(shard)) members_[*member]->crash(down_ns);
}

void Members::heal() {
  healed_ = true;
  links_.heal();
}

bool Members::quiet() const {
  return planned_ == 0 && links_.quiet() &&
         std::all_of(members_.begin(), members_.end(), [](const auto& member) { return member->idle(); }) &&
         rules_.at_the_end().empty();
}

void Members::must_agree() {
  const std::string wrong = rules_.at_the_end();
  parts_.judge.must(wrong.empty(), [&] { return wrong; });
}

std::string Members::unrest() const {
  if (const std::string wrong = rules_.at_the_end(); !wrong.empty()) return wrong;
  for (const auto& member : members_)
    if (!member->idle()) return "member " + std::to_string(member->id()) + " is not idle";
  return "a link is not quiet";
}

// --- Where messages go.

bool Members::find(Parcel& parcel) {
  const auto from = where(parcel.from);
  if (!from) return false;
  const Member& sender = *members_[*from];
  const Holding& to = sender.memory().of(parcel.to);
  parcel.leaves = *from;
  parcel.epoch = sender.memory().of(parcel.from).place.epoch;
  parcel.life = sender.life();
  switch (way(to, *from)) {
    case Way::here: parcel.arrives = *from; return true;
    case Way::wait: return false;
    case Way::away: parcel.arrives = to.place.member; return true;
  }
  return false;
}

bool Members::takes(const Parcel& parcel) const {
  const Member& at = *members_[parcel.arrives];
  if (!at.up() || !at.has_open(parcel.to)) return false;
  if (parcel.leaves == parcel.arrives) return at.life() == parcel.life;  // Its mailboxes died with it.
  if (!speaks_for(at.memory().of(parcel.from).place, parcel.leaves)) return false;
  const std::string wrong = rules_.on_taken(at.id(), parcel.from, parcel.leaves, parcel.epoch);
  parts_.judge.must(wrong.empty(), [&] { return wrong; });
  return true;
}

}  // namespace kontor::sim
