// What a node makes of a shard that is offered to it, and of one that it is to give and has no more.
#include "actors/cluster/taker.hpp"

#include <atomic>
#include <fstream>
#include <future>

#include "actors/cluster/file_copy.hpp"
#include "actors/cluster/moves.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

using namespace actors;  // NOLINT: all of this is of there.

struct NoShards final : ShardHost {
  void rest(ShardId, const std::function<std::size_t()>&) override { ++rested; }
  Result<void> wake(ShardId, std::string*) override {
    ++woken;
    return {};
  }
  bool awake(ShardId) const override { return true; }
  void fail(const std::string& explanation) override { throw std::runtime_error(explanation); }
  std::atomic<int> rested{0}, woken{0};
};

/// The next question to this peer: its ticket.
std::uint64_t asked_of(Peer& peer, wire::Kind kind) {
  std::uint64_t ticket = 0;
  REQUIRE(eventually([&] {
    const std::string frame = peer.take();
    persistence::ByteReader in(frame);
    while (in.ok() && !in.done())
      if (const wire::Envelope envelope = wire::read_envelope(in); envelope.kind == kind) ticket = envelope.ticket;
    return ticket != 0;
  }));
  return ticket;
}
void answer(Peer& peer, std::uint64_t ticket, const Error& verdict) {
  persistence::ByteWriter out;
  wire::write_error(out, verdict);
  peer.reply(ticket, {wire::Kind::verdict, out.view()});
}

/// Member 1, to which member 0 gives its shard 0.
struct Taking {
  Taking() {
    std::ofstream(dir.path() / "shard") << "all of a shard";
    REQUIRE(places.open(dir.path(), nullptr));
    fabric.now_ns = [] { return std::int64_t{0}; };
    peers[0]->open();
  }
  ~Taking() {
    moves.end();
    for (auto& shard : fabric.shards) static_cast<Handles&>(shard) = {};
  }
  template <class Message>
  void hear(wire::Kind kind, const Message& message) {
    persistence::ByteWriter out;
    wire::write(out, message);
    CHECK(moves.take(0, {0, kind, 0, out.view()}));
  }
  void offer(std::uint64_t attempt) { hear(wire::Kind::offer, wire::Offer{kFirstEpoch + 1, attempt, 14}); }
  /// The rest of the try, which ends with this member's promise.
  void send(std::uint64_t attempt) {
    auto source = CopySource::open(dir.path() / "shard");
    REQUIRE(source);
    REQUIRE(source->send_changed([&](std::uint64_t number, std::string_view data) {
      hear(wire::Kind::block, wire::Block{attempt, number, data});
      return Error{};
    }));
    hear(wire::Kind::seal, wire::Seal{kFirstEpoch + 1, attempt, source->bytes(), source->digest()});
  }

  void hear(const std::vector<Place>& all) {
    persistence::ByteWriter out;
    wire::write_places(out, all);
    CHECK(moves.take(0, {0, wire::Kind::places, 0, out.view()}));
  }
  bool has_copy() const { return std::filesystem::exists(places.arriving_dir(0)); }
  /// Half a copy, which its giver says nothing more of.
  void begin(std::uint64_t attempt) {
    offer(attempt);
    REQUIRE(eventually([&] { return has_copy(); }));
  }

  TempDir dir;
  caf::actor_system_config config;
  caf::actor_system system{config};
  Fabric fabric{2};
  Peers peers{{{"giver", "127.0.0.1", 1}, {"taker", "127.0.0.1", 2}}};
  Places places{1, 2, 2, false};
  NoShards host;
  Moves moves{system, places, peers, fabric, host, [](const std::string&) {}};
};

}  // namespace

TEST_CASE("taker: what is promised waits here, and goes to its owner again when that begins anew", "[cluster]") {
  Taking taking;
  CHECK_FALSE(taking.moves.takes(0));
  taking.offer(7);
  taking.send(7);
  REQUIRE(eventually([&] { return taking.moves.takes(0); }));
  REQUIRE(taking.places.holding(0).arrival == Arrival{0, kFirstEpoch + 1, 7});
  // The giver gave up, and may give up this one before there is anything to promise.
  const std::uint64_t roads = taking.fabric.roads;
  taking.offer(9);
  CHECK(eventually([&] { return !taking.moves.takes(0); }));
  CHECK(eventually([&] { return taking.fabric.roads > roads; }));  // What waits for an answer is sent again.
  CHECK_FALSE(taking.places.holding(0).arrival);
  taking.send(9);
  CHECK(eventually([&] { return taking.moves.takes(0); }));
}

TEST_CASE("taker: a promise that its giver knows nothing of is let go, and the copy with it", "[cluster]") {
  Taking taking;
  taking.offer(7);
  taking.send(7);
  REQUIRE(eventually([&] { return taking.moves.takes(0); }));
  CHECK(taking.has_copy());
  Peer& giver = *taking.peers[0];
  answer(giver, asked_of(giver, wire::Kind::whose), {Errc::not_found, "promise"});
  CHECK_FALSE(taking.moves.takes(0));
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

TEST_CASE("taker: a promise of a shard that somebody else has is let go, and the copy with it", "[cluster]") {
  Taking taking;
  taking.offer(7);
  taking.send(7);
  REQUIRE(eventually([&] { return taking.moves.takes(0); }));
  taking.hear({{0, kFirstEpoch + 2, 11}, {1, kFirstEpoch, 0}});
  CHECK_FALSE(taking.moves.takes(0));
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

TEST_CASE("taker: half a copy goes with the try of its giver", "[cluster]") {
  Taking taking;
  Peer& giver = *taking.peers[0];
  taking.begin(7);
  answer(giver, asked_of(giver, wire::Kind::whose), {Errc::request_in_progress, "move"});
  answer(giver, asked_of(giver, wire::Kind::whose), {Errc::not_found, "promise"});
  CHECK(eventually([&] { return !taking.has_copy(); }));

  taking.begin(9);
  taking.hear({{0, kFirstEpoch, 0}, {1, kFirstEpoch, 0}});  // Nothing new.
  taking.hear({{0, kFirstEpoch + 1, 11}, {1, kFirstEpoch, 0}});
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

TEST_CASE("taker: half a copy goes with the link to its giver", "[cluster]") {
  Taking taking;
  taking.begin(7);
  taking.peers[0]->close();
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

TEST_CASE("taker: a copy that is not what was sent is let go", "[cluster]") {
  Taking taking;
  taking.begin(7);
  taking.hear(wire::Kind::seal, wire::Seal{kFirstEpoch + 1, 7, 14, {1, 2}});
  CHECK(eventually([&] { return !taking.has_copy(); }));
  CHECK_FALSE(taking.places.holding(0).arrival);
  taking.offer(9);
  taking.send(9);
  CHECK(eventually([&] { return taking.moves.takes(0); }));
  CHECK(taking.has_copy());
}

TEST_CASE("giver: what another has by now is not given away, and not opened again", "[cluster]") {
  TempDir dir;
  caf::actor_system_config config;
  caf::actor_system system{config};
  Fabric fabric{3};
  Peers peers{{{"giver", "127.0.0.1", 1}, {"taker", "127.0.0.1", 2}, {"owner", "127.0.0.1", 3}}};
  Places places{0, 3, 3, false};
  NoShards host;
  REQUIRE(places.open(dir.path(), nullptr));
  fabric.now_ns = [] { return std::int64_t{0}; };
  std::filesystem::create_directories(places.shard_dir(0));
  std::ofstream(places.shard_dir(0) / "data.mdb") << "an old copy of a shard";
  Moves moves{system, places, peers, fabric, host, [](const std::string&) {}};
  Peer& taker = *peers[1];
  taker.open();
  std::promise<Error> told;
  auto outcome = told.get_future();
  moves.move(0, 1, [&](const Error& error) { told.set_value(error); });
  answer(taker, asked_of(taker, wire::Kind::offer), {});
  answer(taker, asked_of(taker, wire::Kind::block), {});
  const std::uint64_t vote = asked_of(taker, wire::Kind::seal);
  persistence::ByteWriter newer;
  wire::write_places(newer, {{2, kFirstEpoch + 1, 5}, {1, kFirstEpoch, 0}, {2, kFirstEpoch, 0}});
  CHECK(moves.take(2, {0, wire::Kind::places, 0, newer.view()}));
  answer(taker, vote, {});
  REQUIRE(outcome.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(outcome.get().code == Errc::shard_unreachable);
  CHECK(places.holding(0).place == Place{2, kFirstEpoch + 1, 5});
  CHECK(host.woken == 0);
  CHECK_FALSE(moves.takes(0));  // Who asks is sent on.
  CHECK(eventually([&] { return host.rested == 2 && !std::filesystem::exists(places.shard_dir(0)); }));
  moves.end();
  for (auto& shard : fabric.shards) static_cast<Handles&>(shard) = {};
}

}  // namespace kontor::testing
