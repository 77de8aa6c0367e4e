#include "persistence/key_index.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <deque>
#include <functional>
#include <optional>

#include "persistence/key_filter.hpp"
#include "persistence/key_generation.hpp"
#include "persistence/key_run.hpp"
#include "persistence/table_codec.hpp"

// Two jobs at most are under way: one run being written from the frozen generation, and one merge or new filter. Of the
// runs, each ends the same way: its blocks are queued, behind them a list that names the new run, and when that is
// durable the new run is read instead of its sources. Until then nothing that is read changes, so a crash at any point
// leaves either the old list, and blocks that nobody names, or the new one. What is forgotten needs no such care:
// nobody looks for it any more.
//
// A new filter begins with a run, while nothing is in memory: what is written to that run is marked in it, what comes
// later is marked in both, and the runs that were there before are read, which are not merged meanwhile.

namespace kontor::persistence {
namespace {

constexpr std::size_t kMergedRuns = 4;
constexpr std::size_t kBlockRoomBytes = 5'120;  // A page, and its part of those above it.
constexpr std::size_t kErasedPerStep = 32;
constexpr std::size_t kErasedBytes = 4096;   // What one erase costs a commit: the leaf page it changes, roughly.
constexpr std::size_t kClearedPerStep = 32;  // Partitions of some 32 KB.

using Flag = std::shared_ptr<std::atomic<bool>>;  // Outlives the index while the journal holds it.

enum class Phase : std::uint8_t { idle, writing, waiting, clearing };

/// The frozen generation on its way to a run.
struct Freeze {
  Phase phase = Phase::idle;
  std::size_t partition = 0;  // The next to write, or to clear.
  std::vector<KeyEntry> sorted;
  std::optional<RunWriter> writer;
  KeyRun* run = nullptr;
  Flag durable;
};

struct Merge {
  std::vector<KeyRun*> sources;
  std::vector<RunCursor> cursors;  // None is at its end.
  std::optional<RunWriter> writer;
  std::uint64_t left_out = 0;
  KeyRun* run = nullptr;  // None if all was forgotten.
  Flag durable;           // Set when all is queued.
};

/// A filter being made anew.
struct Refill {
  std::vector<const KeyRun*> runs;  // To be read.
  std::optional<RunCursor> cursor;  // In the last of them.
  bool reading = false;
};

}  // namespace

struct KeyIndex::Impl {
  Impl(const Store& s, JournalSink* j, std::size_t filter_keys, const Tuning& t)
      : store(s), journal(j), tuning(t), filter(filter_keys) {}

  bool can_step() const;
  void step();
  bool keeps(const KeyEntry& entry) const { return entry.locator >= forgotten; }
  std::uint64_t kept() const;
  void poll();
  void write_partitions();
  void clear_partitions();
  void erase_blocks();
  std::optional<std::uint32_t> level_to_merge() const;
  void start_merge(std::uint32_t level);
  void merge_entries();
  Result<void> merge_slice();
  void finish_merge();
  void drop_merge();
  const KeyRun* run_to_drop() const;
  void drop_run(const KeyRun* run);
  Result<void> refill_slice();
  void refill();
  KeyRun* list(std::unique_ptr<KeyRun> run, Flag& durable);
  void account(std::size_t bytes);

  const Store& store;
  JournalSink* journal;
  Tuning tuning;
  KeyFilter filter;
  KeyAges ages;                 // As loaded.
  std::uint64_t forgotten = 0;  // Locators below.
  std::uint64_t dropped = 0;
  KeyGeneration active, frozen;
  std::vector<std::unique_ptr<KeyRun>> runs;
  std::uint32_t next_run = 1;
  Freeze freeze;
  std::optional<Merge> merge;
  std::optional<Refill> refilling;
  bool merge_lacks_room = false;  // Looked at again with the next checkpoint.
  Result<void> merge_outcome;
  std::deque<BlockRange> erasing;
  std::shared_ptr<std::atomic<std::size_t>> in_flight_bytes = std::make_shared<std::atomic<std::size_t>>(0);
};

KeyIndex::KeyIndex(const Store& store, JournalSink* journal, std::size_t filter_keys)
    : KeyIndex(store, journal, filter_keys, Tuning()) {}

KeyIndex::KeyIndex(const Store& store, JournalSink* journal, std::size_t filter_keys, const Tuning& tuning)
    : impl_(std::make_unique<Impl>(store, journal, filter_keys, tuning)) {}

KeyIndex::~KeyIndex() = default;

Result<void> KeyIndex::load() {
  Impl& index = *impl_;
  assert(index.runs.empty() && index.active.size() == 0);
  const Store::Reader reader(index.store);
  auto runs = read_run_list(reader);
  if (!runs) return runs.error();

  auto ages = stored_key_ages(reader);
  if (!ages) return ages.error();
  index.ages = std::move(*ages);
  index.forgotten = Locator::of(index.ages.forgotten_before, 0).packed;

  std::uint64_t keys = 0;
  for (const auto& run : *runs) keys += run->entries;
  index.filter.reset(keys);
  const auto mark_all = [&](std::span<const KeyEntry> block) {
    for (const KeyEntry& entry : block)
      if (index.keeps(entry)) index.filter.mark(entry.hash);
  };
  const auto others = read_run_blocks(reader, *runs, mark_all);
  if (!others) return others.error();
  index.runs = std::move(*runs);
  for (const auto& run : index.runs) index.next_run = std::max(index.next_run, run->id + 1);
  for (const BlockRange& range : *others) index.next_run = std::max(index.next_run, range.run + 1);
  if (index.journal != nullptr) index.erasing.assign(others->begin(), others->end());
  return {};
}

const KeyAges& KeyIndex::loaded_ages() const { return impl_->ages; }

void KeyIndex::prefetch(std::uint64_t hash) const { impl_->filter.prefetch(hash); }

void KeyIndex::prefetch_insert(std::uint64_t hash) const {
  impl_->filter.prefetch(hash);
  impl_->active.prefetch(hash);
}

bool KeyIndex::maybe(std::uint64_t hash) const { return impl_->filter.maybe(hash); }

void KeyIndex::mark(std::uint64_t hash) { impl_->filter.mark(hash); }

void KeyIndex::insert(std::uint64_t hash, Locator locator) {
  impl_->filter.mark(hash);
  impl_->active.insert({hash, locator.packed});
}

void KeyIndex::forget(const KeyAges& ages) {
  assert(impl_->journal != nullptr);
  impl_->journal->put(Table::keys, std::string(kKeyAgesKey), RecordKind::key_ages, write_key_ages(ages));
  impl_->forgotten = std::max(impl_->forgotten, Locator::of(ages.forgotten_before, 0).packed);
}

Result<std::vector<Locator>> KeyIndex::find(std::uint64_t hash) const {
  std::vector<std::uint64_t> packed;
  impl_->active.find(hash, packed);
  if (impl_->freeze.phase == Phase::writing || impl_->freeze.phase == Phase::waiting) impl_->frozen.find(hash, packed);
  if (!impl_->runs.empty()) {
    const Store::Reader reader(impl_->store);
    for (const auto& run : impl_->runs) {
      if (!run->readable) continue;
      if (const auto read = find_in_run(reader, *run, hash, packed); !read) return read.error();
    }
  }
  std::erase_if(packed, [&](std::uint64_t locator) { return locator < impl_->forgotten; });
  std::sort(packed.begin(), packed.end(), std::greater<>());  // A later position is newer.
  packed.erase(std::unique(packed.begin(), packed.end()), packed.end());
  std::vector<Locator> found;
  found.reserve(packed.size());
  for (const std::uint64_t locator : packed) found.push_back({locator});
  return found;
}

void KeyIndex::begin_run() {
  assert(!writing());
  assert(impl_->journal != nullptr);
  impl_->merge_lacks_room = false;
  if (impl_->active.size() == 0) return;
  std::swap(impl_->active, impl_->frozen);
  Freeze& freeze = impl_->freeze;
  freeze.phase = Phase::writing;
  freeze.partition = 0;
  freeze.writer.emplace(*impl_->journal, impl_->next_run++, 0, impl_->tuning.block_entries);
  if (impl_->refilling || !impl_->merge_outcome || !impl_->filter.wasteful(impl_->kept())) return;
  impl_->filter.begin_next(impl_->kept());
  impl_->refilling.emplace();
}

bool KeyIndex::writing() const { return impl_->freeze.phase != Phase::idle; }

bool KeyIndex::step() {
  impl_->poll();
  if (!impl_->can_step()) return false;
  impl_->step();
  impl_->poll();
  return impl_->can_step();
}

bool KeyIndex::idle() const {
  const Impl& index = *impl_;
  const bool merged = !index.merge && !index.refilling && !index.level_to_merge();
  return !writing() && merged && index.erasing.empty() && !index.run_to_drop() && !index.filter.has_old();
}

const Result<void>& KeyIndex::merge_outcome() const { return impl_->merge_outcome; }

std::size_t KeyIndex::keys_in_memory() const { return impl_->active.size() + impl_->frozen.size(); }

std::size_t KeyIndex::runs() const {
  const auto readable = [](const auto& run) { return run->readable; };
  return static_cast<std::size_t>(std::count_if(impl_->runs.begin(), impl_->runs.end(), readable));
}

std::uint64_t KeyIndex::keys_in_runs() const {
  std::uint64_t keys = 0;
  for (const auto& run : impl_->runs)
    if (run->readable) keys += run->entries;
  return keys;
}

std::uint64_t KeyIndex::keys_dropped() const { return impl_->dropped; }

std::size_t KeyIndex::filter_bytes() const { return impl_->filter.bytes(); }

// --- Steps.

bool KeyIndex::Impl::can_step() const {
  if (journal == nullptr || in_flight_bytes->load(std::memory_order_relaxed) >= tuning.in_flight_bytes_max)
    return false;
  const bool freezing = freeze.phase == Phase::writing || freeze.phase == Phase::clearing;
  const bool merging = merge ? !merge->durable : refilling || level_to_merge() || run_to_drop();
  return freezing || merging || !erasing.empty() || filter.has_old();
}

/// Memory is freed before space on disk, and that before more of it is taken.
void KeyIndex::Impl::step() {
  if (freeze.phase == Phase::writing) return write_partitions();
  if (freeze.phase == Phase::clearing) return clear_partitions();
  if (filter.has_old()) return filter.free_old();
  if (!erasing.empty()) return erase_blocks();
  if (!merge) {
    if (refilling) return refill();
    if (const KeyRun* run = run_to_drop()) return drop_run(run);
    return start_merge(*level_to_merge());
  }
  // Its sources hold all that it has written, and what is promised needs the room.
  if (journal->storage_full()) return drop_merge();
  merge_entries();
}

/// An upper bound: some are forgotten and still stored.
std::uint64_t KeyIndex::Impl::kept() const {
  std::uint64_t keys = active.size() + frozen.size();
  for (const auto& run : runs) keys += run->entries;
  return keys;
}

void KeyIndex::Impl::poll() {
  if (freeze.phase == Phase::waiting && freeze.durable->load(std::memory_order_acquire)) {
    if (freeze.run) freeze.run->readable = true;
    freeze.phase = Phase::clearing;
    freeze.partition = 0;
  }
  if (merge && merge->durable && merge->durable->load(std::memory_order_acquire)) finish_merge();
}

/// The next partition, and those behind it while they are small: most of a young index's are empty.
void KeyIndex::Impl::write_partitions() {
  std::size_t entries = 0;
  do {
    const std::span<const KeyEntry> partition = frozen.partition(freeze.partition++);
    entries += partition.size();
    freeze.sorted.assign(partition.begin(), partition.end());
    std::sort(freeze.sorted.begin(), freeze.sorted.end());
    for (const KeyEntry& entry : freeze.sorted) {
      if (!keeps(entry)) {
        ++dropped;
        continue;
      }
      freeze.writer->add(entry);
      if (refilling) filter.mark_next(entry.hash);
    }
  } while (freeze.partition < KeyGeneration::kPartitions && entries < tuning.written_entries);
  if (freeze.partition == KeyGeneration::kPartitions) {
    freeze.run = list(freeze.writer->finish(), freeze.durable);
    freeze.phase = Phase::waiting;
  }
  account(freeze.writer->take_written_bytes());
}

void KeyIndex::Impl::clear_partitions() {
  const std::size_t end = std::min(freeze.partition + kClearedPerStep, KeyGeneration::kPartitions);
  for (; freeze.partition < end; ++freeze.partition) frozen.clear(freeze.partition);
  if (end == KeyGeneration::kPartitions) freeze.phase = Phase::idle;
}

void KeyIndex::Impl::erase_blocks() {
  BlockRange& range = erasing.front();
  const std::uint32_t end = std::min<std::uint32_t>(range.end, range.next + kErasedPerStep);
  account((end - range.next) * kErasedBytes);
  for (; range.next < end; ++range.next) journal->erase(Table::keys, block_key({range.run, range.next}));
  if (range.next == range.end) erasing.pop_front();
}

/// The lowest level with enough runs: small merges must not wait for large ones.
std::optional<std::uint32_t> KeyIndex::Impl::level_to_merge() const {
  if (merge || refilling || merge_lacks_room || !merge_outcome) return std::nullopt;
  std::optional<std::uint32_t> lowest;
  for (const auto& first : runs) {
    const auto alike = [&](const auto& run) { return run->readable && run->level == first->level; };
    if (lowest && *lowest <= first->level) continue;
    if (std::count_if(runs.begin(), runs.end(), alike) >= std::ptrdiff_t{kMergedRuns}) lowest = first->level;
  }
  return lowest;
}

void KeyIndex::Impl::start_merge(std::uint32_t level) {
  merge.emplace();
  std::uint64_t needed = 0;
  for (const auto& run : runs) {
    if (!run->readable || run->level != level || merge->sources.size() == kMergedRuns) continue;
    merge->sources.push_back(run.get());
    merge->cursors.emplace_back(*run);
    needed += run->blocks() * kBlockRoomBytes;
  }
  merge_lacks_room = journal->storage_full() || journal->room_bytes() < needed;
  if (merge_lacks_room) return merge.reset();
  merge->writer.emplace(*journal, next_run++, level + 1, tuning.block_entries);
}

void KeyIndex::Impl::merge_entries() {
  const Result<void> merged = merge_slice();
  account(merge->writer->take_written_bytes());
  if (!merged) {
    merge_outcome = merged;
    return drop_merge();
  }
  if (!merge->cursors.empty()) return;
  for (KeyRun* source : merge->sources) source->listed = false;
  merge->run = list(merge->writer->finish(), merge->durable);
  account(merge->writer->take_written_bytes());
}

Result<void> KeyIndex::Impl::merge_slice() {
  const Store::Reader reader(store);
  std::vector<RunCursor>& cursors = merge->cursors;
  for (RunCursor& cursor : cursors) {
    if (!cursor.needs_block()) continue;  // All do in the first slice.
    if (const auto fetched = cursor.fetch(reader); !fetched) return fetched;
  }
  for (std::size_t left = tuning.step_entries; left > 0 && !cursors.empty(); --left) {
    auto least = cursors.begin();
    for (auto other = least + 1; other != cursors.end(); ++other)
      if (other->entry() < least->entry()) least = other;
    if (keeps(least->entry())) {
      merge->writer->add(least->entry());
    } else {
      ++merge->left_out;
    }
    least->advance();
    if (!least->needs_block()) continue;
    if (least->at_end()) {
      cursors.erase(least);
    } else if (const auto fetched = least->fetch(reader); !fetched) {
      return fetched;
    }
  }
  return {};
}

/// The merged run is durable: it is read from now on, and nobody needs its sources.
void KeyIndex::Impl::finish_merge() {
  if (merge->run) merge->run->readable = true;
  dropped += merge->left_out;
  for (const KeyRun* source : merge->sources) {
    erasing.push_back({source->id, 0, source->blocks()});
    std::erase_if(runs, [&](const auto& run) { return run.get() == source; });
  }
  merge.reset();
}

void KeyIndex::Impl::drop_merge() {
  merge_lacks_room = true;
  if (const BlockRange written = merge->writer->written(); written.end > 0) erasing.push_back(written);
  merge.reset();
}

/// A run that is forgotten as a whole. Not while others are read: it may be one of them.
const KeyRun* KeyIndex::Impl::run_to_drop() const {
  if (merge || refilling) return nullptr;
  const auto gone = [&](const auto& run) { return run->readable && run->newest < forgotten; };
  const auto run = std::find_if(runs.begin(), runs.end(), gone);
  return run == runs.end() ? nullptr : run->get();
}

/// Its blocks are erased behind the list that does not name it any more.
void KeyIndex::Impl::drop_run(const KeyRun* run) {
  dropped += run->entries;
  erasing.push_back({run->id, 0, run->blocks()});
  std::erase_if(runs, [&](const auto& other) { return other.get() == run; });
  journal->put(Table::keys, std::string(kRunListKey), RecordKind::key_run_list, encode_run_list(runs));
}

/// Reads part of the runs into the new filter. What is being written by now is marked there already.
void KeyIndex::Impl::refill() {
  if (!refilling->reading) {
    refilling->reading = true;
    for (const auto& run : runs)
      if (run->readable) refilling->runs.push_back(run.get());
  }
  if (const Result<void> read = refill_slice(); !read) {
    merge_outcome = read;
    filter.drop_next();
  } else if (refilling->runs.empty()) {
    filter.take_next();
  } else {
    return;
  }
  refilling.reset();
}

Result<void> KeyIndex::Impl::refill_slice() {
  const Store::Reader reader(store);
  std::size_t left = tuning.step_entries;
  while (!refilling->runs.empty() && left > 0) {
    std::optional<RunCursor>& cursor = refilling->cursor;
    if (!cursor) cursor.emplace(*refilling->runs.back());
    if (cursor->at_end()) {
      refilling->runs.pop_back();
      cursor.reset();
      continue;
    }
    if (cursor->needs_block())
      if (const auto fetched = cursor->fetch(reader); !fetched) return fetched;
    for (; left > 0 && !cursor->needs_block(); --left, cursor->advance())
      if (keeps(cursor->entry())) filter.mark_next(cursor->entry().hash);
  }
  return {};
}

/// Makes a run that is written part of the list, unless it is empty. `durable` is set when the list and all before it
/// are on disk.
KeyRun* KeyIndex::Impl::list(std::unique_ptr<KeyRun> run, Flag& durable) {
  KeyRun* listed = nullptr;
  if (run->blocks() > 0) {
    run->listed = true;
    listed = runs.emplace_back(std::move(run)).get();
  }
  journal->put(Table::keys, std::string(kRunListKey), RecordKind::key_run_list, encode_run_list(runs));
  durable = std::make_shared<std::atomic<bool>>(false);
  journal->after_durable([flag = durable] { flag->store(true, std::memory_order_release); });
  return listed;
}

void KeyIndex::Impl::account(std::size_t bytes) {
  if (bytes == 0) return;
  in_flight_bytes->fetch_add(bytes, std::memory_order_relaxed);
  journal->after_durable([total = in_flight_bytes, bytes] { total->fetch_sub(bytes, std::memory_order_relaxed); });
}

}  // namespace kontor::persistence
