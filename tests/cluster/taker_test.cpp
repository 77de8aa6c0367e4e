// What a node makes of a shard that is offered to it.
#include "actors/cluster/taker.hpp"

#include <fstream>

#include "actors/cluster/file_copy.hpp"
#include "actors/cluster/moves.hpp"
#include "tests/support/engine_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

using namespace actors;  // NOLINT: all of this is of there.

struct NoShards final : ShardHost {
  void rest(ShardId, const std::function<std::size_t()>&) override {}
  Result<void> wake(ShardId, std::string*) override { return {}; }
  bool awake(ShardId) const override { return true; }
  void fail(const std::string& explanation) override { throw std::runtime_error(explanation); }
};

/// Member 1, to which member 0 gives its shard 0.
struct Taking {
  Taking() {
    std::ofstream(dir.path() / "shard") << "all of a shard";
    REQUIRE(places.open(dir.path(), nullptr));
    fabric.now_ns = [] { return std::int64_t{0}; };
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

  /// The next question that this member asks its giver: its ticket.
  std::uint64_t asked(wire::Kind kind) {
    std::uint64_t ticket = 0;
    REQUIRE(eventually([&] {
      const std::string frame = peers[0]->take();
      persistence::ByteReader in(frame);
      while (in.ok() && !in.done())
        if (const wire::Envelope envelope = wire::read_envelope(in); envelope.kind == kind) ticket = envelope.ticket;
      return ticket != 0;
    }));
    return ticket;
  }
  bool has_copy() const { return std::filesystem::exists(places.arriving_dir(0)); }

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
  taking.peers[0]->open();
  taking.offer(7);
  taking.send(7);
  REQUIRE(eventually([&] { return taking.moves.takes(0); }));
  CHECK(taking.has_copy());
  persistence::ByteWriter no;
  wire::write_error(no, Error{Errc::not_found, "promise"});
  taking.peers[0]->reply(taking.asked(wire::Kind::whose), {wire::Kind::verdict, no.view()});
  CHECK_FALSE(taking.moves.takes(0));
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

TEST_CASE("taker: a promise of a shard that somebody else has is let go, and the copy with it", "[cluster]") {
  Taking taking;
  taking.offer(7);
  taking.send(7);
  REQUIRE(eventually([&] { return taking.moves.takes(0); }));
  persistence::ByteWriter places;
  wire::write_places(places, {{0, kFirstEpoch + 2, 11}, {1, kFirstEpoch, 0}});
  CHECK(taking.moves.take(0, {0, wire::Kind::places, 0, places.view()}));
  CHECK_FALSE(taking.moves.takes(0));
  CHECK(eventually([&] { return !taking.has_copy(); }));
}

}  // namespace kontor::testing
