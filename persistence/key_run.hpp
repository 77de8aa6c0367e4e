#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/key_retention.hpp"
#include "persistence/journal_sink.hpp"
#include "persistence/key_generation.hpp"
#include "persistence/store.hpp"

/// Sorted runs of keys in Table::keys. Layouts, integers little-endian unless said otherwise:
///
///   key of a block   := run: u32 big-endian, block: u32 big-endian
///   payload of block := KeyEntry[1 .. block_entries]      sorted by hash, then locator; also over the run's blocks
///   key of the list  := "runs"                             (beside it, under "ages", key_ages of table_codec.hpp)
///   payload of list  := { run: u32, level: u32, blocks: u32, reserved: u32 = 0, entries: u64 }[]
///
/// A run counts only when the list names it; the list is queued behind its blocks. Blocks of other runs are left from a
/// crash, or not yet erased.
namespace kontor::persistence {

inline constexpr std::string_view kRunListKey = "runs";

struct KeyRun {
  std::uint32_t id = 0;
  std::uint32_t level = 0;  ///< How often its keys were merged.
  std::uint64_t entries = 0;
  std::uint64_t newest = 0;           ///< Highest locator: not stored, since all blocks are read at a start.
  std::vector<std::uint64_t> fences;  ///< First hash of each block.
  bool listed = false;                ///< The newest list that was queued names it.
  bool readable = false;              ///< It is durable: find() reads it.

  std::uint32_t blocks() const { return static_cast<std::uint32_t>(fences.size()); }
};

/// Blocks in a row of one run that are to be erased.
struct BlockRange {
  std::uint32_t run = 0;
  std::uint32_t next = 0, end = 0;
};

struct BlockPlace {
  std::uint32_t run = 0, block = 0;
};
std::string block_key(BlockPlace place);

/// Of the runs that are listed.
std::string encode_run_list(std::span<const std::unique_ptr<KeyRun>> runs);

/// The listed runs, without their fences; none if there never was a list. Errors: corrupt_journal.
Result<std::vector<std::unique_ptr<KeyRun>>> read_run_list(const Store::Reader& reader);
/// Reads every block: checks and completes `runs`, shows each of their blocks to `visit`, and returns the blocks of all
/// other runs, which are to be erased. Errors: corrupt_journal.
Result<std::vector<BlockRange>> read_run_blocks(const Store::Reader& reader,
                                                std::span<const std::unique_ptr<KeyRun>> runs,
                                                const std::function<void(std::span<const KeyEntry>)>& visit);

/// What was stored of the keys' ages; nothing forgotten if there never was such a row. Errors: corrupt_journal.
Result<KeyAges> stored_key_ages(const Store::Reader& reader);

/// Adds the locators of `hash` in a readable run. Errors: corrupt_journal.
Result<void> find_in_run(const Store::Reader& reader, const KeyRun& run, std::uint64_t hash,
                         std::vector<std::uint64_t>& found);

/// Writes a run: entries in, blocks out to the journal.
class RunWriter {
 public:
  RunWriter(JournalSink& journal, std::uint32_t id, std::uint32_t level, std::size_t block_entries);

  /// In ascending order; the same entry again is left out.
  void add(const KeyEntry& entry);
  /// Writes the last block. The run is neither listed nor readable yet, and without blocks if nothing was added.
  std::unique_ptr<KeyRun> finish();
  /// Bytes given to the journal since the last call.
  std::size_t take_written_bytes() { return std::exchange(written_bytes_, 0); }
  /// What was written so far, for who gives up.
  BlockRange written() const { return {run_->id, 0, run_->blocks() - (block_.empty() ? 0 : 1)}; }

 private:
  void write_block();

  JournalSink& journal_;
  std::unique_ptr<KeyRun> run_;
  std::size_t block_bytes_;
  std::string block_;
  KeyEntry last_;
  std::size_t written_bytes_ = 0;
};

/// Reads a run from its start, a block at a time; no view of the store is kept open between.
class RunCursor {
 public:
  explicit RunCursor(const KeyRun& run) : run_(&run) {}

  bool at_end() const { return needs_block() && next_block_ == run_->blocks(); }
  /// `entry` must not be asked before the next `fetch`.
  bool needs_block() const { return at_ == entries_.size(); }
  /// Errors: corrupt_journal.
  Result<void> fetch(const Store::Reader& reader);
  const KeyEntry& entry() const { return entries_[at_]; }
  void advance() { ++at_; }

 private:
  const KeyRun* run_;
  std::uint32_t next_block_ = 0;
  std::vector<KeyEntry> entries_;
  std::size_t at_ = 0;
};

}  // namespace kontor::persistence
