// What a node remembers of where shards are, and how its directory is put in order when it starts.
#include "actors/cluster/places.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::testing {
namespace {

namespace fs = std::filesystem;
using actors::Places;

struct Node {
  explicit Node(const fs::path& dir, MemberId own = 0, bool joins = false) : places(own, 2, 4, joins) {
    std::string why;
    opened = places.open(dir, &why);
  }
  Places places;
  Result<void> opened;
};

void put_shard(const fs::path& dir) {
  fs::create_directories(dir);
  std::ofstream(dir / "data.mdb") << "a shard";
}

}  // namespace

TEST_CASE("places: in the beginning, and after a start with more members", "[cluster]") {
  TempDir dir;
  {
    const Node node(dir.path());
    REQUIRE(node.opened);
    CHECK(node.places.here(0));
    CHECK_FALSE(node.places.here(1));
    CHECK(node.places.here(2));
    CHECK(node.places.holding(3).place == Place{1, kFirstEpoch, 0});
  }
  Places more(0, 3, 4, false);
  REQUIRE(more.open(dir.path(), nullptr));
  CHECK(more.member_of(2) == 0);  // Not 2, whom nobody knew then.
  Places others(0, 2, 5, false);
  CHECK(others.open(dir.path(), nullptr).code() == Errc::incompatible_format);
}

TEST_CASE("places: whoever joins has nothing until it is told", "[cluster]") {
  TempDir dir;
  Node node(dir.path(), 1, true);
  REQUIRE(node.opened);
  for (ShardId shard = 0; shard < 4; ++shard) CHECK(node.places.member_of(shard) == kNobody);
  CHECK(node.places.learn(1, {0, 1, 0}).learned == Learned::elsewhere);
  CHECK(node.places.learn(2, {1, 1, 0}).learned == Learned::nothing);  // It has nothing of it.
  const Node again(dir.path(), 1, true);
  CHECK(again.places.member_of(1) == 0);
  CHECK(again.places.member_of(2) == kNobody);
}

TEST_CASE("places: only who has a shard gives it, and only as what it was when the try began", "[cluster]") {
  TempDir dir;
  Node node(dir.path());
  REQUIRE(node.opened);
  CHECK_FALSE(node.places.give(1, 0, 7, 2).decided);  // Another's.
  CHECK_FALSE(node.places.give(0, 1, 7, 3).decided);
  // It learns, while it gives, that its directory is an old copy.
  CHECK(node.places.learn(0, {1, 2, 8}).learned == Learned::lost);
  CHECK_FALSE(node.places.give(0, 1, 7, 2).decided);
  CHECK_FALSE(node.places.give(0, 1, 7, 3).decided);
  CHECK(node.places.holding(0).place == Place{1, 2, 8});
  const auto given = node.places.give(2, 1, 9, 2);
  CHECK((given.decided && given.written));
  CHECK(node.places.holding(2).place == Place{1, 2, 9});
}

TEST_CASE("places: what was decided before a crash is carried out after it", "[cluster]") {
  TempDir dir;
  fs::path at, arriving, left;
  {
    Node node(dir.path());
    REQUIRE(node.opened);
    for (const ShardId shard : {ShardId{0}, ShardId{2}}) put_shard(node.places.shard_dir(shard));
    for (const ShardId shard : {ShardId{1}, ShardId{3}}) put_shard(node.places.arriving_dir(shard));
    CHECK(node.places.give(0, 1, 7, 2).decided);                      // Given away, not moved aside yet.
    CHECK(node.places.promise(1, {1, 2, 8}).kept);                    // Promised, not decided.
    CHECK(node.places.promise(3, {1, 2, 9}).kept);                    // Promised and decided,
    CHECK(node.places.learn(3, {0, 2, 9}).learned == Learned::here);  // not put in its place yet.
    CHECK_FALSE(node.places.promise(2, {1, 9, 10}).kept);             // It has that one.
  }
  {
    const Node node(dir.path());
    REQUIRE(node.opened);
    CHECK_FALSE(fs::exists(node.places.shard_dir(0)));
    CHECK(fs::exists(node.places.left_dir(0) / "data.mdb"));
    CHECK(fs::exists(node.places.arriving_dir(1) / "data.mdb"));
    CHECK(node.places.holding(1).arrival == Arrival{1, 2, 8});
    CHECK(fs::exists(node.places.shard_dir(2) / "data.mdb"));
    CHECK(fs::exists(node.places.shard_dir(3) / "data.mdb"));
    CHECK(node.places.here(3));
  }
  {
    Node node(dir.path());
    REQUIRE(node.places.release(1, 8));
    fs::remove_all(node.places.shard_dir(3));
  }
  const Node node(dir.path());  // A shard that came and is gone is no new one.
  CHECK(node.opened.code() == Errc::corrupt_journal);
  CHECK_FALSE(fs::exists(node.places.arriving_dir(1)));
}

}  // namespace kontor::testing
