#include "persistence/journal.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include <pthread.h>

namespace kontor::persistence {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kTransactionBytesMax = 16u << 20;  // A commit of more takes too long to wait for.
constexpr std::uint64_t kTransactionBytesMin = 256u << 10;
constexpr std::uint64_t kReserveStepBytesMin = 1u << 20,
                        kReserveStepBytesMax = 64u << 20;  // The file doubles until then.
constexpr std::size_t kTruncateRecordsMax = 128;  // Per commit: 0.7 ms of 200-KB records, and far more than it adds.
constexpr auto kTruncateWhenIdleEvery = std::chrono::milliseconds(10);
constexpr auto kFreeWalkEvery =
    std::chrono::milliseconds(20);  // Of the list of free pages, when the map is nearly full.
constexpr auto kSpaceCheckWhenIdleEvery = std::chrono::seconds(1);
constexpr std::uint64_t kTrimEveryBytes = 32u << 20;  // Written between two looks at resident memory.
constexpr int kSettleCommitsMax = 3;                  // LMDB gives freed pages out again two commits later.

}  // namespace

struct Journal::Item {
  enum class What : std::uint8_t { append, put, erase, truncate, action };

  What what;
  std::uint8_t place = 0;  ///< The Stream or the Table.
  RecordKind kind = RecordKind::opened;
  Position position = 0;
  std::int64_t written_at_ns = 0;
  std::string key, payload;
  std::function<void()> action;

  Stream stream() const { return static_cast<Stream>(place); }
  Table table() const { return static_cast<Table>(place); }
  std::size_t bytes() const {
    const bool stored = what == What::append || what == What::put || what == What::erase;
    return stored ? sizeof(RecordHeader) + key.size() + payload.size() : 0;
  }
};

struct Journal::Impl {
  Impl(Store& s, Position next, JournalOptions o)
      : store(s),
        options(std::move(o)),
        map_bytes(store.space().map_bytes),
        transaction_bytes_max(std::clamp(options.reserve_bytes / 4, kTransactionBytesMin, kTransactionBytesMax)),
        next_position(next),
        durable(next - 1) {}

  // --- The queue; any thread.

  Position push(Item item);
  void enqueue(Item item, std::unique_lock<std::mutex>& lock);
  bool take(std::vector<Item>& batch);

  // --- The writer thread only.

  void run();
  bool write_all(std::vector<Item>& batch);
  std::size_t transaction_end(const std::vector<Item>& batch, std::size_t begin) const;
  struct Failure {
    int error = 0;          ///< None: it is durable.
    bool map_full = false;  ///< Nothing was written.
    std::string_view doing;
  };
  bool commit(std::vector<Item>& batch, std::size_t begin, std::size_t end);
  Failure write_and_sync(std::span<const Item> transaction, Store::Writer::Parts parts);
  bool write(Store::Writer& writer, const Item& item);
  std::size_t truncate_some(Store::Writer& writer);
  bool fail(int error, std::string_view doing);
  bool idle();
  bool commit_settling();
  bool truncating() const;
  void check_space();
  bool disk_has_room(std::uint64_t used);
  bool map_has_room(std::uint64_t used);

  Store& store;
  const JournalOptions options;
  const std::uint64_t map_bytes;
  const std::uint64_t transaction_bytes_max;  ///< Several fit the reserve: freed pages come back two commits later.

  mutable std::mutex mutex;  ///< Guards the queue: all down to the next blank line.
  std::condition_variable wake;
  std::vector<Item> items;
  Position next_position;
  bool in_flight = false;  ///< The writer holds a batch that is not durable, or whose actions have not run.
  bool stopping = false;

  std::mutex joining;  ///< Guards `writer_thread`.
  std::thread writer_thread;

  std::atomic<Position> durable;
  std::atomic<std::size_t> queued_bytes{0};
  std::atomic<bool> full{false};
  std::atomic<std::uint64_t> commits{0}, records{0}, bytes{0}, table_bytes{0}, sync_ns{0};

  // The writer thread's own.
  std::array<Position, kStreams> truncate_before{};
  std::array<bool, kStreams> truncate_open{};
  std::uint64_t reserved_bytes = 0;   ///< The file is so long on disk.
  std::uint64_t untrimmed_bytes = 0;  ///< Written since the file's pages were let go of.
  std::uint64_t map_free_bytes = 0;   ///< As of the last walk over the free list, less what was written since.
  bool settling = false;              ///< The map would have room if two more commits were made.
  int settle_commits = 0;             ///< Made in a row for that.
  Clock::time_point walked_at{}, disk_refused_at{};
};

// --- The queue.

void Journal::Impl::enqueue(Item item, std::unique_lock<std::mutex>& lock) {
  queued_bytes.fetch_add(item.bytes(), std::memory_order_relaxed);
  const bool sleeping = items.empty();
  items.push_back(std::move(item));
  lock.unlock();
  if (sleeping) wake.notify_one();
}

Position Journal::Impl::push(Item item) {
  std::unique_lock lock(mutex);
  if (item.what == Item::What::append) item.position = next_position++;
  const Position position = item.position;
  enqueue(std::move(item), lock);
  return position;
}

/// Waits for something to write. False: stopped, and nothing is left.
bool Journal::Impl::take(std::vector<Item>& batch) {
  std::unique_lock lock(mutex);
  in_flight = false;
  const auto something = [&] { return !items.empty() || stopping; };
  const bool is_full = full.load(std::memory_order_relaxed);
  if (is_full && (truncating() || settling)) {
    // No pause: callers wait for the room.
  } else if (truncating()) {
    wake.wait_for(lock, kTruncateWhenIdleEvery, something);
  } else if (is_full) {
    wake.wait_for(lock, kSpaceCheckWhenIdleEvery, something);
  } else {
    wake.wait(lock, something);
  }
  if (items.empty()) return !stopping;
  batch.swap(items);
  in_flight = true;
  return true;
}

// --- Writing.

void Journal::Impl::run() {
  pthread_setname_np(pthread_self(), "kontor-journal");
  std::vector<Item> batch;
  while (take(batch)) {
    if (!(batch.empty() ? idle() : write_all(batch))) return;
    batch.clear();
  }
}

/// False: failed. What the batch held stays in flight for ever, so no action runs that waits for it.
bool Journal::Impl::write_all(std::vector<Item>& batch) {
  for (std::size_t begin = 0; begin < batch.size();) {
    const std::size_t end = transaction_end(batch, begin);
    if (!commit(batch, begin, end)) return false;
    for (; begin < end; ++begin)
      if (batch[begin].action) batch[begin].action();
  }
  return true;
}

/// One past the last item that goes into the same transaction as `begin`.
std::size_t Journal::Impl::transaction_end(const std::vector<Item>& batch, std::size_t begin) const {
  std::size_t end = begin, sum = 0;
  do {
    sum += batch[end++].bytes();
  } while (end < batch.size() && sum + batch[end].bytes() <= transaction_bytes_max);
  return end;
}

bool Journal::Impl::commit(std::vector<Item>& batch, std::size_t begin, std::size_t end) {
  std::size_t written = 0;
  Position last = 0;
  std::uint64_t appended = 0, appended_bytes = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const Item& item = batch[i];
    written += item.bytes();
    if (item.what == Item::What::append) {
      last = item.position;
      ++appended;
      appended_bytes += item.bytes();
    } else if (item.what == Item::What::truncate) {
      truncate_before[item.place] = std::max(truncate_before[item.place], item.position);
      truncate_open[item.place] = true;
    }
  }
  if (written == 0) return true;

  const std::span items_of_it(batch.data() + begin, end - begin);
  Failure failure = write_and_sync(items_of_it, Store::Writer::Parts::few);
  if (failure.map_full) {
    // What is promised has room among the free pages, but few of them may lie in a row, and what the last two commits
    // freed is not given out yet.
    if (!commit_settling() || !commit_settling()) return false;
    failure = write_and_sync(items_of_it, Store::Writer::Parts::pages);
  }
  if (failure.error != 0) return fail(failure.error, failure.doing);

  if (last != 0) durable.store(last, std::memory_order_release);
  queued_bytes.fetch_sub(written, std::memory_order_relaxed);
  commits.fetch_add(1, std::memory_order_relaxed);
  records.fetch_add(appended, std::memory_order_relaxed);
  bytes.fetch_add(appended_bytes, std::memory_order_relaxed);
  table_bytes.fetch_add(written - appended_bytes, std::memory_order_relaxed);
  map_free_bytes -= std::min<std::uint64_t>(map_free_bytes, written);
  settle_commits = 0;
  if (options.on_durable) options.on_durable(durable.load(std::memory_order_relaxed));
  untrimmed_bytes += written;
  if (untrimmed_bytes >= kTrimEveryBytes) store.trim_resident(), untrimmed_bytes = 0;
  check_space();
  return true;
}

Journal::Impl::Failure Journal::Impl::write_and_sync(std::span<const Item> transaction, Store::Writer::Parts parts) {
  Store::Writer writer(store, parts);
  const auto failed = [&](std::string_view doing) { return Failure{writer.error(), writer.map_full(), doing}; };
  if (writer.error() != 0) return failed("begin a transaction");
  for (const Item& item : transaction)
    if (!write(writer, item)) return failed("write");
  truncate_some(writer);
  if (writer.error() != 0) return failed("truncate");
  const auto started = Clock::now();
  if (!writer.commit()) return failed("commit");
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started);
  sync_ns.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  return {};
}

bool Journal::Impl::write(Store::Writer& writer, const Item& item) {
  RecordHeader header;
  header.key = item.position;
  header.written_at_ns = item.written_at_ns;
  header.kind = item.kind;
  switch (item.what) {
    case Item::What::append: return writer.append(item.stream(), header, item.payload);
    case Item::What::put: return writer.put(item.table(), item.key, header, item.payload);
    case Item::What::erase: return writer.erase(item.table(), item.key);
    case Item::What::truncate:
    case Item::What::action: return true;
  }
  return true;
}

/// Returns how many records went. In one go as far as the bound allows: pages freed together lie together when they are
/// used again (free_runs.hpp).
std::size_t Journal::Impl::truncate_some(Store::Writer& writer) {
  std::size_t left = kTruncateRecordsMax;
  for (std::size_t i = 0; i < kStreams; ++i) {
    if (!truncate_open[i]) continue;
    const std::size_t gone = writer.truncate(static_cast<Stream>(i), truncate_before[i], left);
    truncate_open[i] = gone != 0;  // The last look finds nothing.
    left -= gone;
    if (left == 0) break;
  }
  return kTruncateRecordsMax - left;
}

bool Journal::Impl::truncating() const {
  return std::any_of(truncate_open.begin(), truncate_open.end(), [](bool open) { return open; });
}

bool Journal::Impl::fail(int error, std::string_view doing) {
  const std::string explanation = (store.dir() / "data.mdb").string() + ": the journal cannot " + std::string(doing) +
                                  " after position " + std::to_string(durable.load(std::memory_order_relaxed)) + ": " +
                                  store_error_text(error) +
                                  "; what was being written may be stored or not, and nothing of it was announced";
  if (!options.on_failure) std::abort();  // Somebody must end the process.
  options.on_failure(explanation);
  return false;
}

// --- While nothing is queued.

bool Journal::Impl::idle() {
  if (truncating()) {
    Store::Writer writer(store);
    if (writer.error() != 0) return fail(writer.error(), "begin a transaction");
    const std::size_t gone = truncate_some(writer);
    if (writer.error() != 0) return fail(writer.error(), "truncate");
    if (gone > 0) {
      if (!writer.commit()) return fail(writer.error(), "commit");
      commits.fetch_add(1, std::memory_order_relaxed);
      settle_commits = 0;
    }
  } else if (settling && !commit_settling()) {
    return false;
  }
  walked_at = {};
  check_space();
  return true;
}

bool Journal::Impl::commit_settling() {
  Store::Writer writer(store);
  if (writer.error() != 0) return fail(writer.error(), "begin a transaction");
  if (!writer.settle()) return fail(writer.error(), "write");
  if (!writer.commit()) return fail(writer.error(), "commit");
  commits.fetch_add(1, std::memory_order_relaxed);
  ++settle_commits;
  return true;
}

// --- Space. Promised work must never meet a full map or disk, so room for it is kept ahead of use.

void Journal::Impl::check_space() {
  const std::uint64_t used = store.used_bytes();
  const bool map_room = map_has_room(used);
  const bool disk_room = disk_has_room(used);
  full.store(!map_room || !disk_room, std::memory_order_release);
}

bool Journal::Impl::map_has_room(std::uint64_t used) {
  settling = false;
  if (used + options.reserve_bytes <= map_bytes) return true;
  const std::uint64_t behind = map_bytes - std::min(used, map_bytes);
  const auto now = Clock::now();
  if (now - walked_at >= kFreeWalkEvery) {
    walked_at = now;
    const StoreSpace space = store.space();
    map_free_bytes = space.free_bytes;
    const bool enough_soon = behind + space.free_bytes + space.settling_bytes >= options.reserve_bytes;
    settling = behind + map_free_bytes < options.reserve_bytes && enough_soon && settle_commits < kSettleCommitsMax;
  }
  return behind + map_free_bytes >= options.reserve_bytes;
}

bool Journal::Impl::disk_has_room(std::uint64_t used) {
  const auto now = Clock::now();
  if (disk_refused_at != Clock::time_point{} && now - disk_refused_at < kSpaceCheckWhenIdleEvery / 2) return false;
  const std::uint64_t needed = used + options.reserve_bytes;
  if (needed > reserved_bytes) {
    const std::uint64_t ahead = needed + std::clamp(used, kReserveStepBytesMin, kReserveStepBytesMax);
    if (store.reserve(ahead))
      reserved_bytes = ahead;
    else if (store.reserve(needed))
      reserved_bytes = needed;
    else
      return disk_refused_at = now, false;
  }
  disk_refused_at = {};
  return true;
}

// --- The public face.

Journal::Journal(Store& store, Position next, JournalOptions options)
    : impl_(std::make_unique<Impl>(store, next, std::move(options))) {
  assert(next > 0);
}

Journal::~Journal() { stop(); }

void Journal::start() {
  const std::lock_guard lock(impl_->joining);
  assert(!impl_->writer_thread.joinable());
  impl_->check_space();  // Before the first request is let in.
  impl_->writer_thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void Journal::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  const std::lock_guard lock(impl_->joining);
  assert(impl_->writer_thread.get_id() != std::this_thread::get_id());
  if (impl_->writer_thread.joinable()) impl_->writer_thread.join();
}

Position Journal::append(Stream stream, RecordKind kind, std::string payload, std::int64_t written_at_ns) {
  Item item{Item::What::append, static_cast<std::uint8_t>(stream), kind};
  item.written_at_ns = written_at_ns;
  item.payload = std::move(payload);
  return impl_->push(std::move(item));
}

void Journal::put(Table table, std::string key, RecordKind kind, std::string payload) {
  Item item{Item::What::put, static_cast<std::uint8_t>(table), kind};
  item.key = std::move(key);
  item.payload = std::move(payload);
  impl_->push(std::move(item));
}

void Journal::erase(Table table, std::string key) {
  Item item{Item::What::erase, static_cast<std::uint8_t>(table)};
  item.key = std::move(key);
  impl_->push(std::move(item));
}

void Journal::truncate(Stream stream, Position before) {
  Item item{Item::What::truncate, static_cast<std::uint8_t>(stream)};
  item.position = before;
  impl_->push(std::move(item));
}

void Journal::after_durable(std::function<void()> action) {
  {
    std::unique_lock lock(impl_->mutex);
    if (impl_->in_flight || !impl_->items.empty()) {
      Item item{Item::What::action};
      item.action = std::move(action);
      return impl_->enqueue(std::move(item), lock);
    }
  }
  action();
}

Position Journal::appended() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->next_position - 1;
}

Position Journal::durable() const { return impl_->durable.load(std::memory_order_acquire); }
std::size_t Journal::queued_bytes() const { return impl_->queued_bytes.load(std::memory_order_relaxed); }
bool Journal::storage_full() const { return impl_->full.load(std::memory_order_acquire); }

std::uint64_t Journal::room_bytes() const {
  const StoreSpace space = impl_->store.space();
  const std::uint64_t room = space.map_bytes + space.free_bytes - std::min(space.used_bytes, space.map_bytes);
  return room - std::min(room, impl_->options.reserve_bytes);
}

JournalCounters Journal::counters() const {
  const auto read = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  return {read(impl_->commits), read(impl_->records), read(impl_->bytes), read(impl_->table_bytes),
          read(impl_->sync_ns)};
}

}  // namespace kontor::persistence
