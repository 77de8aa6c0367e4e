#include "persistence/key_index.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <fcntl.h>

#include "persistence/journal.hpp"
#include "tests/persistence/key_index_shard.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::persistence;
using namespace kontor::persistence::testing;

namespace {

/// What the index should answer, and which of it a crash takes away: the caller inserts that again, from its journal.
struct Model {
  std::map<std::uint64_t, std::set<std::uint64_t, std::greater<>>> all;
  std::vector<KeyEntry> active, frozen;

  void insert(const KeyEntry& entry) {
    all[entry.hash].insert(entry.locator);
    active.push_back(entry);
  }
  std::vector<std::uint64_t> find(std::uint64_t hash) const {
    const auto found = all.find(hash);
    if (found == all.end()) return {};
    return {found->second.begin(), found->second.end()};
  }
};

void check_all(const Shard& shard, const Model& model) {
  for (const auto& [hash, locators] : model.all) {
    CAPTURE(hash);
    REQUIRE(shard.index.maybe(hash));
    REQUIRE(shard.find(hash) == model.find(hash));
  }
}

/// Random use of an index, its steps in between, restarts with and without an orderly end.
class Story {
 public:
  explicit Story(std::uint64_t seed) : random_(seed), shard_(std::make_unique<Shard>(dir_.path())) {}

  void run(int moves) {
    for (int i = 0; i < moves; ++i) move();
    check_all(*shard_, model_);
    shard_->settle();
    check_all(*shard_, model_);
  }
  Shard& shard() { return *shard_; }
  const Model& model() const { return model_; }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  std::uint64_t some_hash() {
    switch (below(4)) {
      case 0: return below(30) * 0x0101010101010101u;        // Often the same.
      case 1: return 0xabcdef0000000000u + below(200);       // Neighbours, all in one partition.
      case 2: return below(2) == 0 ? 0 : ~std::uint64_t{0};  // The ends.
      default: return random_();
    }
  }

  void move() {
    const std::uint64_t kind = below(1000);
    if (kind < 600) {
      insert();
    } else if (kind < 700) {
      const std::uint64_t hash = some_hash();
      REQUIRE(shard_->find(hash) == model_.find(hash));
    } else if (kind < 960) {
      for (std::uint64_t i = below(200); i > 0; --i) shard_->index.step();
      if (!shard_->index.writing()) model_.frozen.clear();
    } else if (kind < 980) {
      shard_->journal.commit(below(2) == 0 ? below(20) : ~std::size_t{0});
    } else if (kind < 995) {
      if (shard_->index.writing()) return;
      shard_->index.begin_run();
      model_.frozen = std::exchange(model_.active, {});
    } else {
      restart(below(3) == 0);
    }
  }

  void insert() {
    const std::uint64_t hash = some_hash();
    KeyEntry entry{hash, Locator::of(++position_, static_cast<std::uint32_t>(below(1000))).packed};
    if (below(20) == 0 && !model_.active.empty()) entry = model_.active[below(model_.active.size())];
    if (below(2) == 0) shard_->index.mark(entry.hash);
    shard_->index.insert(entry.hash, {entry.locator});
    model_.insert(entry);
  }

  /// A crash loses what the journal holds; an orderly end writes it.
  void restart(bool orderly) {
    if (!shard_->index.writing()) model_.frozen.clear();
    if (orderly) shard_->journal.commit();
    shard_.reset();
    shard_ = std::make_unique<Shard>(dir_.path());
    REQUIRE(shard_->loaded);
    for (const auto* lost : {&model_.frozen, &model_.active})
      for (const KeyEntry& entry : *lost) shard_->index.insert(entry.hash, {entry.locator});
    model_.active.insert(model_.active.end(), model_.frozen.begin(), model_.frozen.end());
    model_.frozen.clear();
    check_all(*shard_, model_);
  }

  std::mt19937_64 random_;
  TempDir dir_;
  std::unique_ptr<Shard> shard_;
  Model model_;
  Position position_ = 0;
};

/// Changes one byte of the first stored block that begins with this entry, on disk, under the open store.
void damage_block(const std::filesystem::path& file, const KeyEntry& first) {
  const std::string bytes = read_bytes(file);
  const std::string_view wanted(reinterpret_cast<const char*>(&first), sizeof first);
  const std::size_t at = bytes.find(wanted);
  REQUIRE(at != std::string::npos);
  const int out = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  for (std::size_t place = at; place != std::string::npos; place = bytes.find(wanted, place + 1)) {
    const char changed = static_cast<char>(bytes[place + 9] ^ 0x10);
    REQUIRE(::pwrite(out, &changed, 1, static_cast<off_t>(place + 9)) == 1);
  }
  ::close(out);
}

/// `runs` runs of 40 keys each; key i of run r is hash (i << 56 | r), so that every run covers the whole range.
void write_runs(Shard& shard, std::uint64_t runs, bool merge) {
  for (std::uint64_t run = 1; run <= runs; ++run) {
    for (std::uint64_t i = 0; i < 40; ++i)
      shard.index.insert((i + 1) << 56 | run, Locator::of(run, static_cast<std::uint32_t>(i)));
    shard.write_run(merge);
  }
}

}  // namespace

TEST_CASE("key_index: a locator is a position and an index", "[persistence][key_index]") {
  const Locator locator = Locator::of(123'456'789'012, 0xfffff);
  CHECK(locator.position() == 123'456'789'012);
  CHECK(locator.index() == 0xfffff);
}

TEST_CASE("key_index: an empty one finds nothing and has nothing to do", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  REQUIRE(shard.loaded);
  CHECK_FALSE(shard.index.maybe(42));
  CHECK(shard.find(42).empty());
  shard.index.begin_run();
  CHECK_FALSE(shard.index.writing());
  CHECK_FALSE(shard.index.step());
  CHECK(shard.index.idle());
}

TEST_CASE("key_index: a mark is no candidate", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  shard.index.mark(42);
  CHECK(shard.index.maybe(42));
  CHECK(shard.find(42).empty());
  shard.index.insert(42, Locator::of(7, 3));
  CHECK(shard.find(42) == std::vector{Locator::of(7, 3).packed});
}

TEST_CASE("key_index: keys are found at every step from memory to run to merged run", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  Model model;
  for (Position run = 1; run <= 21; ++run) {
    for (std::uint32_t i = 0; i < 60; ++i) {
      const KeyEntry entry{(i * 37 % 60) * 0x0400000000000000u + run % 3, Locator::of(run, i).packed};
      shard.index.insert(entry.hash, {entry.locator});
      model.insert(entry);
    }
    shard.index.begin_run();
    REQUIRE(shard.index.writing());
    for (int step = 0; !shard.index.idle(); ++step) {
      if (!shard.index.step()) shard.journal.commit();
      if (step % 16 == 0) check_all(shard, model);
    }
    check_all(shard, model);
    REQUIRE(shard.index.keys_in_memory() == 0);
    REQUIRE(shard.index.keys_in_runs() == run * 60);
  }
  CHECK(shard.index.runs() == 1 + 1 + 1);  // 21 = 16 + 4 + 1.
  CHECK(shard.stored_blocks() == 21 * 60 / 4);
}

TEST_CASE("key_index: the same pair twice is one candidate, also across runs", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  for (int run = 0; run < 4; ++run) {
    for (std::uint32_t i = 0; i < 30; ++i) shard.index.insert(5, Locator::of(9, i % 15));  // Over several blocks.
    CHECK(shard.find(5).size() == 15);
    shard.write_run(false);
    CHECK(shard.find(5).size() == 15);
  }
  shard.settle();
  CHECK(shard.index.runs() == 1);
  CHECK(shard.index.keys_in_runs() == 15);
  const std::vector<std::uint64_t> found = shard.find(5);
  CHECK(std::is_sorted(found.rbegin(), found.rend()));
  CHECK(found.front() == Locator::of(9, 14).packed);
}

TEST_CASE("key_index: random use with restarts agrees with a map", "[persistence][key_index]") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u);
  CAPTURE(seed);
  Story story(seed);
  story.run(6'000);
  // Nothing is left behind: every stored block is of a run that is read.
  KeyIndex& index = story.shard().index;
  REQUIRE(index.idle());
  REQUIRE(index.merge_outcome());
  CHECK(story.shard().stored_blocks() <= index.keys_in_runs() / kSmall.block_entries + index.runs());
}

TEST_CASE("key_index: without a durable list the memory still answers, and steps wait", "[persistence][key_index]") {
  const TempDir dir;
  KeyIndex::Tuning tuning = kSmall;
  tuning.in_flight_bytes_max = 1000;
  Shard shard(dir.path(), tuning);
  for (std::uint64_t i = 0; i < 500; ++i) shard.index.insert(i << 55, Locator::of(i + 1, 0));
  shard.index.begin_run();
  int steps = 0;
  while (shard.index.step()) ++steps;
  CHECK(steps < 100);  // 1000 bytes are 62 keys.
  CHECK(shard.index.writing());
  CHECK(shard.index.runs() == 0);
  CHECK(shard.find(std::uint64_t{77} << 55) == std::vector{Locator::of(78, 0).packed});
  shard.settle();
  CHECK(shard.index.runs() == 1);
  CHECK(shard.index.keys_in_memory() == 0);
  CHECK(shard.find(std::uint64_t{77} << 55) == std::vector{Locator::of(78, 0).packed});
}

TEST_CASE("key_index: a crash after any write loses no run that was taken over", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  write_runs(shard, 3, true);
  for (std::uint64_t i = 0; i < 40; ++i)
    shard.index.insert((i + 1) << 56 | 4, Locator::of(4, static_cast<std::uint32_t>(i)));
  shard.index.begin_run();  // The fourth run, and then the first merge.
  const TempDir copy;
  std::size_t crashes = 0;
  while (!shard.index.idle() || shard.journal.queued() > 0) {
    if (shard.journal.queued() == 0 || !shard.index.idle()) shard.index.step();
    while (shard.journal.queued() > 0) {
      shard.journal.commit(1);
      const bool taken_over = shard.index.runs() == 4 || shard.index.keys_in_runs() == 160;
      std::filesystem::copy_file(dir.file(), copy.file(), std::filesystem::copy_options::overwrite_existing);
      std::filesystem::remove(copy.path() / "lock.mdb");
      Shard after(copy.path());
      REQUIRE(after.loaded);
      for (std::uint64_t run = 1; run <= (taken_over ? 4u : 3u); ++run)
        for (std::uint64_t i = 0; i < 40; i += 13)
          REQUIRE(after.find((i + 1) << 56 | run) ==
                  std::vector{Locator::of(run, static_cast<std::uint32_t>(i)).packed});
      after.settle();
      REQUIRE(after.stored_blocks() == after.index.keys_in_runs() / 4);
      ++crashes;
    }
  }
  CHECK(crashes > 100);  // 10 blocks, 40 merged, 40 erased, lists, and the marks between.
}

TEST_CASE("key_index: over the real journal", "[persistence][key_index]") {
  const TempDir dir;
  const auto store = open_store(dir.path());
  JournalOptions options;
  options.reserve_bytes = 1 << 20;
  options.on_failure = [](const std::string& why) { throw std::runtime_error(why); };
  Journal journal(*store, 1, options);
  journal.start();
  auto index = std::make_unique<KeyIndex>(*store, &journal, 64);
  std::mt19937_64 random(5);
  std::vector<KeyEntry> entries;
  for (Position p = 1; p <= 60'000; ++p) {
    entries.push_back({random(), Locator::of(p, 1).packed});
    index->insert(entries.back().hash, {entries.back().locator});
    if (!index->writing() && p % 5'000 == 0) index->begin_run();
    index->step();
  }
  while (!index->idle())
    if (!index->step()) std::this_thread::yield();
  CHECK(index->runs() > 0);
  for (std::size_t i = 0; i < entries.size(); i += 17) {
    const auto found = index->find(entries[i].hash);
    REQUIRE(found);
    REQUIRE(*found == std::vector{Locator{entries[i].locator}});
  }
  index->begin_run();
  index->step();
  index.reset();  // What the journal still runs for it must not touch it.
  journal.stop();
}

TEST_CASE("key_index: new keys come while a run is written", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  Model model;
  std::mt19937_64 random(3);
  for (Position p = 1; p <= 20'000; ++p) {
    const KeyEntry entry{random(), Locator::of(p, 0).packed};
    shard.index.insert(entry.hash, {entry.locator});
    model.insert(entry);
    if (!shard.index.writing() && p % 700 == 0) shard.index.begin_run();
    shard.index.step();
  }
  shard.settle();
  check_all(shard, model);
  CHECK(shard.index.keys_in_memory() + shard.index.keys_in_runs() == 20'000);
}

TEST_CASE("key_index: a damaged block is corrupt_journal when loaded and when read", "[persistence][key_index]") {
  const TempDir dir;
  const KeyEntry first{std::uint64_t{1} << 56 | 2, Locator::of(2, 0).packed};
  {
    Shard shard(dir.path());
    write_runs(shard, 2, false);
    REQUIRE(shard.index.find(first.hash));
    damage_block(dir.file(), first);
    CHECK(shard.index.find(first.hash).code() == Errc::corrupt_journal);
    CHECK(shard.index.find(std::uint64_t{39} << 56 | 2));  // In another block.
  }
  Shard shard(dir.path());
  CHECK(shard.loaded.code() == Errc::corrupt_journal);
}

TEST_CASE("key_index: a merge that meets damage stops, and the runs stay", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  write_runs(shard, 3, true);
  damage_block(dir.file(), {std::uint64_t{1} << 56 | 2, Locator::of(2, 0).packed});
  write_runs(shard, 1, true);
  CHECK(shard.index.merge_outcome().code() == Errc::corrupt_journal);
  CHECK(shard.index.runs() == 4);
  CHECK(shard.index.idle());
  CHECK(shard.find(std::uint64_t{30} << 56 | 3) == std::vector{Locator::of(3, 29).packed});
}

TEST_CASE("key_index: a merge waits for room, and for a checkpoint to look for it", "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  shard.journal.room = 200'000;  // 4 runs have 10 blocks each, of a page and a quarter.
  write_runs(shard, 4, true);
  CHECK(shard.index.runs() == 4);
  CHECK(shard.index.idle());
  shard.journal.room = 210'000;
  CHECK(shard.index.idle());
  shard.index.begin_run();
  CHECK_FALSE(shard.index.idle());
  shard.settle();
  CHECK(shard.index.runs() == 1);
}

TEST_CASE("key_index: a storage that fills up under a merge gets back what the merge wrote",
          "[persistence][key_index]") {
  const TempDir dir;
  Shard shard(dir.path());
  write_runs(shard, 3, true);
  write_runs(shard, 1, false);
  const std::size_t blocks = shard.stored_blocks();
  for (int i = 0; i < 5; ++i) REQUIRE(shard.index.step());
  shard.journal.commit();
  REQUIRE(shard.stored_blocks() > blocks);
  shard.journal.full = true;
  shard.settle();
  CHECK(shard.stored_blocks() == blocks);
  CHECK(shard.index.runs() == 4);
  CHECK(shard.index.merge_outcome());

  shard.journal.full = false;
  shard.index.begin_run();
  shard.settle();
  CHECK(shard.index.runs() == 1);
  CHECK(shard.find(std::uint64_t{30} << 56 | 3) == std::vector{Locator::of(3, 29).packed});
}

TEST_CASE("key_index: a missing block or a missing list is noticed", "[persistence][key_index]") {
  const TempDir dir;
  const bool list = GENERATE(false, true);
  {
    Shard shard(dir.path());
    write_runs(shard, 2, false);
    shard.journal.erase(Table::keys, list ? std::string(kRunListKey) : block_key({2, 9}));
    shard.journal.commit();
    if (!list) CHECK(shard.index.find(std::uint64_t{40} << 56 | 2).code() == Errc::corrupt_journal);
  }
  Shard shard(dir.path());
  if (list) {  // No list, no runs: what is there counts as left over.
    CHECK(shard.loaded);
    CHECK(shard.index.runs() == 0);
    shard.settle();
    CHECK(shard.stored_blocks() == 0);
  } else {
    CHECK(shard.loaded.code() == Errc::corrupt_journal);
  }
}

TEST_CASE("key_index: without a journal it can be read", "[persistence][key_index]") {
  const TempDir dir;
  {
    Shard shard(dir.path());
    write_runs(shard, 5, true);
  }
  const auto store = open_store(dir.path(), true);
  KeyIndex index(*store, nullptr, 64);
  REQUIRE(index.load());
  CHECK(index.runs() == 2);
  CHECK_FALSE(index.step());
  CHECK(index.find(std::uint64_t{7} << 56 | 3)->front() == Locator::of(3, 6));
}

TEST_CASE("key_index: the filter is rebuilt from the runs, large enough for them", "[persistence][key_index]") {
  const TempDir dir;
  std::mt19937_64 random(4);
  {
    Shard shard(dir.path(), {});
    for (Position p = 1; p <= 50'000; ++p) shard.index.insert(random(), Locator::of(p, 0));
    shard.write_run();
  }
  Shard shard(dir.path(), {});  // Made for 64 keys.
  REQUIRE(shard.loaded);
  std::size_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) wrong += shard.index.maybe(random());
  CHECK(wrong < 200);
}
