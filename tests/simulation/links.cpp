#include "tests/simulation/links.hpp"

#include <algorithm>
#include <utility>

namespace kontor::sim {
namespace {
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSendAgainNs = 200 * kMillisecond;  // As TCP does.
}  // namespace

Links::Links(Surroundings& around, Network& network, std::size_t members)
    : around_(around),
      network_(network),
      members_(members),
      random_(around.options.seed, 201),
      sides_(members * members),
      alive_(members) {}

bool Links::send(MemberId from, MemberId to, Note note) {
  Side& own = side(from, to);
  if (own.connection == 0) return false;
  // A peer that is silent for so long is taken for gone.
  const std::int64_t until_ns = around_.time.now_ns() + random_.between(1'000, 3'000) * kMillisecond;
  carry({from, to, own.connection, ++own.sent, std::make_shared<const Note>(std::move(note))}, until_ns);
  return true;
}

void Links::carry(const Frame& frame, std::int64_t until_ns) {
  network_.post(frame.from, frame.to, caf::make_message(frame));
  around_.time.after(kSendAgainNs, [this, frame, until_ns] {
    const Side& own = side(frame.from, frame.to);
    const Side& other = side(frame.to, frame.from);
    if (own.connection != frame.connection) return;
    if (other.connection == frame.connection && other.taken >= frame.sequence) return;
    if (other.connection != frame.connection || around_.time.now_ns() >= until_ns) return down(frame.from, frame.to);
    carry(frame, until_ns);
  });
}

void Links::arrived(const Frame& frame) {
  Side& own = side(frame.to, frame.from);
  if (own.connection != frame.connection) {
    around_.happened(Fault::link_stale_frame);
    return;
  }
  if (frame.sequence <= own.taken) return;
  own.early.emplace(frame.sequence, frame.note);
  while (own.connection == frame.connection) {
    const auto next = own.early.extract(own.taken + 1);
    if (!next) return;
    ++own.taken;
    on_note(frame.to, frame.from, *next.mapped());
  }
}

void Links::started(MemberId member) {
  alive_[member] = true;
  for (std::size_t peer = 0; peer < members_; ++peer)
    if (peer != member) plan_dial(member, static_cast<MemberId>(peer));
}

void Links::connect_all() {
  const MemberId members = around_.options.machines();
  for (MemberId one = 0; one < members; ++one)
    for (MemberId other = 0; other < one; ++other) dial(other, one);
}

void Links::died(MemberId member) {
  alive_[member] = false;
  for (std::size_t i = 0; i < members_; ++i) {
    const auto peer = static_cast<MemberId>(i);
    if (peer == member || side(member, peer).connection == 0) continue;
    notice(peer, member, side(member, peer).connection);
    side(member, peer).connection = 0;
    side(member, peer).early.clear();
  }
}

void Links::lose(MemberId own, MemberId peer) {
  if (side(own, peer).connection == 0) return;
  around_.happened(Fault::link_lost);
  down(own, peer);
}

/// It hears that the connection is gone, some time from now.
void Links::notice(MemberId own, MemberId peer, std::uint64_t connection) {
  around_.time.after(random_.between(0, random_.chance(300) ? 1'500 : 30) * kMillisecond,
                     [this, own, peer, connection] {
                       if (side(own, peer).connection == connection) down(own, peer);
                     });
}

void Links::down(MemberId own, MemberId peer) {
  Side& here = side(own, peer);
  around_.trace.add(around_.time.now_ns(), "link down ", own, Trace::kNowhere, peer,
                    [&] { return "member " + std::to_string(own) + " to " + std::to_string(peer); });
  notice(peer, own, here.connection);
  here.connection = 0;
  here.early.clear();
  plan_dial(own, peer);
  on_down(own, peer);
}

void Links::plan_dial(MemberId one, MemberId other) {
  const auto [first, second] = std::minmax(one, other);
  if (std::exchange(side(first, second).dialling, true)) return;
  around_.time.after(random_.between(1, healed_ ? 20 : 200) * kMillisecond, [this, first = first, second = second] {
    side(first, second).dialling = false;
    dial(first, second);
  });
}

/// Both ends at once: how a handshake can fail half way changes nothing here, as nothing was said before its end.
void Links::dial(MemberId one, MemberId other) {
  if (!alive_[one] || !alive_[other]) return;  // Who starts dials.
  if (network_.is_cut(one, other) || network_.is_cut(other, one)) return plan_dial(one, other);
  if (side(one, other).connection != 0 && side(one, other).connection == side(other, one).connection) return;
  const std::uint64_t connection = ++connections_;
  for (const auto& [own, peer] : {std::pair{one, other}, std::pair{other, one}}) {
    const bool was_up = side(own, peer).connection != 0;
    const bool dialling = side(own, peer).dialling;
    side(own, peer) = Side{};
    side(own, peer).dialling = dialling;
    if (was_up) on_down(own, peer);
  }
  side(one, other).connection = side(other, one).connection = connection;
  around_.trace.add(around_.time.now_ns(), "link up ", one, Trace::kNowhere, other,
                    [&] { return "members " + std::to_string(one) + " and " + std::to_string(other); });
  on_up(one, other);
  on_up(other, one);
}

bool Links::quiet() const {
  for (std::size_t one = 0; one < members_; ++one) {
    for (std::size_t other = 0; other < members_; ++other) {
      const Side& here = side(static_cast<MemberId>(one), static_cast<MemberId>(other));
      const Side& there = side(static_cast<MemberId>(other), static_cast<MemberId>(one));
      if (one == other || !alive_[one] || !alive_[other]) continue;
      if (here.connection == 0 || here.connection != there.connection || here.sent != there.taken) return false;
    }
  }
  return true;
}

}  // namespace kontor::sim
