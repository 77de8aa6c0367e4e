#pragma once
#include <deque>
#include <functional>
#include <stdexcept>

#include "persistence/key_index.hpp"
#include "persistence/key_run.hpp"
#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"

namespace kontor::persistence::testing {

/// Blocks of 4 and slices of 16, so that a few hundred keys make many blocks, levels and steps.
inline constexpr KeyIndex::Tuning kSmall{
    .block_entries = 4, .step_entries = 16, .written_entries = 16, .in_flight_bytes_max = 1u << 20};

/// Queues what the index writes and commits as much of it as it is told to: what is left in the queue when the
/// directory is opened anew is what a crash took.
class HeldJournal final : public JournalSink {
 public:
  explicit HeldJournal(Store& store) : store_(store) {}

  Position append(Stream, RecordKind, std::string, std::int64_t) override { throw std::logic_error("no records here"); }
  void truncate(Stream, Position) override { throw std::logic_error("no records here"); }
  void put(Table table, std::string key, RecordKind kind, std::string payload) override {
    REQUIRE(table == Table::keys);
    queue_.push_back({.key = std::move(key), .kind = kind, .payload = std::move(payload)});
  }
  void erase(Table table, std::string key) override {
    REQUIRE(table == Table::keys);
    queue_.push_back({.key = std::move(key), .erase = true});
  }
  bool storage_full() const override { return full; }
  std::uint64_t room_bytes() const override { return room; }
  bool full = false;
  std::uint64_t room = ~std::uint64_t{0};

  void after_durable(std::function<void()> action) override {
    if (queue_.empty()) return action();
    queue_.push_back({.action = std::move(action)});
  }

  void commit(std::size_t most = ~std::size_t{0}) {
    Store::Writer writer(store_);
    std::vector<std::function<void()>> actions;
    for (; most > 0 && !queue_.empty(); --most, queue_.pop_front()) {
      Item& item = queue_.front();
      if (item.action) {
        actions.push_back(std::move(item.action));
      } else if (item.erase) {
        REQUIRE(writer.erase(Table::keys, item.key));
      } else {
        RecordHeader header;
        header.kind = item.kind;
        REQUIRE(writer.put(Table::keys, item.key, header, item.payload));
      }
    }
    REQUIRE(writer.commit());
    for (const auto& action : actions) action();
  }
  std::size_t queued() const { return queue_.size(); }

 private:
  struct Item {
    std::string key;
    RecordKind kind = RecordKind::key_run_block;
    std::string payload;
    bool erase = false;
    std::function<void()> action;
  };
  Store& store_;
  std::deque<Item> queue_;
};

inline std::unique_ptr<Store> open_store(const std::filesystem::path& dir, bool read_only = false) {
  StoreOptions options;
  options.dir = dir;
  options.map_bytes = std::uint64_t{1} << 30;
  options.read_only = read_only;
  std::string why;
  auto opened = Store::open(options, &why);
  CAPTURE(why);
  REQUIRE(opened);
  return std::move(*opened);
}

/// A store, its journal and an index on both, as after a start.
struct Shard {
  explicit Shard(const std::filesystem::path& dir, const KeyIndex::Tuning& tuning = kSmall)
      : store(open_store(dir)), journal(*store), index(*store, &journal, 64, tuning), loaded(index.load()) {}

  void settle() {
    while (!index.idle())
      if (!index.step()) journal.commit();
    journal.commit();
  }
  void write_run(bool merge = true) {
    index.begin_run();
    while (merge ? !index.idle() : index.writing())
      if (!index.step()) journal.commit();
    journal.commit();
  }
  std::vector<std::uint64_t> find(std::uint64_t hash) const {
    const auto found = index.find(hash);
    REQUIRE(found);
    std::vector<std::uint64_t> packed;
    for (const Locator& locator : *found) packed.push_back(locator.packed);
    return packed;
  }
  std::size_t stored_blocks() const {
    const Store::Reader reader(*store);
    std::size_t blocks = 0;
    REQUIRE(reader.scan(Table::keys, std::string(8, '\0'), [&](std::string_view key, const Record&) {
      blocks += key.size() == 8;
      return true;
    }));
    return blocks;
  }

  std::unique_ptr<Store> store;
  HeldJournal journal;
  KeyIndex index;
  Result<void> loaded;
};

}  // namespace kontor::persistence::testing
