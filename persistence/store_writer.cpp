#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include <lmdb.h>
#include <unistd.h>

#include "persistence/free_runs.hpp"
#include "persistence/lmdb_format.hpp"
#include "persistence/store.hpp"
#include "persistence/store_impl.hpp"

namespace kontor::persistence {
namespace {

MDB_val table_key(std::string_view key) { return {key.size(), const_cast<char*>(key.data())}; }

/// Room for one value, to be filled before the next call: LMDB's own page buffer, so nothing is copied twice.
struct Slot {
  int error = 0;
  char* out = nullptr;
};

Slot reserve_slot(MDB_cursor* cursor, std::uint64_t key, std::size_t bytes) {
  MDB_val k{sizeof key, &key}, value{bytes, nullptr};
  const int rc = mdb_cursor_put(cursor, &k, &value, MDB_APPEND | MDB_RESERVE);
  return {rc, static_cast<char*>(value.mv_data)};
}

/// The meta page that a commit overwrites, as it was before.
///
/// When LMDB 0.9 fails to write its meta page it writes the old transaction number over the new contents. It never
/// reads that page again, but to structure_check it is a lost commit, rightly: a damaged number looks the same. So the
/// failed commit puts back what was there.
class MetaPage {
 public:
  MetaPage(int fd, std::uint64_t transaction, std::uint64_t page_bytes)
      : fd_(fd), offset_(static_cast<off_t>((transaction & 1) * page_bytes)) {
    read_ = ::pread(fd_, bytes_.data(), bytes_.size(), offset_) == static_cast<ssize_t>(bytes_.size());
  }

  /// As far as the disk allows; the commit's outcome is unknown either way.
  void put_back() const {
    std::array<char, kBytes> now;
    if (!read_ || ::pread(fd_, now.data(), now.size(), offset_) != static_cast<ssize_t>(now.size())) return;
    if (now == bytes_) return;
    if (::pwrite(fd_, bytes_.data(), bytes_.size(), offset_) == static_cast<ssize_t>(bytes_.size())) ::fdatasync(fd_);
  }

 private:
  static constexpr std::size_t kBytes = sizeof(lmdb::PageHeader) + sizeof(lmdb::MetaRecord);
  int fd_;
  off_t offset_;
  bool read_ = false;
  std::array<char, kBytes> bytes_{};
};

}  // namespace

struct Store::Writer::Impl {
  Impl(Store::Impl& s, Parts how) : store(s), parts(how) {
    if (store.memory)
      memory.emplace(*store.memory);
    else
      error = mdb_txn_begin(store.env, nullptr, 0, &txn);
  }
  ~Impl() {
    close_cursors();
    assert(txn == nullptr || thread == std::this_thread::get_id());
    if (txn != nullptr) mdb_txn_abort(txn);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool fail(int rc) {
    if (error == 0) error = rc;
    return error == 0;
  }
  bool usable() {
    // LMDB hangs the next writer for ever when a transaction ends on another thread than began it.
    assert(thread == std::this_thread::get_id());
    return fail(txn == nullptr ? EINVAL : 0);
  }

  int cursor(Stream stream, MDB_cursor** out) {
    MDB_cursor*& own = cursors[index_of(stream)];
    const int rc = own != nullptr ? 0 : mdb_cursor_open(txn, store.streams[index_of(stream)], &own);
    *out = own;
    return rc;
  }
  void close_cursors() {
    for (MDB_cursor*& cursor : cursors) {
      if (cursor != nullptr) mdb_cursor_close(cursor);
      cursor = nullptr;
    }
  }

  std::size_t part_bytes(std::size_t left);
  FreeRuns look_at_free_list() const;

  Store::Impl& store;
  const Parts parts;
  std::optional<MemoryWriter> memory;
  MDB_txn* txn = nullptr;
  int error = 0;
  std::array<MDB_cursor*, kStreams> cursors{};
  std::optional<FreeRuns> runs;  ///< From the first value that needs pages in a row.
  std::thread::id thread = std::this_thread::get_id();
};

/// How much of `left` payload bytes the next part takes.
std::size_t Store::Writer::Impl::part_bytes(std::size_t left) {
  const std::size_t page = store.page_bytes;
  const std::size_t around = kPageHeaderBytes + sizeof(RecordHeader);
  if (left + around <= page) return left;
  std::size_t pages = 1;
  if (parts == Parts::few) {
    if (!runs) runs = look_at_free_list();
    pages = runs->take((left + around + page - 1) / page);
  }
  return std::min(left, pages * page - around);
}

FreeRuns Store::Writer::Impl::look_at_free_list() const {
  MDB_envinfo info = {};
  mdb_env_info(store.env, &info);  // Fails only for a null pointer.
  const std::uint64_t pages = store.map_bytes / store.page_bytes;
  FreeRuns seen(pages - std::min<std::uint64_t>(pages, info.me_last_pgno + 1));
  MDB_txn* view = nullptr;  // A write transaction gives out no cursor for the free list; this sees the same one.
  if (mdb_txn_begin(store.env, nullptr, MDB_RDONLY, &view) != 0) return seen;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(view, 0, &cursor) == 0) {
    MDB_val key = {}, value = {};
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
      std::uint64_t commit = 0;
      std::memcpy(&commit, key.mv_data, sizeof commit);
      if (commit >= mdb_txn_id(view)) break;  // Not given out yet.
      if (!seen.add({static_cast<const char*>(value.mv_data), value.mv_size})) break;
    }
    mdb_cursor_close(cursor);
  }
  mdb_txn_abort(view);
  return seen;
}

Store::Writer::Writer(Store& store, Parts parts) : impl_(std::make_unique<Impl>(*store.impl_, parts)) {}
Store::Writer::~Writer() = default;

bool Store::Writer::append(Stream stream, RecordHeader header, std::string_view payload) {
  if (impl_->memory) return impl_->fail(impl_->memory->append(stream, header, payload) ? 0 : EINVAL);
  if (!impl_->usable()) return false;
  if (header.key > kPositionMax || payload.size() > kRecordBytesMax) return impl_->fail(EINVAL);
  MDB_cursor* cursor = nullptr;
  if (const int rc = impl_->cursor(stream, &cursor); rc != 0) return impl_->fail(rc);
  const Position position = header.key;
  std::uint64_t part = 0;
  do {
    const std::string_view piece = payload.substr(0, impl_->part_bytes(payload.size()));
    payload.remove_prefix(piece.size());
    RecordHeader sealed = header;
    sealed.key = part_key(position, part++);
    if (!payload.empty()) sealed.version |= kContinues;
    const Slot slot = reserve_slot(cursor, sealed.key, sizeof sealed + piece.size());
    if (slot.error != 0) return impl_->fail(slot.error);
    seal(sealed, piece, slot.out);
  } while (!payload.empty());
  return true;
}

bool Store::Writer::put(Table table, std::string_view key, RecordHeader header, std::string_view payload) {
  if (impl_->memory) return impl_->fail(impl_->memory->put(table, key, header, payload) ? 0 : EINVAL);
  if (!impl_->usable()) return false;
  if (key.empty() || key.size() > kTableKeyBytesMax || payload.size() > kRecordBytesMax) return impl_->fail(EINVAL);
  header.key = table_key_hash(key);
  MDB_val k = table_key(key), value{sizeof header + payload.size(), nullptr};
  const int rc = mdb_put(impl_->txn, impl_->store.tables[index_of(table)], &k, &value, MDB_RESERVE);
  if (rc != 0) return impl_->fail(rc);
  seal(header, payload, static_cast<char*>(value.mv_data));
  return true;
}

bool Store::Writer::erase(Table table, std::string_view key) {
  if (impl_->memory) return impl_->memory->erase(table, key);
  if (!impl_->usable()) return false;
  if (key.empty() || key.size() > kTableKeyBytesMax) return true;  // Cannot be there.
  MDB_val k = table_key(key);
  const int rc = mdb_del(impl_->txn, impl_->store.tables[index_of(table)], &k, nullptr);
  return impl_->fail(rc == MDB_NOTFOUND ? 0 : rc);
}

std::size_t Store::Writer::truncate(Stream stream, Position before, std::size_t most) {
  if (impl_->memory) return impl_->memory->truncate(stream, before, most);
  if (!impl_->usable()) return 0;
  MDB_cursor* cursor = nullptr;
  if (const int rc = impl_->cursor(stream, &cursor); rc != 0) return impl_->fail(rc), 0;
  std::size_t records = 0, values = 0;
  for (;;) {
    MDB_val k = {}, value = {};
    int rc = mdb_cursor_get(cursor, &k, &value, MDB_FIRST);
    if (rc == MDB_NOTFOUND) return records;
    if (rc != 0) return impl_->fail(rc), records;
    std::uint64_t key = 0;
    std::memcpy(&key, k.mv_data, sizeof key);
    const bool begins = (key & kPartMask) == 0;
    if (key >> kPartBits >= before) return records;
    if (begins && (records == most || (records > 0 && values >= kTruncateValuesMax))) return records;
    rc = mdb_cursor_del(cursor, 0);
    if (rc != 0) return impl_->fail(rc), records;
    records += begins;
    ++values;
  }
}

bool Store::Writer::settle() {
  // Put and erased: the pages on the way are written anew, the contents stay.
  constexpr std::string_view kNobodysKey = "\x01settle";
  return put(Table::meta, kNobodysKey, {}, {}) && erase(Table::meta, kNobodysKey);
}

bool Store::Writer::commit() {
  if (impl_->memory) return impl_->fail(error() != 0 || impl_->memory->commit() ? 0 : EINVAL);
  if (!impl_->usable()) return false;
  impl_->close_cursors();
  const MetaPage before(impl_->store.fd, mdb_txn_id(impl_->txn), impl_->store.page_bytes);
  const int rc = mdb_txn_commit(std::exchange(impl_->txn, nullptr));
  if (rc != 0) before.put_back();
  return impl_->fail(rc);
}

int Store::Writer::error() const { return impl_->error; }

// LMDB looks for pages while it writes into memory and makes its free list, before it writes any page that counts.
bool Store::Writer::map_full() const { return impl_->error == MDB_MAP_FULL; }

}  // namespace kontor::persistence
