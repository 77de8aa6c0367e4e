// A shard changes its owner: every order of messages, losses, repeats and crashes of three members, step by step.
#include "domain/handover.hpp"

#include <array>
#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include "tests/support/catch.hpp"

namespace kontor {
namespace {

constexpr std::size_t kMembers = 3;

/// What the shard holds is one number, which whoever has it open may raise; a copy is as old as it is.
struct Member {
  Holding holding;
  std::uint8_t data = 0;       // Of the shard here, or of what arrived.
  bool open = false;           // Serves it.
  std::uint8_t trying_to = 0;  // Whom it is giving it to, + 1.
  std::uint64_t trying = 0;
  auto key() const {
    return std::tuple(holding.place.member, holding.place.epoch, holding.place.attempt, holding.arrival.has_value(),
                      holding.arrival ? holding.arrival->from : MemberId{0},
                      holding.arrival ? holding.arrival->epoch : 0, holding.arrival ? holding.arrival->attempt : 0,
                      data, open, trying_to, trying);
  }
  bool operator<(const Member& other) const { return key() < other.key(); }
};

/// Messages are never removed: each may come at any time, any number of times, or never.
struct Message {
  enum class What : std::uint8_t { seal, vote, place, whose, no } what = What::seal;
  MemberId from = 0, to = 0;
  std::uint64_t epoch = 0, attempt = 0;
  MemberId member = 0;    // Of a place.
  std::uint8_t data = 0;  // Of a seal: the copy that came before it.
  auto operator<=>(const Message&) const = default;
};

struct World {
  std::array<Member, kMembers> members;
  std::set<Message> messages;
  std::uint64_t attempts = 0;
  std::uint8_t crashes = 0, writes = 0;
  bool operator<(const World& other) const {
    return std::tie(members, messages, attempts, crashes, writes) <
           std::tie(other.members, other.messages, other.attempts, other.crashes, other.writes);
  }
};

struct Bounds {
  std::uint64_t attempts;
  std::uint8_t crashes, writes;
};

/// All states that follow from `world` by one step.
class Steps {
 public:
  Steps(const World& world, const Bounds& bounds) : world_(world), bounds_(bounds) {
    for (MemberId own = 0; own < kMembers; ++own) member_steps(own);
    for (const Message& message : world.messages) receive(message);
  }
  std::vector<World> next;

 private:
  void member_steps(MemberId own) {
    const Member& member = world_.members[own];
    if (member.open && world_.writes < bounds_.writes) step([&](World& w) { ++w.members[own].data, ++w.writes; });
    if (member.open && world_.attempts < bounds_.attempts)
      for (MemberId to = 0; to < kMembers; ++to)
        if (to != own) step([&](World& w) { begin(w, own, to); });
    if (member.trying != 0) step([&](World& w) { abandon(w.members[own]); });
    if (member.holding.arrival)
      step([&](World& w) {
        const Arrival& promised = *member.holding.arrival;
        w.messages.insert({Message::What::whose, own, promised.from, promised.epoch, promised.attempt, 0, 0});
      });
    if (world_.crashes < bounds_.crashes) step([&](World& w) { crash(w, own); });
  }

  /// Stops the shard, and all of it goes to `to`.
  static void begin(World& w, MemberId own, MemberId to) {
    Member& giver = w.members[own];
    giver.open = false, giver.trying = ++w.attempts, giver.trying_to = static_cast<std::uint8_t>(to + 1);
    w.messages.insert({Message::What::seal, own, to, giver.holding.place.epoch + 1, giver.trying, 0, giver.data});
  }
  static void abandon(Member& giver) { giver.trying = 0, giver.trying_to = 0, giver.open = true; }
  static void crash(World& w, MemberId own) {
    Member& member = w.members[own];
    ++w.crashes;
    member.trying = 0, member.trying_to = 0;
    member.open = member.holding.place.member == own;
  }

  void tell_all(World& w, MemberId own) {
    const Place& place = w.members[own].holding.place;
    for (MemberId to = 0; to < kMembers; ++to)
      if (to != own) w.messages.insert({Message::What::place, own, to, place.epoch, place.attempt, place.member, 0});
  }

  void receive(const Message& message) {
    step([&](World& w) {
      Member& at = w.members[message.to];
      switch (message.what) {
        case Message::What::seal: {
          // A message of a try that is over is not taken up: in the same connection order holds, a new one forgets.
          const Arrival arrival{message.from, message.epoch, message.attempt};
          if (at.holding.arrival && at.holding.arrival->attempt >= message.attempt) return;
          if (!promise(at.holding, message.to, arrival)) return;
          at.data = message.data;
          w.messages.insert({Message::What::vote, message.to, message.from, message.epoch, message.attempt, 0, 0});
          return;
        }
        case Message::What::vote:
          if (at.trying == 0 || at.trying != message.attempt) return;
          give(at.holding, message.from, message.attempt);
          at.trying = 0, at.trying_to = 0;
          return tell_all(w, message.to);
        case Message::What::place:
          if (learn(at.holding, message.to, {message.member, message.epoch, message.attempt}) == Learned::here) {
            at.open = true;
            tell_all(w, message.to);
          }
          return;
        case Message::What::whose:
          switch (answer(at.holding, message.from, {message.to, message.epoch, message.attempt}, at.trying)) {
            case Answer::yes: return tell_all(w, message.to);
            case Answer::no:
              w.messages.insert({Message::What::no, message.to, message.from, 0, message.attempt, 0, 0});
              return;
            case Answer::later: return;
          }
          return;
        case Message::What::no: release(at.holding, message.attempt); return;
      }
    });
  }

  template <class Change>
  void step(const Change& change) {
    World after = world_;
    change(after);
    next.push_back(std::move(after));
  }

  const World& world_;
  const Bounds& bounds_;
};

World beginning() {
  World out;
  for (Member& member : out.members) member.holding.place = {0, kFirstEpoch, 0};
  out.members[0].open = true;
  return out;
}

std::string faults(const World& world) {
  std::size_t open = 0;
  for (MemberId own = 0; own < kMembers; ++own) {
    const Member& member = world.members[own];
    if (!member.open) continue;
    ++open;
    if (member.holding.place.member != own) return "somebody serves what is not its own";
    if (member.data != world.writes) return "a write is lost";
  }
  if (open > 1) return "two serve it";
  return {};
}

/// Every message that can come comes, again and again, and nobody begins anything.
World healed(World world) {
  for (Member& member : world.members)
    if (member.trying != 0) member.trying = 0, member.trying_to = 0, member.open = true;
  const Bounds none{0, 0, 0};
  for (int round = 0; round < 64; ++round) {
    const World before = world;
    for (MemberId own = 0; own < kMembers; ++own)
      if (const auto& arrival = world.members[own].holding.arrival)
        world.messages.insert({Message::What::whose, own, arrival->from, arrival->epoch, arrival->attempt, 0, 0});
    const std::set<Message> messages = world.messages;
    for (const Message& message : messages) {
      if (message.what == Message::What::seal) continue;  // Of a try that is over.
      World only = world;
      only.messages = {message};
      const Steps steps(only, none);
      // The last step is the message's; before it come what members could do by themselves.
      World after = steps.next.back();
      after.messages.insert(world.messages.begin(), world.messages.end());
      world = after;
    }
    if (!(before < world) && !(world < before)) break;
  }
  return world;
}

struct Explored {
  std::size_t worlds = 0, given = 0, arrivals_left = 0;
};

Explored explore(const Bounds& bounds) {
  std::set<World> seen{beginning()};
  std::deque<World> left{beginning()};
  Explored out;
  while (!left.empty()) {
    const World world = left.front();
    left.pop_front();
    ++out.worlds;
    if (const std::string fault = faults(world); !fault.empty()) FAIL(fault);
    const World end = healed(world);
    std::size_t open = 0;
    for (const Member& member : end.members) {
      open += member.open ? 1U : 0U;
      if (member.holding.arrival) ++out.arrivals_left;
      if (member.holding.place.epoch > kFirstEpoch) ++out.given;
    }
    if (open != 1) FAIL("after healing " << open << " serve it");
    for (World& next : Steps(world, bounds).next)
      if (seen.insert(next).second) left.push_back(std::move(next));
  }
  return out;
}

}  // namespace

TEST_CASE("handover: one owner and no lost write, whatever happens when", "[domain][placement]") {
  const Explored all = explore({2, 1, 1});
  CAPTURE(all.worlds, all.given);
  CHECK(all.worlds > 1'000);
  CHECK(all.given > 0);
  CHECK(all.arrivals_left == 0);
}

TEST_CASE("handover: a directory that was put back does not take the shard again", "[domain][placement]") {
  Holding old_copy{{0, kFirstEpoch, 0}, {}};
  CHECK(learn(old_copy, 0, {1, 2, 7}) == Learned::lost);
  CHECK(old_copy.place == Place{1, 2, 7});
  Holding empty{{1, 0, 0}, {}};
  CHECK(learn(empty, 2, {2, 5, 9}) == Learned::nothing);  // It is said to have what it never got.
  CHECK(empty.place.member == 1);
}

TEST_CASE("handover: whoever joins believes what it is told first, and what is newer", "[domain][placement]") {
  Holding at;
  CHECK(learn(at, 2, {1, kFirstEpoch, 0}) == Learned::elsewhere);
  CHECK(learn(at, 2, {0, 2, 5}) == Learned::elsewhere);
  CHECK(at.place.member == 0);
}

TEST_CASE("handover: what is older than what is known changes nothing", "[domain][placement]") {
  Holding at{{1, 4, 8}, {}};
  CHECK(learn(at, 0, {2, 4, 9}) == Learned::nothing);
  CHECK(learn(at, 0, {2, 3, 9}) == Learned::nothing);
  CHECK_FALSE(promise(at, 0, {1, 4, 10}));
  CHECK_FALSE(promise(at, 0, {1, 6, 10}));
  CHECK_FALSE(promise(at, 0, {2, 5, 10}));  // Not its to give.
  CHECK(promise(at, 0, {1, 5, 10}));
  CHECK_FALSE(promise(at, 1, {1, 5, 11}));  // Who has it is given nothing.
  CHECK(learn(at, 0, {0, 5, 10}) == Learned::here);
  CHECK_FALSE(at.arrival);
}

TEST_CASE("handover: a start opens what is its own, keeps what it promised, and lets go of the rest",
          "[domain][placement]") {
  const Holding first{{0, kFirstEpoch, 0}, {}}, came{{0, 3, 7}, {}}, gone{{1, 2, 5}, {}};
  const Holding promised{{1, 2, 5}, Arrival{1, 3, 7}};
  const auto text = [](const Tidying& t) {
    return std::string(t.leave ? "leave " : "") + (t.drop ? "drop " : "") + (t.bring ? "bring " : "") +
           (t.missing ? "missing" : "");
  };
  CHECK(text(tidy(first, 0, {false, false})).empty());  // It is made when it is opened.
  CHECK(text(tidy(came, 0, {true, false})).empty());
  CHECK(text(tidy(came, 0, {false, true})) == "bring ");
  CHECK(text(tidy(came, 0, {false, false})) == "missing");
  CHECK(text(tidy(gone, 0, {true, true})) == "leave drop ");
  CHECK(text(tidy(promised, 0, {false, true})).empty());
}

TEST_CASE("handover: messages go to the owner, wait for what is coming, and are taken from the owner only",
          "[domain][placement]") {
  CHECK(way({{0, 1, 0}, {}}, 0) == Way::here);
  CHECK(way({{1, 2, 5}, {}}, 0) == Way::away);
  CHECK(way({{1, 2, 5}, Arrival{1, 3, 7}}, 0) == Way::wait);
  CHECK(way({}, 0) == Way::wait);
  CHECK(speaks_for({1, 2, 5}, 1));
  CHECK_FALSE(speaks_for({1, 2, 5}, 0));
}

}  // namespace kontor
