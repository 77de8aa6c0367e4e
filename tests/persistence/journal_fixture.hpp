#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "persistence/journal.hpp"
#include "tests/persistence/lmdb_file.hpp"
#include "tests/support/catch.hpp"

namespace kontor::persistence::testing {

/// A gate that the writer thread can be held at.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// True as soon as `condition` is; false after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A store and its journal in a directory of their own.
class JournalFixture {
 public:
  explicit JournalFixture(std::uint64_t map_bytes = 64u << 20, std::uint64_t reserve_bytes = 64u << 10)
      : map_bytes_(map_bytes) {
    options.reserve_bytes = reserve_bytes;
    options.on_failure = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      failures_.push_back(text);
    };
    options.on_durable = [this](Position durable) {
      if (on_durable) on_durable(durable);
      stop_if_held();
    };
    open_store();
  }
  ~JournalFixture() {
    if (release_ != nullptr) release_->open();  // A test that failed half-way must still end.
    journal_.reset();
  }
  JournalFixture(const JournalFixture&) = delete;
  JournalFixture& operator=(const JournalFixture&) = delete;

  JournalOptions options;                    ///< To be set before the journal is first asked for.
  std::function<void(Position)> on_durable;  ///< Likewise.

  void open_store() {
    journal_.reset();
    store_.reset();
    std::string why;
    auto opened = Store::open({dir_.path(), map_bytes_}, &why);
    INFO(why);
    REQUIRE(opened);
    store_ = std::move(*opened);
  }
  Store& store() { return *store_; }
  /// Made, and continued after what the store holds, but not started.
  Journal& journal() {
    if (journal_ == nullptr) journal_ = std::make_unique<Journal>(*store_, last() + 1, options);
    return *journal_;
  }
  Journal& started() {
    const bool fresh = journal_ == nullptr;
    if (fresh) journal().start();
    return journal();
  }
  void close_journal() { journal_.reset(); }

  Position append(Stream stream, std::string payload) {
    return journal().append(stream, RecordKind::order_prepared, std::move(payload), 1);
  }
  /// Waits until all that is queued is durable.
  void wait() {
    const auto gate = std::make_shared<Gate>();
    journal().after_durable([gate] { gate->open(); });
    gate->wait();
  }
  /// Writes one record and holds the writer behind that commit until the gate opens: what follows gathers.
  std::shared_ptr<Gate> hold_writer() {
    const auto held = std::make_shared<Gate>();
    auto release = std::make_shared<Gate>();
    {
      const std::lock_guard lock(mutex_);
      held_ = held;
      release_ = release;
    }
    append(Stream::order, "makes the writer come");
    held->wait();
    return release;
  }
  Position last() {
    const Store::Reader reader(*store_);
    Position last = 0;
    for (std::size_t i = 0; i < kStreams; ++i) last = std::max(last, reader.last(static_cast<Stream>(i)));
    return last;
  }
  std::uint64_t count(Stream stream) { return Store::Reader(*store_).count(stream); }
  std::vector<std::string> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  std::filesystem::path file() const { return dir_.file(); }

 private:
  void stop_if_held() {
    std::shared_ptr<Gate> held, release;
    {
      const std::lock_guard lock(mutex_);
      held = std::exchange(held_, nullptr);
      if (held != nullptr) release = release_;
    }
    if (held == nullptr) return;
    held->open();
    release->wait();
  }

  TempDir dir_;
  std::uint64_t map_bytes_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Journal> journal_;
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::shared_ptr<Gate> held_, release_;
};

}  // namespace kontor::persistence::testing
