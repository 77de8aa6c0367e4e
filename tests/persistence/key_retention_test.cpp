// Keys that are forgotten: no candidates any more, and in the end not there any more.
#include <algorithm>
#include <map>
#include <random>

#include "persistence/key_index.hpp"
#include "persistence/table_codec.hpp"
#include "tests/persistence/key_index_shard.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::persistence;
using namespace kontor::persistence::testing;

namespace {

void forget_before(Shard& shard, Position position) { shard.index.forget(KeyAges{0, position, {}}); }

/// 40 keys at each of `positions`; key i of position p is hash (i << 56 | p). One run for each.
void write_runs(Shard& shard, Position first, Position last, bool merge) {
  for (Position p = first; p <= last; ++p) {
    for (std::uint32_t i = 0; i < 40; ++i) shard.index.insert(std::uint64_t{i + 1} << 56 | p, Locator::of(p, i));
    shard.write_run(merge);
  }
}

bool found(const Shard& shard, Position p) { return !shard.find(std::uint64_t{7} << 56 | p).empty(); }

/// What lies at or behind the horizon must be found, and nothing else.
struct Model {
  std::multimap<std::uint64_t, std::uint64_t> all;
  std::uint64_t horizon = 0;

  std::vector<std::uint64_t> find(std::uint64_t hash) const {
    std::vector<std::uint64_t> locators;
    for (auto [it, end] = all.equal_range(hash); it != end; ++it)
      if (it->second >= horizon) locators.push_back(it->second);
    std::sort(locators.begin(), locators.end(), std::greater<>());
    locators.erase(std::unique(locators.begin(), locators.end()), locators.end());
    return locators;
  }
};

/// Random use with a horizon that moves, steps in between, crashes and orderly ends.
class Story {
 public:
  explicit Story(std::uint64_t seed) : random_(seed), shard_(std::make_unique<Shard>(dir_.path())) {}

  void run(int moves) {
    for (int i = 0; i < moves; ++i) move();
    check_all();
    shard_->settle();
    check_all();
  }
  Shard& shard() { return *shard_; }
  std::size_t kept() const {
    const auto kept = [&](const auto& entry) { return entry.second >= model_.horizon; };
    return static_cast<std::size_t>(std::count_if(model_.all.begin(), model_.all.end(), kept));
  }
  std::size_t inserted() const { return model_.all.size(); }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void move() {
    const std::uint64_t kind = below(1'000);
    if (kind < 700) {
      insert();
    } else if (kind < 950) {
      for (std::uint64_t i = below(200); i > 0; --i) shard_->index.step();
    } else if (kind < 970) {
      shard_->journal.commit(below(2) == 0 ? below(20) : ~std::size_t{0});
    } else if (kind < 985) {
      begin_run();
    } else if (kind < 997) {
      model_.horizon = std::max(model_.horizon, Locator::of(position_ - below(position_ / 2 + 1), 0).packed);
      forget_before(*shard_, Locator{model_.horizon}.position());
    } else {
      restart(below(3) == 0);
    }
    if (below(20) == 0) check_all();
  }
  void insert() {
    const std::uint64_t hash = below(3) == 0 ? below(50) * 0x0101010101010101u : random_();
    const Locator locator = Locator::of(++position_, static_cast<std::uint32_t>(below(100)));
    shard_->index.insert(hash, locator);
    model_.all.emplace(hash, locator.packed);
    undurable_.push_back({hash, locator.packed});
  }
  void begin_run() {
    if (shard_->index.writing()) return;
    shard_->index.begin_run();
    if (below(2) != 0) return;
    while (shard_->index.writing())
      if (!shard_->index.step()) shard_->journal.commit();
    undurable_.clear();
  }
  /// A crash loses what the journal holds: the horizon too, and then what the caller inserts again is found again.
  void restart(bool orderly) {
    if (orderly) shard_->journal.commit();
    shard_.reset();
    shard_ = std::make_unique<Shard>(dir_.path());
    REQUIRE(shard_->loaded);
    const std::uint64_t stored = Locator::of(shard_->index.loaded_ages().forgotten_before, 0).packed;
    REQUIRE(stored <= model_.horizon);
    if (orderly) REQUIRE(stored == model_.horizon);
    for (const KeyEntry& entry : undurable_) shard_->index.insert(entry.hash, {entry.locator});
    forget_before(*shard_, Locator{model_.horizon}.position());  // As the next look would.
    check_all();
  }
  void check_all() {
    for (auto it = model_.all.begin(); it != model_.all.end(); it = model_.all.upper_bound(it->first)) {
      CAPTURE(it->first, Locator{model_.horizon}.position());
      const auto wanted = model_.find(it->first);
      REQUIRE(shard_->find(it->first) == wanted);
      if (!wanted.empty()) REQUIRE(shard_->index.maybe(it->first));
    }
  }

  std::mt19937_64 random_;
  TempDir dir_;
  std::unique_ptr<Shard> shard_;
  Model model_;
  std::vector<KeyEntry> undurable_;  ///< Not certainly in a run that is listed on disk.
  Position position_ = 1;
};

}  // namespace

TEST_CASE("key retention: what is forgotten is no candidate, wherever it is", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  write_runs(shard, 1, 2, false);
  for (Position p = 3; p <= 5; ++p) shard.index.insert(std::uint64_t{7} << 56 | p, Locator::of(p, 0));
  forget_before(shard, 2);
  CHECK_FALSE(found(shard, 1));
  for (Position p = 2; p <= 5; ++p) CHECK(found(shard, p));
  forget_before(shard, 5);
  for (Position p = 1; p <= 4; ++p) CHECK_FALSE(found(shard, p));
  CHECK(found(shard, 5));
  forget_before(shard, 3);  // Never falls.
  CHECK_FALSE(found(shard, 3));
}

TEST_CASE("key retention: a run that is forgotten as a whole goes without a merge", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  write_runs(shard, 1, 3, true);
  CHECK(shard.index.idle());
  forget_before(shard, 3);
  CHECK_FALSE(shard.index.idle());
  shard.settle();
  CHECK(shard.index.runs() == 1);
  CHECK(shard.stored_blocks() == 10);
  CHECK(shard.index.keys_dropped() == 80);
  CHECK(found(shard, 3));
  Shard after(dir.path());
  REQUIRE(after.loaded);
  CHECK(after.index.loaded_ages().forgotten_before == 3);
  CHECK(after.index.runs() == 1);
  CHECK(found(after, 3));
}

TEST_CASE("key retention: a merge leaves out what is forgotten, and all of it if need be", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  const bool all = GENERATE(false, true);
  write_runs(shard, 1, 3, true);
  write_runs(shard, 4, 4, false);
  REQUIRE(shard.index.step());  // The merge begins: now none of them is dropped as a whole.
  forget_before(shard, all ? 5 : 3);
  shard.settle();
  CHECK(shard.index.runs() == (all ? 0 : 1));
  CHECK(shard.index.keys_in_runs() == (all ? 0 : 80));
  CHECK(shard.index.keys_dropped() == (all ? 160 : 80));
  CHECK(shard.stored_blocks() == (all ? 0 : 20));
  for (Position p = 1; p <= 4; ++p) CHECK(found(shard, p) == (!all && p >= 3));
  Shard after(dir.path());
  REQUIRE(after.loaded);
  for (Position p = 1; p <= 4; ++p) CHECK(found(after, p) == (!all && p >= 3));
}

TEST_CASE("key retention: what is forgotten in memory is not written", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  for (Position p = 1; p <= 8; ++p) shard.index.insert(p << 55, Locator::of(p, 0));
  forget_before(shard, GENERATE(Position{5}, Position{9}));
  const bool all = shard.find(std::uint64_t{8} << 55).empty();
  shard.write_run();
  CHECK(shard.index.keys_in_memory() == 0);
  CHECK(shard.index.keys_in_runs() == (all ? 0 : 4));
  CHECK(shard.index.runs() == (all ? 0 : 1));
  CHECK(shard.index.keys_dropped() == (all ? 8 : 4));
  Shard after(dir.path());
  REQUIRE(after.loaded);
}

TEST_CASE("key retention: random use with restarts agrees with a multimap", "[persistence][key_index]") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  CAPTURE(seed);
  Story story(seed);
  story.run(6'000);
  KeyIndex& index = story.shard().index;
  REQUIRE(index.merge_outcome());
  CHECK(story.kept() < story.inserted() / 2);
  CHECK(story.shard().stored_blocks() <= index.keys_in_runs() / kSmall.block_entries + index.runs());
}

TEST_CASE("key retention: disk and memory have a bound, however long it runs", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  std::mt19937_64 random(7);
  constexpr Position kKept = 2'000;
  std::vector<std::uint64_t> hashes{0};
  std::size_t bytes_max = 0;
  std::uint64_t runs_max = 0;
  for (Position p = 1; p <= 60'000; ++p) {
    hashes.push_back(random());
    shard.index.insert(hashes.back(), Locator::of(p, 0));
    if (p % 100 == 0 && p > kKept) forget_before(shard, p - kKept);
    if (!shard.index.writing() && p % 150 == 0) shard.index.begin_run();
    shard.index.step();
    shard.index.step();
    if (p % 10 == 0) shard.journal.commit();
    bytes_max = std::max(bytes_max, shard.index.filter_bytes());
    runs_max = std::max(runs_max, shard.index.keys_in_runs());
    if (p % 1'000 == 0)
      for (Position young = p > kKept ? p - kKept + 100 : 1; young <= p; ++young) {
        REQUIRE(shard.index.maybe(hashes[young]));
        REQUIRE(shard.find(hashes[young]) == std::vector{Locator::of(young, 0).packed});
      }
  }
  CHECK(runs_max < 3 * kKept);
  CHECK(bytes_max < std::size_t{64} * kKept);
  shard.settle();
  std::size_t wrong = 0;
  for (int i = 0; i < 20'000; ++i) wrong += shard.index.maybe(random());
  CHECK(wrong < 100);
  CHECK(shard.index.keys_dropped() + shard.index.keys_in_runs() + shard.index.keys_in_memory() == 60'000);
}

TEST_CASE("key retention: damaged ages are noticed at the start", "[persistence][key_index]") {
  const TempDir dir;
  {
    Shard shard(dir.path());
    shard.journal.put(Table::keys, std::string(kKeyAgesKey), RecordKind::key_ages, "short");
    shard.journal.commit();
  }
  Shard shard(dir.path());
  CHECK(shard.loaded.code() == Errc::corrupt_journal);
}
