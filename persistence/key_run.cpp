#include "persistence/key_run.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "persistence/table_codec.hpp"

namespace kontor::persistence {
namespace {

static_assert(std::endian::native == std::endian::little, "entries are stored as they are in memory");

constexpr Error kDamaged{Errc::corrupt_journal, "key run"};
constexpr std::size_t kBlockKeyBytes = 8;

struct ListedRun {
  std::uint32_t id = 0, level = 0, blocks = 0, reserved = 0;
  std::uint64_t entries = 0;
};
static_assert(sizeof(ListedRun) == 24);

void append_big_endian(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift & 0xff));
}

std::uint32_t read_big_endian(std::string_view from) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(from[i]);
  return number;
}

/// A block's entries, copied out: never none.
Result<void> decode_block(const Record& record, std::vector<KeyEntry>& entries) {
  const std::string_view payload = record.payload;
  const bool whole = !payload.empty() && payload.size() % sizeof(KeyEntry) == 0;
  if (record.header.kind != RecordKind::key_run_block || !whole) return kDamaged;
  entries.resize(payload.size() / sizeof(KeyEntry));
  std::memcpy(entries.data(), payload.data(), payload.size());
  return {};
}

/// Likewise from the store: a block that is missing is damage too.
Result<void> read_block(const Store::Reader& reader, BlockPlace place, std::vector<KeyEntry>& entries) {
  const Result<Record> record = reader.get(Table::keys, block_key(place));
  if (record) return decode_block(*record, entries);
  return record.code() == Errc::not_found ? kDamaged : record.error();
}

/// All blocks of the table, one after the other in the order of their keys.
class LoadedBlocks {
 public:
  LoadedBlocks(std::span<const std::unique_ptr<KeyRun>> runs,
               const std::function<void(std::span<const KeyEntry>)>& visit)
      : visit_(visit) {
    for (const auto& run : runs) runs_[run->id] = {run.get(), 0, 0};
  }

  bool take(std::string_view key, const Record& record) {
    const BlockPlace place{read_big_endian(key), read_big_endian(key.substr(4))};
    const auto found = runs_.find(place.run);
    if (found == runs_.end()) return take_other(place);
    auto& [run, blocks, entries] = found->second;
    if (place.block != blocks || blocks == run->blocks() || !decode_block(record, block_)) return false;
    // Entries ascend through the whole run; `last_` is of this run unless this is its first block.
    const bool follows = blocks == 0 || last_ < block_.front();
    if (!follows || !std::is_sorted(block_.begin(), block_.end())) return false;
    run->fences[blocks++] = block_.front().hash;
    entries += block_.size();
    for (const KeyEntry& entry : block_) run->newest = std::max(run->newest, entry.locator);
    last_ = block_.back();
    visit_(block_);
    return true;
  }

  bool complete() const {
    return std::all_of(runs_.begin(), runs_.end(), [](const auto& item) {
      const Loaded& loaded = item.second;
      return loaded.blocks == loaded.run->blocks() && loaded.entries == loaded.run->entries;
    });
  }
  std::vector<BlockRange> others() { return std::move(others_); }

 private:
  struct Loaded {
    KeyRun* run = nullptr;
    std::uint32_t blocks = 0;
    std::uint64_t entries = 0;
  };

  bool take_other(BlockPlace place) {
    const bool follows = !others_.empty() && others_.back().run == place.run && others_.back().end == place.block;
    if (!follows) others_.push_back({place.run, place.block, place.block});
    ++others_.back().end;
    return true;
  }

  const std::function<void(std::span<const KeyEntry>)>& visit_;
  std::map<std::uint32_t, Loaded> runs_;
  std::vector<BlockRange> others_;
  std::vector<KeyEntry> block_;
  KeyEntry last_;
};

}  // namespace

std::string block_key(BlockPlace place) {
  std::string key;
  append_big_endian(key, place.run);
  append_big_endian(key, place.block);
  return key;
}

std::string encode_run_list(std::span<const std::unique_ptr<KeyRun>> runs) {
  std::string payload;
  for (const auto& run : runs) {
    if (!run->listed) continue;
    const ListedRun listed{run->id, run->level, run->blocks(), 0, run->entries};
    char bytes[sizeof listed];
    std::memcpy(bytes, &listed, sizeof listed);
    payload.append(bytes, sizeof bytes);
  }
  return payload;
}

Result<std::vector<std::unique_ptr<KeyRun>>> read_run_list(const Store::Reader& reader) {
  std::vector<std::unique_ptr<KeyRun>> runs;
  const Result<Record> record = reader.get(Table::keys, kRunListKey);
  if (!record && record.code() == Errc::not_found) return runs;
  if (!record) return record.error();
  const std::string_view payload = record->payload;
  if (record->header.kind != RecordKind::key_run_list || payload.size() % sizeof(ListedRun) != 0) return kDamaged;
  for (std::size_t at = 0; at < payload.size(); at += sizeof(ListedRun)) {
    ListedRun listed;
    std::memcpy(&listed, payload.data() + at, sizeof listed);
    if (listed.blocks == 0 || listed.blocks > listed.entries || listed.reserved != 0) return kDamaged;
    auto run = std::make_unique<KeyRun>();
    run->id = listed.id;
    run->level = listed.level;
    run->entries = listed.entries;
    run->fences.resize(listed.blocks);
    run->listed = run->readable = true;
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<std::vector<BlockRange>> read_run_blocks(const Store::Reader& reader,
                                                std::span<const std::unique_ptr<KeyRun>> runs,
                                                const std::function<void(std::span<const KeyEntry>)>& visit) {
  LoadedBlocks loaded(runs, visit);
  bool sound = true;
  const auto take = [&](std::string_view key, const Record& record) {
    sound = key.size() == kBlockKeyBytes ? loaded.take(key, record) : key == kRunListKey || key == kKeyAgesKey;
    return sound;
  };
  if (const auto scanned = reader.scan(Table::keys, std::string(kBlockKeyBytes, '\0'), take); !scanned)
    return scanned.error();
  if (!sound || !loaded.complete()) return kDamaged;
  return loaded.others();
}

Result<KeyAges> stored_key_ages(const Store::Reader& reader) {
  const Result<Record> record = reader.get(Table::keys, kKeyAgesKey);
  if (!record && record.code() == Errc::not_found) return KeyAges{};
  if (!record) return record.error();
  if (record->header.kind != RecordKind::key_ages) return Error{Errc::corrupt_journal, "key_ages"};
  return read_key_ages(record->payload);
}

Result<void> find_in_run(const Store::Reader& reader, const KeyRun& run, std::uint64_t hash,
                         std::vector<std::uint64_t>& found) {
  // Entries of one hash may begin at the end of the block before the first whose fence is not below it.
  const auto fence = std::lower_bound(run.fences.begin(), run.fences.end(), hash);
  auto block = static_cast<std::uint32_t>(fence - run.fences.begin());
  if (block > 0) --block;
  std::vector<KeyEntry> entries;
  for (; block < run.blocks() && run.fences[block] <= hash; ++block) {
    if (const auto read = read_block(reader, {run.id, block}, entries); !read) return read;
    const auto below = [](const KeyEntry& entry, std::uint64_t wanted) { return entry.hash < wanted; };
    auto entry = std::lower_bound(entries.begin(), entries.end(), hash, below);
    for (; entry != entries.end() && entry->hash == hash; ++entry) found.push_back(entry->locator);
  }
  return {};
}

RunWriter::RunWriter(JournalSink& journal, std::uint32_t id, std::uint32_t level, std::size_t block_entries)
    : journal_(journal), run_(std::make_unique<KeyRun>()), block_bytes_(block_entries * sizeof(KeyEntry)) {
  run_->id = id;
  run_->level = level;
}

void RunWriter::add(const KeyEntry& entry) {
  if (run_->entries > 0 && entry == last_) return;
  if (block_.empty()) {
    block_.reserve(block_bytes_);
    run_->fences.push_back(entry.hash);
  }
  char bytes[sizeof entry];
  std::memcpy(bytes, &entry, sizeof entry);
  block_.append(bytes, sizeof bytes);
  ++run_->entries;
  run_->newest = std::max(run_->newest, entry.locator);
  last_ = entry;
  if (block_.size() == block_bytes_) write_block();
}

void RunWriter::write_block() {
  written_bytes_ += block_.size();
  journal_.put(Table::keys, block_key({run_->id, run_->blocks() - 1}), RecordKind::key_run_block,
               std::exchange(block_, {}));
}

std::unique_ptr<KeyRun> RunWriter::finish() {
  if (!block_.empty()) write_block();
  return std::move(run_);
}

Result<void> RunCursor::fetch(const Store::Reader& reader) {
  at_ = 0;
  return read_block(reader, {run_->id, next_block_++}, entries_);
}

}  // namespace kontor::persistence
