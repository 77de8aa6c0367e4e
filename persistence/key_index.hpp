#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "persistence/journal.hpp"

namespace kontor::persistence {

/// Where the order journal holds a committed request: the record's position and the item's index in it.
struct Locator {
  std::uint64_t packed = 0;  ///< position << 20 | index
  static Locator of(Position position, std::uint32_t index) { return {position << 20 | index}; }
  Position position() const { return packed >> 20; }
  std::uint32_t index() const { return static_cast<std::uint32_t>(packed & 0xfffff); }
  friend bool operator==(const Locator&, const Locator&) = default;
};

/// The set of all idempotency keys that had an effect, by 64-bit hash: millions a minute, found in well under a
/// microsecond, in flat memory. A hash names candidates only: the caller compares the key in the order record.
///
/// Shape (a small log-structured merge tree): a blocked Bloom filter over everything; the newest keys in memory; older
/// ones in sorted runs in Table::keys, merged four into one, in slices that the caller paces with its other work.
///   key of a block   := run: u32 big-endian, block: u32 big-endian
///   payload of block := { hash: u64, locator: u64 } sorted by hash, kRunBlockEntries at most
/// Owned by one actor; not thread-safe (the journal behind it is).
class KeyIndex {
public:
  /// An empty index, or with `load` what the tables hold. `store` is read, `journal` written.
  /// `filter_keys` is how many keys the first filter is made for (16 bits a key, so 4 Mi keys take 8 MiB); when they
  /// are exceeded another filter of double the size is added.
  KeyIndex(const Store& store, Journal* journal, std::size_t filter_keys = std::size_t{32} << 20);
  ~KeyIndex();

  /// Reads the list of runs and rebuilds the filter from them. Errors: corrupt_journal.
  Result<void> load();

  /// False: certainly never marked. One cache miss.
  bool maybe(std::uint64_t hash) const;
  /// Marks a hash in the filter only (a request is being prepared; it may still abort, which costs a false positive).
  void mark(std::uint64_t hash);
  /// A request with this key committed. Marks it too.
  void insert(std::uint64_t hash, Locator locator);
  /// All candidates, newest first. Reads the store only when memory does not hold them.
  /// Errors: corrupt_journal.
  Result<std::vector<Locator>> find(std::uint64_t hash) const;

  /// Freezes what is in memory and begins to write it as a run. Not while another is being written.
  void begin_run();
  bool writing() const;
  /// One step of at most ~0.5 ms: writes part of the run, or merges part of older ones. True: more is to do.
  /// The new run takes effect for readers after a restart when its list is durable (same journal, FIFO).
  bool step();

  std::size_t keys_in_memory() const;
  std::size_t runs() const;
  std::uint64_t keys_in_runs() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kontor::persistence
