#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "persistence/journal_sink.hpp"
#include "persistence/store.hpp"

namespace kontor::testing {

/// A journal that commits only when the test says so and can forget what was not committed. What it commits goes into a
/// real store, item by item in the order of the queue, as the real journal may cut it anywhere. Single-threaded.
class ManualJournal final : public persistence::JournalSink {
 public:
  struct Item {
    enum class What { append, put, erase, truncate, action };
    What what = What::append;
    persistence::Stream stream = persistence::Stream::coordinator;
    persistence::Table table = persistence::Table::meta;
    persistence::RecordKind kind = persistence::RecordKind::opened;
    Position position = 0;
    std::int64_t written_at_ns = 0;
    std::string key, payload;
    std::function<void()> action;
  };
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  ManualJournal(persistence::Store& store, Position next) : store_(store), next_(next), durable_(next - 1) {}

  std::function<void(Position)> on_durable;
  /// After each single item is in the store, before anybody is told: here a crash would find it.
  std::function<void(const Item&)> on_written;

  /// After something was queued behind nothing, or behind what is being written.
  std::function<void()> on_queued;

  // --- What actors call.

  Position append(persistence::Stream stream, persistence::RecordKind kind, std::string payload,
                  std::int64_t written_at_ns) override {
    Item item;
    item.stream = stream, item.kind = kind, item.position = next_++, item.written_at_ns = written_at_ns;
    item.payload = std::move(payload);
    return push(std::move(item));
  }
  void put(persistence::Table table, std::string key, persistence::RecordKind kind, std::string payload) override {
    Item item;
    item.what = Item::What::put, item.table = table, item.kind = kind;
    item.key = std::move(key), item.payload = std::move(payload);
    push(std::move(item));
  }
  void erase(persistence::Table table, std::string key) override {
    Item item;
    item.what = Item::What::erase, item.table = table, item.key = std::move(key);
    push(std::move(item));
  }
  void truncate(persistence::Stream stream, Position before) override {
    Item item;
    item.what = Item::What::truncate, item.stream = stream, item.position = before;
    push(std::move(item));
  }
  void after_durable(std::function<void()> action) override {
    if (queue_.empty()) return action();
    Item item;
    item.what = Item::What::action, item.action = std::move(action);
    push(std::move(item));
  }

  // --- What the test calls.

  /// Writes the oldest items, then tells that they are durable and runs the actions among them. Returns how many.
  std::size_t commit(std::size_t count = kAll) {
    count = std::min(count, queue_.size());
    std::vector<std::function<void()>> actions;
    Position last = 0;
    for (std::size_t i = 0; i < count; ++i) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      if (item.what == Item::What::append) last = item.position;
      if (item.what == Item::What::action)
        actions.push_back(std::move(item.action));
      else
        write(item);
    }
    if (last != 0) durable_ = last;
    if (last != 0 && on_durable) on_durable(durable_);
    for (const auto& action : actions) action();
    return count;
  }
  /// Writes the oldest items, and nobody ever hears of it: the process dies between the write and the news.
  void commit_untold(std::size_t count = kAll) {
    for (count = std::min(count, queue_.size()); count > 0; --count) {
      const Item item = std::move(queue_.front());
      queue_.pop_front();
      if (item.what != Item::What::action) write(item);
    }
  }
  /// A crash: what was not committed never was.
  void forget() { queue_.clear(); }

  std::size_t queued() const { return queue_.size(); }
  const std::deque<Item>& queue() const { return queue_; }
  Position appended() const { return next_ - 1; }
  Position durable() const { return durable_; }
  /// Queued and not committed records of one stream.
  std::vector<persistence::RecordKind> undurable(persistence::Stream stream) const {
    std::vector<persistence::RecordKind> out;
    for (const Item& item : queue_)
      if (item.what == Item::What::append && item.stream == stream) out.push_back(item.kind);
    return out;
  }

  static void write_to(persistence::Store& store, const Item& item) {
    persistence::Store::Writer writer(store);
    persistence::RecordHeader header;
    header.key = item.position, header.kind = item.kind, header.written_at_ns = item.written_at_ns;
    bool done = true;
    switch (item.what) {
      case Item::What::append: done = writer.append(item.stream, header, item.payload); break;
      case Item::What::put: done = writer.put(item.table, item.key, header, item.payload); break;
      case Item::What::erase: done = writer.erase(item.table, item.key); break;
      case Item::What::truncate: writer.truncate(item.stream, item.position, kAll); break;
      case Item::What::action: break;
    }
    if (!done || !writer.commit()) throw std::runtime_error("the store refused a write");
  }

 private:
  Position push(Item item) {
    const Position position = item.position;
    queue_.push_back(std::move(item));
    if (on_queued) on_queued();
    return position;
  }
  void write(const Item& item) {
    write_to(store_, item);
    if (on_written) on_written(item);
  }

  persistence::Store& store_;
  std::deque<Item> queue_;
  Position next_;
  Position durable_;
};

}  // namespace kontor::testing
