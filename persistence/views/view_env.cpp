#include "persistence/views/view_env.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persistence/store.hpp"
#include "persistence/views/view_codec.hpp"

#define XXH_INLINE_ALL  // Compiled in: nothing to link, nothing to mix up.
#include <xxhash.h>

namespace kontor::persistence::views {

static_assert(std::is_same_v<MDB_dbi, unsigned>);

namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600, kDirectoryMode = 0700;
constexpr unsigned kReadersMax = 16;  // The views' own thread, and an audit.
constexpr std::array<const char*, kViewTables> kNames{"meta", "accounts", "products", "places", "rows"};

Errc errc_of(int error) {
  switch (error) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT: return Errc::storage_full;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID: return Errc::corrupt_journal;
    default: return Errc::io_error;
  }
}

MDB_val val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view text_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

using Checksum = std::uint32_t;

Checksum checksum_of(std::string_view key, std::string_view value) {
  const std::uint64_t seed = XXH3_64bits(key.data(), key.size());
  return static_cast<Checksum>(XXH3_64bits_withSeed(value.data(), value.size(), seed));
}

/// The value without its checksum. Errors: corrupt_journal.
Result<std::string_view> unsealed(std::string_view key, std::string_view stored) {
  Checksum sum = 0;
  if (stored.size() < sizeof sum) return Error{Errc::corrupt_journal, "views"};
  const std::string_view value = stored.substr(0, stored.size() - sizeof sum);
  std::memcpy(&sum, value.data() + value.size(), sizeof sum);
  if (sum != checksum_of(key, value)) return Error{Errc::corrupt_journal, "views"};
  return value;
}

/// Names this run of the machine: what it wrote and did not force survives it, but no other one.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

/// One line beside the environment that says whether its bytes can be trusted: written by this version, and either
/// closed in good order or not since the machine started.
class Stamp {
 public:
  explicit Stamp(const fs::path& dir) : path_(dir / "stamp") {}

  bool trusted() const {
    std::ifstream file(path_);
    std::string line;
    std::getline(file, line);
    return line == text("closed") || (!boot_id().empty() && line == text(boot_id()));
  }
  int open() const { return write(text(boot_id())); }
  int close() const { return write(text("closed")); }

 private:
  static std::string text(const std::string& state) { return "views " + std::to_string(kViewsVersion) + " " + state; }
  /// Durable when it returns 0: what comes after must not reach the disk before it.
  int write(const std::string& line) const {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kFileMode);
    if (fd < 0) return errno;
    const std::string padded = line + '\n';
    int error = ::ftruncate(fd, 0) == 0 ? 0 : errno;
    if (error == 0 && ::write(fd, padded.data(), padded.size()) != static_cast<ssize_t>(padded.size())) error = EIO;
    if (error == 0 && ::fsync(fd) != 0) error = errno;
    ::close(fd);
    return error;
  }

  fs::path path_;
};

}  // namespace

Result<std::unique_ptr<ViewEnv>> ViewEnv::open(const fs::path& dir, std::uint64_t map_bytes, std::string* explanation) {
  std::unique_ptr<ViewEnv> env(new ViewEnv);
  env->dir_ = dir;
  std::error_code failed;
  if (!Stamp(dir).trusted()) fs::remove_all(dir, failed);
  int error = failed ? failed.value() : 0;
  if (error == 0 && ::mkdir(dir.c_str(), kDirectoryMode) != 0 && errno != EEXIST) error = errno;
  if (error == 0) error = Stamp(dir).open();
  if (error == 0) error = env->start(map_bytes);
  if (error == 0) return env;
  if (explanation) *explanation = dir.string() + ": cannot open the views: " + store_error_text(error);
  return Error{errc_of(error), "views"};
}

int ViewEnv::start(std::uint64_t map_bytes) {
  if (const int rc = mdb_env_create(&env_); rc != 0) return rc;
  if (const int rc = mdb_env_set_maxdbs(env_, kViewTables); rc != 0) return rc;
  if (const int rc = mdb_env_set_maxreaders(env_, kReadersMax); rc != 0) return rc;
  if (const int rc = mdb_env_set_mapsize(env_, map_bytes); rc != 0) return rc;
  if (const int rc = mdb_env_open(env_, dir_.c_str(), MDB_NOTLS | MDB_NOSYNC, kFileMode); rc != 0) return rc;
  mdb_reader_check(env_, nullptr);  // Slots of dead processes would pin old pages.
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env_, nullptr, 0, &txn); rc != 0) return rc;
  for (std::size_t i = 0; i < kViewTables; ++i) {
    if (const int rc = mdb_dbi_open(txn, kNames[i], MDB_CREATE, &tables_[i]); rc != 0) {
      mdb_txn_abort(txn);
      return rc;
    }
  }
  return mdb_txn_commit(txn);
}

ViewEnv::~ViewEnv() {
  if (env_ == nullptr) return;
  const bool synced = mdb_env_sync(env_, 1) == 0;
  mdb_env_close(env_);
  if (synced) Stamp(dir_).close();  // A failure costs making them anew.
}

std::uint64_t ViewEnv::used_bytes() const {
  MDB_envinfo info = {};
  MDB_stat stat = {};
  mdb_env_info(env_, &info), mdb_env_stat(env_, &stat);  // Fail only for a null pointer.
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

ViewTransaction::ViewTransaction(const ViewEnv& env, Kind kind) : env_(env) {
  error_ = mdb_txn_begin(env_.env_, nullptr, kind == Kind::reads ? MDB_RDONLY : 0, &txn_);
}

ViewTransaction::~ViewTransaction() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

Result<std::optional<std::string_view>> ViewTransaction::get(ViewTable table, std::string_view key) const {
  if (error_ != 0) return Error{errc_of(error_), "views"};
  MDB_val k = val(key), value{};
  const int rc = mdb_get(txn_, env_.tables_[static_cast<std::size_t>(table)], &k, &value);
  if (rc == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (rc != 0) return Error{errc_of(rc), "views"};
  const auto found = unsealed(key, text_of(value));
  if (!found) return found.error();
  return std::optional(*found);
}

Result<void> ViewTransaction::walk(ViewTable table, std::string_view from, Way way, const Visit& visit) const {
  if (error_ != 0) return Error{errc_of(error_), "views"};
  MDB_cursor* opened = nullptr;
  if (const int rc = mdb_cursor_open(txn_, env_.tables_[static_cast<std::size_t>(table)], &opened); rc != 0)
    return Error{errc_of(rc), "views"};
  const std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)> cursor(opened, &mdb_cursor_close);
  MDB_val k = val(from), value{};
  const bool back = way == Way::back;
  int rc = mdb_cursor_get(cursor.get(), &k, &value, from.empty() ? (back ? MDB_LAST : MDB_FIRST) : MDB_SET_RANGE);
  if (back && !from.empty()) rc = mdb_cursor_get(cursor.get(), &k, &value, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
  for (; rc == 0; rc = mdb_cursor_get(cursor.get(), &k, &value, back ? MDB_PREV : MDB_NEXT)) {
    const auto found = unsealed(text_of(k), text_of(value));
    if (!found) return found.error();
    if (!visit(text_of(k), *found)) return {};
  }
  if (rc != MDB_NOTFOUND) return Error{errc_of(rc), "views"};
  return {};
}

void ViewTransaction::put(ViewTable table, std::string_view key, std::string_view value) {
  if (error_ != 0) return;
  const Checksum sum = checksum_of(key, value);
  MDB_val k = val(key), room{value.size() + sizeof sum, nullptr};
  error_ = mdb_put(txn_, env_.tables_[static_cast<std::size_t>(table)], &k, &room, MDB_RESERVE);
  if (error_ != 0) return;
  std::memcpy(room.mv_data, value.data(), value.size());
  std::memcpy(static_cast<char*>(room.mv_data) + value.size(), &sum, sizeof sum);
}

void ViewTransaction::clear(ViewTable table) {
  if (error_ == 0) error_ = mdb_drop(txn_, env_.tables_[static_cast<std::size_t>(table)], 0);
}

Result<void> ViewTransaction::commit() {
  if (error_ == 0) error_ = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (error_ != 0) return Error{errc_of(error_), "views"};
  return {};
}

}  // namespace kontor::persistence::views
