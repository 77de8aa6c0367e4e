#include "actors/cluster/moves.hpp"

#include "domain/placement.hpp"

namespace kontor::actors {

using persistence::ByteReader;
using persistence::ByteWriter;

namespace {
constexpr const char* kNotWritten = "the node's memory of where shards are cannot be written";

std::vector<std::unique_ptr<Route>> routes_to_all(caf::actor_system& system, Fabric& fabric) {
  std::vector<std::unique_ptr<Route>> out;
  for (ShardId shard = 0; shard < fabric.size(); ++shard) out.push_back(std::make_unique<Route>(system, fabric, shard));
  return out;
}

/// What stayed where it was might be opened as what it is no more. A start does this, too.
void leave(const MoveParts& parts, ShardId shard) {
  const auto dir = parts.places.shard_dir(shard);
  if (!parts.places.move_dir(dir, parts.places.left_dir(shard)))
    parts.host.fail(dir.string() + ": a shard that is elsewhere by now cannot be put aside");
}

}  // namespace

void MoveParts::route_to_owner(ShardId shard) {
  const Holding holding = places.holding(shard);
  const Way to = way(holding, places.own());
  // What it lists from now on comes from there, and nobody tells what was listed while it moved.
  if (!places.here(shard)) fabric.catalog.forget([&](const Sku& sku) { return home_of(sku, fabric.size()) == shard; });
  if (to == Way::away)
    routes[shard]->lead_away(*peers[holding.place.member]);
  else
    routes[shard]->hold();
}

Error MoveParts::given(ShardId shard, MemberId to, std::uint64_t attempt, std::uint64_t epoch) {
  {
    const std::lock_guard guard(mutex);
    const auto given = places.give(shard, to, attempt, epoch);
    if (!given.decided) return {Errc::shard_unreachable, "it is elsewhere by now"};
    if (!given.written) host.fail(kNotWritten);
    leave(*this, shard);
    route_to_owner(shard);
  }
  announce();
  tell("shard " + std::to_string(shard) + " was given to " + peers[to]->member().node);
  return {};
}

Error MoveParts::promised(ShardId shard, const Arrival& arrival) {
  const std::lock_guard guard(mutex);
  const auto promised = places.promise(shard, arrival);
  if (!promised.written) host.fail(kNotWritten);
  if (!promised.kept) return {Errc::invalid_argument, "offer"};
  route_to_owner(shard);
  return {};
}

void MoveParts::refused(ShardId shard, std::uint64_t attempt) {
  const std::lock_guard guard(mutex);
  if (!places.release(shard, attempt)) host.fail(kNotWritten);
  if (places.here(shard)) return;
  route_to_owner(shard);
  ++fabric.roads;  // What was said to it meanwhile was dropped.
}

void MoveParts::rest(ShardId shard, const std::function<std::size_t()>& waiting) {
  const std::lock_guard guard(housing[shard]);
  host.rest(shard, waiting);
}

void MoveParts::put_aside(ShardId shard) {
  const std::lock_guard guard(housing[shard]);
  host.rest(shard, [] { return std::size_t{0}; });
  leave(*this, shard);
}

void MoveParts::wake(ShardId shard, const std::string& failing) {
  {
    const std::lock_guard guard(housing[shard]);
    std::string why;
    if (places.here(shard)) {
      if (!host.wake(shard, &why)) host.fail(failing + why);
    } else {  // Its callers were held for a move.
      const std::lock_guard routing(mutex);
      route_to_owner(shard);
    }
  }
  ++fabric.roads;
  announce();
}

void MoveParts::announce(MemberId to) {
  ByteWriter out;
  wire::write_places(out, places.all());
  peers[to]->tell(0, wire::Kind::places, out.view());
}

void MoveParts::announce() {
  for (std::size_t member = 0; member < peers.size(); ++member)
    if (member != places.own()) announce(static_cast<MemberId>(member));
}

Moves::Moves(caf::actor_system& system, Places& places, Peers& peers, Fabric& fabric, ShardHost& host,
             std::function<void(const std::string&)> tell)
    : parts_{places, peers, fabric, host, std::move(tell), routes_to_all(system, fabric), {}, {}},
      giver_(parts_),
      taker_(parts_) {
  for (ShardId shard = 0; shard < fabric.size(); ++shard) parts_.route_to_owner(shard);
}

Moves::~Moves() = default;

void Moves::end() {
  taker_.stop();
  for (const auto& route : parts_.routes) route->end();
}

void Moves::linked(MemberId peer) {
  parts_.announce(peer);
  ++parts_.fabric.roads;
}

void Moves::send_back(MemberId to, const AskedBy& asked) {
  parts_.announce(to);
  parts_.peers[to]->answer(asked, wire::Kind::moved, {});
}

bool Moves::take(MemberId from, const wire::Envelope& envelope) {
  ByteReader in(envelope.body);
  if (envelope.kind == wire::Kind::places) return take_places(from, in);
  if (envelope.to >= parts_.fabric.size()) return false;
  if (envelope.kind == wire::Kind::move) return take_move(from, envelope);
  if (envelope.kind == wire::Kind::whose) return take_whose(from, envelope);
  taker_.take(from, envelope);
  return true;
}

/// Any member may say where any shard is: all have shown their certificates, and a larger epoch is newer whoever tells.
bool Moves::take_places(MemberId from, ByteReader& in) {
  const auto places = wire::read_places(in, parts_.fabric.size(), parts_.peers.size());
  if (!in.ok()) return false;
  for (ShardId shard = 0; shard < parts_.fabric.size(); ++shard) {
    const std::lock_guard guard(parts_.mutex);
    const auto heard = parts_.places.learn(shard, places[shard]);
    if (!heard.written) parts_.host.fail(kNotWritten);
    // Before the shard is opened or closed, which another thread does as soon as it hears of it.
    if (heard.learned != Learned::nothing) parts_.route_to_owner(shard);
    if (heard.learned == Learned::here) taker_.arrived(shard);
    if (heard.learned == Learned::lost) {
      parts_.tell("shard " + std::to_string(shard) + " is elsewhere; this directory is an old copy");
      taker_.lost(shard);
    }
    if (heard.learned == Learned::elsewhere) taker_.let_go(shard);
    std::error_code ignored;
    if (places[shard].member == from && std::filesystem::exists(parts_.places.left_dir(shard), ignored))
      taker_.settled(shard);
  }
  // It is told with each link, and again when a shard has been opened there or was at rest for a move in vain: before
  // that, what was said to the shard was dropped.
  ++parts_.fabric.roads;
  return true;
}

bool Moves::take_move(MemberId from, const wire::Envelope& envelope) {
  ByteReader in(envelope.body);
  wire::MoveOrder order;
  wire::read(in, order);
  if (!in.ok()) return false;
  Peer& peer = *parts_.peers[from];
  const AskedBy asked = peer.asked_by(envelope.ticket);
  if (!here(envelope.to)) {
    parts_.announce(from);
    peer.answer(asked, Error{Errc::shard_unreachable, "it is elsewhere by now"});
    return true;
  }
  giver_.give(envelope.to, order.to, [&peer, asked](const Error& error) { peer.answer(asked, error); });
  return true;
}

bool Moves::take_whose(MemberId from, const wire::Envelope& envelope) {
  ByteReader in(envelope.body);
  wire::Whose whose;
  wire::read(in, whose);
  if (!in.ok()) return false;
  // The try first: it may end while this looks, and what it decided is read after.
  const std::uint64_t trying = giver_.trying();
  const Arrival promised{parts_.places.own(), whose.epoch, whose.attempt};
  Peer& peer = *parts_.peers[from];
  const AskedBy asked = peer.asked_by(envelope.ticket);
  switch (kontor::answer(parts_.places.holding(envelope.to), from, promised, trying)) {
    case Answer::yes:
      parts_.announce(from);
      peer.answer(asked, Error{});
      return true;
    case Answer::no: peer.answer(asked, Error{Errc::not_found, "promise"}); return true;
    case Answer::later: break;
  }
  peer.answer(asked, Error{Errc::request_in_progress, "move"});
  return true;
}

void Moves::move(ShardId shard, MemberId to, const std::function<void(const Error&)>& then) {
  if (here(shard)) return giver_.give(shard, to, then);
  if (parts_.places.member_of(shard) == kNobody) return then({Errc::shard_unreachable, "nobody has told where it is"});
  ByteWriter out;
  wire::write(out, wire::MoveOrder{to});
  parts_.peers[parts_.places.member_of(shard)]->ask(shard, wire::Kind::move, out.view(), verdict_to(then));
}

}  // namespace kontor::actors
