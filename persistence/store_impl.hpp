#pragma once
#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "persistence/store.hpp"
#include "persistence/store_memory.hpp"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

/// Shared by the parts of Store. Names LMDB's types only, so that <lmdb.h> stays inside .cpp files.
namespace kontor::persistence {

inline constexpr unsigned kPartBits = 16;
inline constexpr std::uint64_t kPartMask = (std::uint64_t{1} << kPartBits) - 1;
inline constexpr Position kPositionMax = (Position{1} << (64 - kPartBits)) - 1;
inline constexpr std::size_t kTableKeyBytesMax = 511;  ///< LMDB's own bound.
inline constexpr std::size_t kTruncateValuesMax = 4'096;
inline constexpr std::size_t kPageHeaderBytes = 16;  ///< Of LMDB; a value outside its leaf lies behind one.

/// What a record is stored under in its journal, see record.hpp.
constexpr std::uint64_t part_key(Position position, std::uint64_t part) { return position << kPartBits | part; }

constexpr std::size_t index_of(Stream stream) { return static_cast<std::size_t>(stream); }
constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table); }

/// The code for an error number of LMDB or of the system.
Errc store_errc(int error);

struct Store::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  int open_environment(const StoreOptions& options);
  int open_databases();

  std::unique_ptr<MemoryStore> memory;  ///< Set: there is no file, and nothing below is used.
  std::filesystem::path dir;
  std::filesystem::path file;  ///< dir / data.mdb
  MDB_env* env = nullptr;
  std::array<unsigned, kStreams> streams{};
  std::array<unsigned, kTables> tables{};
  std::uint64_t map_bytes = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t reserved_bytes = 0;  ///< The file has no holes below this.
  int fd = -1;                       ///< LMDB's own descriptor of the file.
  std::once_flag map_found;
  std::pair<std::uintptr_t, std::uintptr_t> map{};  ///< Where the file is mapped; {0, 0}: not known.
};

}  // namespace kontor::persistence
