#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "domain/limits.hpp"
#include "persistence/record.hpp"

/// One shard's LMDB environment, without LMDB's types: this header is all that others see of it.
namespace kontor::persistence {

struct StoreOptions {
  std::filesystem::path dir;                   ///< Holds data.mdb and lock.mdb; made when missing (not if read-only).
  std::uint64_t map_bytes = kMapBytesDefault;  ///< Upper bound of the file.
  bool read_only = false;
};

struct MemoryStore;

/// Sizes of the file, for metrics and for the decision that it is full.
struct StoreSpace {
  std::uint64_t map_bytes = 0;   ///< The bound.
  std::uint64_t used_bytes = 0;  ///< Pages ever used (the file's logical end).
  std::uint64_t free_bytes = 0;  ///< Pages below the end that the next write may use again.
  std::uint64_t settling_bytes =
      0;  ///< Let go of, but only the writes after the next may use them: so LMDB survives crashes.
};

/// An open environment with all journals and tables. One process at a time: the caller holds a lock of its own
/// (directory_lock.hpp); within it Readers, space() and used_bytes() may be used by any thread, one Writer at a time.
class Store {
 public:
  /// Opens or creates. Before anything is served the file's structure is checked (structure_check.hpp).
  /// Errors: corrupt_journal, incompatible_format, io_error; `explanation` gets one sentence with path and cause.
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options, std::string* explanation = nullptr);
  /// An empty one that lives in memory and keeps nothing: for simulation (store_memory.hpp). One thread; it has neither
  /// file nor room to run out of.
  static std::unique_ptr<Store> in_memory();
  /// What an `in_memory` one holds; nullptr for a file.
  MemoryStore* memory();
  ~Store();

  /// A consistent view of what is durable. Any thread may open one; keep it short (it pins freed pages).
  class Reader {
   public:
    explicit Reader(const Store& store);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Errors of all reads, beside those named: io_error, corrupt_journal, incompatible_format. Records stay valid as
    /// long as the Reader; those given to `visit` until it returns.
    /// Errors: not_found.
    Result<Record> get(Stream stream, Position position) const;
    Result<Record> get(Table table, std::string_view key) const;
    /// The first record at or after `from` / the last one at or before `until`. Errors: not_found, corrupt_journal.
    Result<Record> at_or_after(Stream stream, Position from) const;
    /// How the record at or after `from` begins (its first part, if it is stored in parts), its checksum not looked at:
    /// to find the way by, to what is then read with its checksum. Errors: as there.
    Result<Record> glimpse(Stream stream, Position from) const;
    Result<Record> at_or_before(Stream stream, Position until) const;
    /// Calls `visit` for each record with a position >= `from`, in order, until it returns false.
    /// Errors: corrupt_journal (`failed_at` gets the position), or what `visit` left in place.
    Result<void> scan(Stream stream, Position from, const std::function<bool(const Record&)>& visit,
                      Position* failed_at = nullptr) const;
    /// Likewise for a table, in the order of keys, from the first key >= `from`.
    Result<void> scan(Table table, std::string_view from,
                      const std::function<bool(std::string_view key, const Record&)>& visit) const;
    std::uint64_t count(Stream stream) const;  ///< Walks the keys: about 20 ns each.
    Position last(Stream stream) const;        ///< 0 when empty.

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  /// The one write transaction; begin and commit on the same thread. Any error is final: the outcome is unknown.
  class Writer {
   public:
    /// How long records lie: in few parts, each of pages in a row; or in parts of a page each, for a map so full that
    /// no such pages may be found.
    enum class Parts : std::uint8_t { few, pages };

    explicit Writer(Store& store, Parts parts = Parts::few);  ///< Begins; check `error()`.
    ~Writer();                                                ///< Aborts unless committed.
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    bool append(Stream stream, RecordHeader header, std::string_view payload);  ///< header.key must exceed all others.
    bool put(Table table, std::string_view key, RecordHeader header, std::string_view payload);
    bool erase(Table table, std::string_view key);
    /// Deletes up to `most` records below `before`, oldest first; returns how many. Stops early when the work would
    /// be felt in the commit (kTruncateValuesMax values), but not before one record is gone.
    std::size_t truncate(Stream stream, Position before, std::size_t most);
    /// Makes a commit of nothing else move on, so that settling pages become free.
    bool settle();
    bool commit();          ///< Durable when it returns true.
    int error() const;      ///< LMDB's or errno's number, 0 when none.
    bool map_full() const;  ///< It failed before anything reached the file: what was to be written was not.

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  StoreSpace space() const;          ///< Walks the list of free pages: about 1 ms per GB of them.
  std::uint64_t used_bytes() const;  ///< As in space(), at once.
  const std::filesystem::path& dir() const;
  /// Lets go of the file's pages in this process's resident memory; they stay in the system's cache. Any thread.
  void trim_resident() const;
  /// Makes the file at least so large on disk (bounded by the map). False: there is no room, nothing changed.
  /// For the thread that writes.
  bool reserve(std::uint64_t bytes);

 private:
  Store();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Text for an error number of LMDB or of the system.
std::string store_error_text(int error);

}  // namespace kontor::persistence
