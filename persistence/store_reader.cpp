#include <array>
#include <cstring>
#include <list>
#include <string>

#include <lmdb.h>

#include "persistence/store.hpp"
#include "persistence/store_impl.hpp"

namespace kontor::persistence {
namespace {

std::string_view view(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

MDB_val table_key(std::string_view key) { return {key.size(), const_cast<char*>(key.data())}; }

std::uint64_t journal_key(const MDB_val& key) {
  std::uint64_t number = 0;
  std::memcpy(&number, key.mv_data, sizeof number);
  return number;
}

/// A step of a cursor in a journal; `key` is what was sought and becomes what was found.
int step(MDB_cursor* cursor, MDB_cursor_op op, std::uint64_t* key, MDB_val* value) {
  MDB_val k{sizeof *key, key};
  const int rc = mdb_cursor_get(cursor, &k, value, op);
  if (rc == 0) *key = journal_key(k);
  return rc;
}

Error read_error(int rc) {
  if (rc == MDB_NOTFOUND) return {Errc::not_found, "record"};
  return {store_errc(rc), "store"};
}

/// Reads the record whose part 0 the cursor stands on. Parts are joined in `joined`.
Result<Record> join(MDB_cursor* cursor, Position position, std::string_view value, std::string& joined) {
  auto first = unseal(value, part_key(position, 0));
  if (!first) return first;
  first->header.key = position;
  if ((first->header.version & kContinues) == 0) return first;

  joined.assign(first->payload);
  bool more = true;
  for (std::uint64_t part = 1; more; ++part) {
    std::uint64_t key = 0;
    MDB_val next = {};
    const int rc = step(cursor, MDB_NEXT, &key, &next);
    if (rc != 0 && rc != MDB_NOTFOUND) return read_error(rc);
    if (rc != 0 || key != part_key(position, part)) return Error{Errc::corrupt_journal, "size"};
    const auto continued = unseal(view(next), key);
    if (!continued) return continued.error();
    if (joined.size() + continued->payload.size() > kRecordBytesMax) return Error{Errc::corrupt_journal, "size"};
    joined.append(continued->payload);
    more = (continued->header.version & kContinues) != 0;
  }
  first->header.version &= static_cast<std::uint16_t>(~kContinues);
  first->header.size = static_cast<std::uint32_t>(joined.size());
  first->payload = joined;
  return first;
}

}  // namespace

struct Store::Reader::Impl {
  explicit Impl(const Store::Impl& s) : store(s), memory(s.memory.get()) {
    if (memory == nullptr) error = mdb_txn_begin(store.env, nullptr, MDB_RDONLY, &txn);
  }
  ~Impl() {
    for (MDB_cursor* cursor : cursors)
      if (cursor != nullptr) mdb_cursor_close(cursor);
    if (txn != nullptr) mdb_txn_abort(txn);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// The stream's own cursor, for single reads. Scans open another: what they visit may read, too.
  int cursor(Stream stream, MDB_cursor** out) {
    if (error != 0) return error;
    MDB_cursor*& own = cursors[index_of(stream)];
    const int rc = own != nullptr ? 0 : mdb_cursor_open(txn, store.streams[index_of(stream)], &own);
    *out = own;
    return rc;
  }

  struct Found {
    Position position;
    std::string_view value;  ///< Of part 0.
    MDB_cursor* cursor;      ///< Stands on it; none in memory, where records have one part.
  };
  /// The first record at `from` or after it, not yet read.
  Result<Found> seek(Stream stream, Position from) {
    if (from > kPositionMax) return read_error(MDB_NOTFOUND);
    if (memory != nullptr) {
      const auto it = memory->of(stream).lower_bound(from);
      if (it == memory->of(stream).end()) return read_error(MDB_NOTFOUND);
      return Found{it->first, it->second, nullptr};
    }
    MDB_cursor* own = nullptr;
    if (const int rc = cursor(stream, &own); rc != 0) return read_error(rc);
    std::uint64_t key = part_key(from, 0);
    MDB_val value = {};
    if (const int rc = step(own, MDB_SET_RANGE, &key, &value); rc != 0) return read_error(rc);
    if ((key & kPartMask) != 0) return Error{Errc::corrupt_journal, "key"};
    return Found{key >> kPartBits, view(value), own};
  }

  Result<Record> read(MDB_cursor* cursor, Position position, std::string_view value) {
    auto record = join(cursor, position, value, joined);
    if (record && record->payload.data() == joined.data()) {
      kept.push_back(std::move(joined));
      joined = {};
      record->payload = kept.back();
    }
    return record;
  }

  const Store::Impl& store;
  const MemoryStore* memory;
  MDB_txn* txn = nullptr;
  int error = 0;
  std::array<MDB_cursor*, kStreams> cursors{};
  std::string joined;
  std::list<std::string> kept;  ///< Records that were stored in parts; callers point into them.
};

namespace {

struct CursorCloser {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using CursorPtr = std::unique_ptr<MDB_cursor, CursorCloser>;

/// The record that an iterator of a store in memory stands on.
template <class Entries>
Result<Record> found_in(const Entries& entries, const typename Entries::const_iterator& it) {
  if (it == entries.end()) return read_error(MDB_NOTFOUND);
  return read_memory(*it);
}

int open_cursor(MDB_txn* txn, MDB_dbi dbi, CursorPtr& cursor) {
  MDB_cursor* raw = nullptr;
  const int rc = mdb_cursor_open(txn, dbi, &raw);
  cursor.reset(raw);
  return rc;
}

}  // namespace

Store::Reader::Reader(const Store& store) : impl_(std::make_unique<Impl>(*store.impl_)) {}
Store::Reader::~Reader() = default;

Result<Record> Store::Reader::get(Stream stream, Position position) const {
  if (position > kPositionMax) return read_error(MDB_NOTFOUND);
  if (impl_->memory != nullptr) return found_in(impl_->memory->of(stream), impl_->memory->of(stream).find(position));
  MDB_cursor* cursor = nullptr;
  if (const int rc = impl_->cursor(stream, &cursor); rc != 0) return read_error(rc);
  std::uint64_t key = part_key(position, 0);
  MDB_val value = {};
  if (const int rc = step(cursor, MDB_SET_KEY, &key, &value); rc != 0) return read_error(rc);
  return impl_->read(cursor, position, view(value));
}

Result<Record> Store::Reader::get(Table table, std::string_view key) const {
  if (impl_->memory != nullptr) return found_in(impl_->memory->of(table), impl_->memory->of(table).find(key));
  if (impl_->error != 0) return read_error(impl_->error);
  if (key.empty() || key.size() > kTableKeyBytesMax) return read_error(MDB_NOTFOUND);
  MDB_val k = table_key(key), value = {};
  if (const int rc = mdb_get(impl_->txn, impl_->store.tables[index_of(table)], &k, &value); rc != 0)
    return read_error(rc);
  return unseal(view(value), table_key_hash(key));
}

Result<Record> Store::Reader::at_or_after(Stream stream, Position from) const {
  const auto found = impl_->seek(stream, from);
  if (!found) return found.error();
  return impl_->read(found->cursor, found->position, found->value);
}

Result<Record> Store::Reader::glimpse(Stream stream, Position from) const {
  const auto found = impl_->seek(stream, from);
  if (!found) return found.error();
  auto record = persistence::glimpse(found->value, part_key(found->position, 0));
  if (!record) return record;
  record->header.key = found->position;
  record->header.version &= static_cast<std::uint16_t>(~kContinues);
  return record;
}

Result<Record> Store::Reader::at_or_before(Stream stream, Position until) const {
  if (impl_->memory != nullptr) {
    const auto& journal = impl_->memory->of(stream);
    const auto after = journal.upper_bound(until);
    return found_in(journal, after == journal.begin() ? journal.end() : std::prev(after));
  }
  MDB_cursor* cursor = nullptr;
  if (const int rc = impl_->cursor(stream, &cursor); rc != 0) return read_error(rc);
  std::uint64_t key = part_key(std::min(until, kPositionMax), kPartMask);
  const std::uint64_t sought = key;
  MDB_val value = {};
  int rc = step(cursor, MDB_SET_RANGE, &key, &value);
  if (rc == MDB_NOTFOUND)
    rc = step(cursor, MDB_LAST, &key, &value);
  else if (rc == 0 && key != sought)
    rc = step(cursor, MDB_PREV, &key, &value);
  if (rc != 0) return read_error(rc);
  auto record = get(stream, key >> kPartBits);  // The cursor stood on the last part.
  if (record.code() == Errc::not_found) return Error{Errc::corrupt_journal, "key"};
  return record;
}

Result<void> Store::Reader::scan(Stream stream, Position from, const std::function<bool(const Record&)>& visit,
                                 Position* failed_at) const {
  const auto failed = [&](Error error, Position position) {
    if (failed_at != nullptr) *failed_at = position;
    return error;
  };
  if (from > kPositionMax) return {};
  if (impl_->memory != nullptr) {
    const auto& journal = impl_->memory->of(stream);
    for (auto it = journal.lower_bound(from); it != journal.end(); ++it) {
      const auto record = read_memory(*it);
      if (!record) return failed(record.error(), it->first);
      if (!visit(*record)) return {};
    }
    return {};
  }
  CursorPtr cursor;
  int rc = impl_->error;
  if (rc == 0) rc = open_cursor(impl_->txn, impl_->store.streams[index_of(stream)], cursor);
  std::uint64_t key = part_key(from, 0);
  MDB_val value = {};
  std::string joined;
  if (rc == 0) rc = step(cursor.get(), MDB_SET_RANGE, &key, &value);
  while (rc == 0) {
    const Position position = key >> kPartBits;
    if ((key & kPartMask) != 0) return failed({Errc::corrupt_journal, "key"}, position);
    const auto record = join(cursor.get(), position, view(value), joined);
    if (!record) return failed(record.error(), position);
    if (!visit(*record)) return {};
    rc = step(cursor.get(), MDB_NEXT, &key, &value);
  }
  if (rc == MDB_NOTFOUND) return {};
  return failed(read_error(rc), key >> kPartBits);
}

Result<void> Store::Reader::scan(Table table, std::string_view from,
                                 const std::function<bool(std::string_view key, const Record&)>& visit) const {
  if (impl_->memory != nullptr) {
    const auto& rows = impl_->memory->of(table);
    for (auto it = from.empty() ? rows.begin() : rows.lower_bound(from); it != rows.end(); ++it) {
      const auto record = read_memory(*it);
      if (!record) return record.error();
      if (!visit(it->first, *record)) return {};
    }
    return {};
  }
  CursorPtr cursor;
  int rc = impl_->error;
  if (rc == 0) rc = open_cursor(impl_->txn, impl_->store.tables[index_of(table)], cursor);
  MDB_val key = table_key(from.substr(0, kTableKeyBytesMax)), value = {};
  if (rc == 0) rc = mdb_cursor_get(cursor.get(), &key, &value, from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (rc == 0) {
    const auto record = unseal(view(value), table_key_hash(view(key)));
    if (!record) return record.error();
    if (!visit(view(key), *record)) return {};
    rc = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
  }
  if (rc == MDB_NOTFOUND) return {};
  return read_error(rc);
}

std::uint64_t Store::Reader::count(Stream stream) const {
  if (impl_->memory != nullptr) return impl_->memory->of(stream).size();
  MDB_cursor* cursor = nullptr;
  if (impl_->cursor(stream, &cursor) != 0) return 0;
  std::uint64_t key = 0, records = 0;
  MDB_val value = {};
  for (int rc = step(cursor, MDB_FIRST, &key, &value); rc == 0; rc = step(cursor, MDB_NEXT, &key, &value))
    records += (key & kPartMask) == 0;
  return records;
}

Position Store::Reader::last(Stream stream) const {
  if (impl_->memory != nullptr)
    return impl_->memory->of(stream).empty() ? 0 : impl_->memory->of(stream).rbegin()->first;
  MDB_cursor* cursor = nullptr;
  if (impl_->cursor(stream, &cursor) != 0) return 0;
  std::uint64_t key = 0;
  MDB_val value = {};
  return step(cursor, MDB_LAST, &key, &value) == 0 ? key >> kPartBits : 0;
}

}  // namespace kontor::persistence
