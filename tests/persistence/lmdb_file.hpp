#pragma once
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <lmdb.h>
#include <unistd.h>

#include "persistence/record.hpp"

/// Files of LMDB as Kontor lays them out, written with the plain library: the checker is tested against LMDB itself,
/// not against our own Store.
namespace kontor::persistence::testing {

inline void must(int rc) {
  if (rc != MDB_SUCCESS) throw std::runtime_error(mdb_strerror(rc));
}

/// A directory that goes when the test does; in memory where the system has such a place.
class TempDir {
 public:
  TempDir() {
    const std::filesystem::path base =
        std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    static std::atomic<int> count{0};
    path_ = base / ("kontor_test_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file() const { return path_ / "data.mdb"; }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// An environment with all of Kontor's databases and one open write transaction at most.
class LmdbFile {
 public:
  explicit LmdbFile(const std::filesystem::path& dir) {
    must(mdb_env_create(&env_));
    must(mdb_env_set_mapsize(env_, std::size_t{64} << 30));
    must(mdb_env_set_maxdbs(env_, kStreams + kTables));
    must(mdb_env_open(env_, dir.c_str(), MDB_NOSYNC, 0644));  // Tests lose no power.
    begin();
    for (std::size_t i = 0; i < kStreams; ++i)
      must(mdb_dbi_open(txn_, name(to_string(static_cast<Stream>(i))), MDB_CREATE | MDB_INTEGERKEY, &streams_[i]));
    for (std::size_t i = 0; i < kTables; ++i)
      must(mdb_dbi_open(txn_, name(to_string(static_cast<Table>(i))), MDB_CREATE, &tables_[i]));
    commit();
  }
  ~LmdbFile() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    mdb_env_close(env_);
  }
  LmdbFile(const LmdbFile&) = delete;
  LmdbFile& operator=(const LmdbFile&) = delete;

  void begin() { must(mdb_txn_begin(env_, nullptr, 0, &txn_)); }
  void commit() {
    MDB_txn* txn = std::exchange(txn_, nullptr);
    must(mdb_txn_commit(txn));
  }

  void append(Stream stream, Position position, std::size_t payload_bytes) {
    MDB_val key{sizeof position, &position};
    store(streams_[static_cast<std::size_t>(stream)], key, position, payload_bytes, MDB_APPEND);
  }
  void put(Table table, std::string key, std::size_t payload_bytes) {
    MDB_val k{key.size(), key.data()};
    store(tables_[static_cast<std::size_t>(table)], k, table_key_hash(key), payload_bytes, 0);
  }
  void erase(Stream stream, Position position) {
    MDB_val key{sizeof position, &position};
    const int rc = mdb_del(txn_, streams_[static_cast<std::size_t>(stream)], &key, nullptr);
    if (rc != MDB_NOTFOUND) must(rc);
  }
  void erase(Table table, std::string key) {
    MDB_val k{key.size(), key.data()};
    const int rc = mdb_del(txn_, tables_[static_cast<std::size_t>(table)], &k, nullptr);
    if (rc != MDB_NOTFOUND) must(rc);
  }
  /// Branch, leaf and overflow pages of all databases, as LMDB counts them.
  MDB_stat totals() {
    MDB_txn* txn = nullptr;
    must(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
    MDB_stat sum = {};
    for (MDB_dbi dbi = 0; dbi < 2 + kStreams + kTables; ++dbi) {
      MDB_stat one = {};
      must(mdb_stat(txn, dbi, &one));
      sum.ms_branch_pages += one.ms_branch_pages;
      sum.ms_leaf_pages += one.ms_leaf_pages;
      sum.ms_overflow_pages += one.ms_overflow_pages;
    }
    mdb_txn_abort(txn);
    return sum;
  }
  std::uint64_t pages() {
    MDB_envinfo info = {};
    must(mdb_env_info(env_, &info));
    return info.me_last_pgno + 1;
  }

 private:
  static const char* name(std::string_view text) { return text.data(); }  // Literals, so they end with a zero.

  void store(MDB_dbi dbi, MDB_val key, std::uint64_t header_key, std::size_t payload_bytes, unsigned flags) {
    RecordHeader header;
    header.key = header_key;
    header.size = static_cast<std::uint32_t>(payload_bytes);
    MDB_val value{sizeof header + payload_bytes, nullptr};
    must(mdb_put(txn_, dbi, &key, &value, flags | MDB_RESERVE));
    auto* out = static_cast<char*>(value.mv_data);
    std::memcpy(out, &header, sizeof header);
    for (std::size_t i = 0; i < payload_bytes; ++i)
      out[sizeof header + i] = static_cast<char>((header_key * 31 + i) >> (i & 7));
  }

  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi streams_[kStreams] = {};
  MDB_dbi tables_[kTables] = {};
};

}  // namespace kontor::persistence::testing
