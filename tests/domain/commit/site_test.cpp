// What a shard learns about transactions that another shard coordinates.
#include "domain/commit/site.hpp"

#include "tests/domain/values.hpp"

namespace kontor::commit {
namespace {

using Lesson = Site::Lesson;
TransactionId transaction(std::uint64_t sequence, ShardId shard = 2) { return {shard, 1, sequence}; }

}  // namespace

TEST_CASE("site: each decision against each state, and again", "[domain][commit][site]") {
  struct Row {
    std::string what;
    std::uint64_t sequence;
    bool commit;
    Lesson first, again;
  };
  // Prepared here: 5 and 9, of which 5 was settled.
  const auto row = GENERATE(values<Row>({
      {"a commit of what is in doubt", 9, true, Lesson::apply, Lesson::acknowledge},
      {"an abort of what is in doubt", 9, false, Lesson::apply, Lesson::ignore},
      {"a commit of what was settled", 5, true, Lesson::acknowledge, Lesson::acknowledge},
      {"an abort of what was settled", 5, false, Lesson::ignore, Lesson::ignore},
      {"an abort before its prepare", 12, false, Lesson::tombstone, Lesson::tombstone},
      {"a commit of what was never prepared", 12, true, Lesson::ignore, Lesson::ignore},
  }));
  INFO(row.what);
  Site site;
  site.prepared(transaction(5));
  site.prepared(transaction(9));
  REQUIRE(site.learn({transaction(5), true}) == Lesson::apply);
  CHECK(site.learn({transaction(row.sequence), row.commit}) == row.first);
  CHECK(site.learn({transaction(row.sequence), row.commit}) == row.again);
}

TEST_CASE("site: nothing is known of a coordinator that never asked", "[domain][commit][site]") {
  Site site;
  site.prepared(transaction(9, 2));
  CHECK(site.learn({transaction(1, 3), true}) == Lesson::ignore);
  CHECK(site.learn({transaction(1, 3), false}) == Lesson::tombstone);
}

TEST_CASE("site: what is in doubt is listed until it is learned", "[domain][commit][site]") {
  Site site;
  for (const std::uint64_t sequence : {7u, 3u, 5u, 3u}) site.prepared(transaction(sequence));
  site.prepared(transaction(1, 0));
  CHECK(site.open() == 4);
  CHECK(site.in_doubt() == std::vector{transaction(1, 0), transaction(3), transaction(5), transaction(7)});
  CHECK(site.in_doubt(transaction(5)));
  site.learn({transaction(5), false});
  CHECK_FALSE(site.in_doubt(transaction(5)));
  CHECK(site.in_doubt() == std::vector{transaction(1, 0), transaction(3), transaction(7)});
}

TEST_CASE("site: what one participant refused settles nothing for good before its end is on record",
          "[domain][commit][site]") {
  Site site;
  site.doubted(transaction(7), 0b101);
  CHECK(site.in_doubt(transaction(7)));
  CHECK(site.voters(transaction(7)) == 0b101);
  CHECK(site.settled(transaction(5)));  // For now: a prepare that comes is refused.
  CHECK_FALSE(site.settled_for_good(transaction(5)));
  CHECK(site.high_water().empty());
  CHECK(site.learn({transaction(7), false}) == Lesson::apply);
  CHECK_FALSE(site.settled_for_good(transaction(7)));
  site.raise_high_water(transaction(7));
  CHECK(site.settled_for_good(transaction(5)));
}

TEST_CASE("site: the high water rises for each coordinator and never falls", "[domain][commit][site]") {
  Site site;
  site.prepared(transaction(7));
  site.prepared(transaction(3));
  site.raise_high_water(transaction(5));
  site.raise_high_water({4, 2, 1});
  site.raise_high_water({4, 1, 99});  // Of an earlier life.
  CHECK(site.high_water() == std::map<ShardId, TransactionId>{{2, transaction(7)}, {4, {4, 2, 1}}});
}

TEST_CASE("site: a refused transaction is seen, so that its abort leaves nothing behind", "[domain][commit][site]") {
  Site site;
  site.raise_high_water(transaction(5));  // Voted no.
  CHECK(site.learn({transaction(5), false}) == Lesson::ignore);
  CHECK_FALSE(site.in_doubt(transaction(5)));
}

TEST_CASE("site: a prepare comes late for what was seen and is not open", "[domain][commit][site]") {
  struct Row {
    std::uint64_t sequence;
    bool seen, settled;
  };
  // Prepared here: 5, which was settled, and 9; never 7, which 9 overtook.
  const auto row = GENERATE(values<Row>({{5, true, true}, {7, true, true}, {9, true, false}, {10, false, false}}));
  Site site;
  site.prepared(transaction(5));
  site.prepared(transaction(9));
  site.learn({transaction(5), true});
  CAPTURE(row.sequence);
  CHECK(site.seen(transaction(row.sequence)) == row.seen);
  CHECK(site.settled(transaction(row.sequence)) == row.settled);
  CHECK_FALSE(site.seen({transaction(5).shard, transaction(5).incarnation + 1, 1}));
}

TEST_CASE("site: what a checkpoint kept answers a lost acknowledgement after a restart", "[domain][commit][site]") {
  Site before;
  before.prepared(transaction(5));
  before.prepared(transaction(6));
  before.learn({transaction(5), true});
  Site after;
  for (const auto& [shard, high] : before.high_water()) after.raise_high_water(high);
  for (const TransactionId& open : before.in_doubt()) after.prepared(open);
  CHECK(after.learn({transaction(5), true}) == Lesson::acknowledge);
  CHECK(after.learn({transaction(6), true}) == Lesson::apply);
}

}  // namespace kontor::commit
