#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "domain/key_retention.hpp"
#include "persistence/journal_sink.hpp"
#include "persistence/store.hpp"

namespace kontor::persistence {

/// Where the order journal holds a committed request: the record's position and the item's index in it.
struct Locator {
  std::uint64_t packed = 0;  ///< position << 20 | index
  static Locator of(Position position, std::uint32_t index) { return {position << 20 | index}; }
  Position position() const { return packed >> 20; }
  std::uint32_t index() const { return static_cast<std::uint32_t>(packed & 0xfffff); }
  friend bool operator==(const Locator&, const Locator&) = default;
};

/// With both headers exactly one page: LMDB takes single pages without the search that several in a row may cost
/// (free_runs.hpp), and a search in a block has only so much to checksum.
inline constexpr std::size_t kRunBlockEntries = 253;

/// The set of all idempotency keys that had an effect and are not forgotten, by 64-bit hash: millions a minute, found
/// in microseconds, in flat memory. A hash names candidates only: the caller compares the key in the order record.
///
/// Shape (a small log-structured merge tree): a blocked Bloom filter over everything; the newest keys in memory; older
/// ones in sorted runs in Table::keys, merged four into one, in slices that the caller paces with its other work.
///   key of a block   := run: u32 big-endian, block: u32 big-endian
///   payload of block := { hash: u64, locator: u64 } sorted by hash, kRunBlockEntries at most
/// A merge writes all its sources hold before they go. It waits for a checkpoint that finds the room, and what it wrote
/// goes again when the storage fills up under it.
/// Locators ascend with time, so what is forgotten is what lies before a position (`forget`): it is no candidate from
/// then on, a run that is all of it goes as a whole, what is written or merged leaves it out, and when at least half of
/// what the filter holds is gone, the next checkpoint makes it anew (key_filter.hpp). A run takes over from memory, and
/// a merged run from its sources, when it is durable; see key_run.hpp for the layout. Owned by one actor; not
/// thread-safe (the journal behind it is).
class KeyIndex {
 public:
  /// Sizes that tests make small.
  struct Tuning {
    std::size_t block_entries = kRunBlockEntries;
    std::size_t step_entries = 8'192;            ///< Merged by one step.
    std::size_t written_entries = 2'048;         ///< Of new ones by one step, about; 0: of one partition.
    std::size_t in_flight_bytes_max = 1u << 20;  ///< Queued and not durable: no step holds up the actors' commits.
  };

  /// An empty index, or with `load` what the tables hold. `store` is read, `journal` written; without a journal the
  /// index can only be read. `filter_keys` is how many keys the first filter is made for (16 bits a key, so 32 Mi keys
  /// take 64 MiB); when they are exceeded another filter of double the size is added.
  KeyIndex(const Store& store, JournalSink* journal, std::size_t filter_keys = std::size_t{32} << 20);
  KeyIndex(const Store& store, JournalSink* journal, std::size_t filter_keys, const Tuning& tuning);
  ~KeyIndex();

  /// Reads the list of runs and rebuilds the filter from them. Into an empty index only. Errors: corrupt_journal.
  Result<void> load();
  /// What was stored by `forget`, as `load` found it.
  const KeyAges& loaded_ages() const;

  /// Fetches what `maybe` will read: for all hashes of a batch first, then their cache misses overlap.
  void prefetch(std::uint64_t hash) const;
  /// Fetches what `insert` will change, in the same way.
  void prefetch_insert(std::uint64_t hash) const;
  /// False: certainly never marked. One cache miss.
  bool maybe(std::uint64_t hash) const;
  /// Marks a hash in the filter only (a request is being prepared; it may still abort, which costs a false positive).
  void mark(std::uint64_t hash);
  /// A request with this key committed. Marks it too. The same pair again, as in recovery, does no harm.
  void insert(std::uint64_t hash, Locator locator);
  /// Stores `ages`, and forgets all keys before its `forgotten_before`, which never falls.
  void forget(const KeyAges& ages);
  /// All candidates that are not forgotten, newest first, each once: from memory, and one block of each run (two other
  /// keys may share a hash, so a candidate in memory does not prove that there is none in the store). Errors:
  /// corrupt_journal.
  Result<std::vector<Locator>> find(std::uint64_t hash) const;

  /// Freezes what is in memory and begins to write it as a run. Not while another is being written.
  void begin_run();
  /// From begin_run until the run is durable and the memory it came from is free again.
  bool writing() const;
  /// One step of at most ~0.5 ms: writes part of the run, erases blocks that nobody reads any more, merges part of
  /// older runs, or makes part of a new filter. True: the next step has something to do. False: nothing to do, or only
  /// when the disk has caught up; so call it again with the next batch or tick until `idle`.
  bool step();
  /// No run is being written or merged, no filter made, nothing is left to erase.
  bool idle() const;
  /// corrupt_journal when a merge met a damaged block: merging has stopped, `find` still answers or says so itself.
  const Result<void>& merge_outcome() const;

  std::size_t keys_in_memory() const;
  std::size_t runs() const;
  std::uint64_t keys_in_runs() const;
  /// Forgotten keys that were left out since the index was made; those that are still stored are among the kept.
  std::uint64_t keys_dropped() const;
  std::size_t filter_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::persistence
