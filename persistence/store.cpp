#include "persistence/store.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persistence/store_impl.hpp"
#include "persistence/structure_check.hpp"

namespace kontor::persistence {

static_assert(std::is_same_v<MDB_dbi, unsigned>);

namespace {

constexpr unsigned kReadersMax = 256;  // Slots for open Readers: one per worker and query, with room to spare.
constexpr std::size_t kNewFileMapBytes = 1u << 20;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

/// One sentence: what could not be done with which file, and why.
Error failure(std::string* explanation, const std::filesystem::path& path, std::string_view what, int error) {
  if (explanation != nullptr)
    *explanation = path.string() + ": cannot " + std::string(what) + ": " + store_error_text(error);
  const Errc code = store_errc(error);
  return {code, code == Errc::io_error ? "store" : "structure"};
}

/// A file's name is durable only when its directory is.
int sync_directory(const std::filesystem::path& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

int make_directory(const std::filesystem::path& dir) {
  std::error_code error;
  if (std::filesystem::is_directory(dir, error)) return 0;
  const std::filesystem::path parent = std::filesystem::absolute(dir).parent_path();
  std::filesystem::create_directories(parent, error);
  if (error) return error.value();
  if (::mkdir(dir.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return errno;
  return sync_directory(parent);
}

struct EnvCloser {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using EnvPtr = std::unique_ptr<MDB_env, EnvCloser>;

int configure(EnvPtr& env, std::uint64_t map_bytes) {
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != 0) return rc;
  env.reset(raw);
  if (const int rc = mdb_env_set_maxdbs(raw, kStreams + kTables); rc != 0) return rc;
  if (const int rc = mdb_env_set_maxreaders(raw, kReadersMax); rc != 0) return rc;
  return mdb_env_set_mapsize(raw, map_bytes);
}

/// Writes an environment with all databases, empty. The names of string literals end with a zero.
int write_empty(const std::filesystem::path& dir) {
  EnvPtr env;
  if (const int rc = configure(env, kNewFileMapBytes); rc != 0) return rc;
  if (const int rc = mdb_env_open(env.get(), dir.c_str(), MDB_NOLOCK, kFileMode); rc != 0) return rc;
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env.get(), nullptr, 0, &txn); rc != 0) return rc;
  int rc = 0;
  MDB_dbi ignored = 0;
  for (std::size_t i = 0; i < kStreams && rc == 0; ++i)
    rc = mdb_dbi_open(txn, to_string(static_cast<Stream>(i)).data(), MDB_CREATE | MDB_INTEGERKEY, &ignored);
  for (std::size_t i = 0; i < kTables && rc == 0; ++i)
    rc = mdb_dbi_open(txn, to_string(static_cast<Table>(i)).data(), MDB_CREATE, &ignored);
  if (rc == 0) return mdb_txn_commit(txn);
  mdb_txn_abort(txn);
  return rc;
}

/// Makes data.mdb appear whole or not at all: a crash while it is made must not look like a damaged journal.
int create_file(const std::filesystem::path& dir, const std::filesystem::path& file) {
  const std::filesystem::path unfinished = dir / "unfinished";
  std::error_code error;
  std::filesystem::remove_all(unfinished, error);
  if (error) return error.value();
  if (::mkdir(unfinished.c_str(), kDirectoryMode) != 0) return errno;
  if (const int rc = write_empty(unfinished); rc != 0) return rc;
  if (::rename((unfinished / "data.mdb").c_str(), file.c_str()) != 0) return errno;
  if (::rmdir(unfinished.c_str()) != 0) return errno;
  return sync_directory(dir);
}

int open_database(MDB_txn* txn, std::string_view name, unsigned flags, MDB_dbi* dbi) {
  if (const int rc = mdb_dbi_open(txn, name.data(), 0, dbi); rc != 0) return rc;
  unsigned found = 0;
  if (const int rc = mdb_dbi_flags(txn, *dbi, &found); rc != 0) return rc;
  return found == flags ? 0 : MDB_INCOMPATIBLE;
}

/// Of the readers that hold old pages, the smallest transaction number; mdb_reader_list is the only way to ask.
int oldest_reader(const char* line, void* oldest) {
  std::uint64_t process = 0, thread = 0, transaction = 0;
  if (std::sscanf(line, "%" SCNu64 " %" SCNx64 " %" SCNu64, &process, &thread, &transaction) == 3)
    *static_cast<std::uint64_t*>(oldest) = std::min(*static_cast<std::uint64_t*>(oldest), transaction);
  return 0;
}

/// Where this process has `file` mapped, first and last address: LMDB does not tell. {0, 0}: not found.
std::pair<std::uintptr_t, std::uintptr_t> find_map(const std::filesystem::path& file) {
  std::error_code failed;
  const std::string name = std::filesystem::canonical(file, failed).string();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; !failed && std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    if (!line.ends_with(" " + name) || std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2) continue;
    return {begin, end};
  }
  return {};
}

}  // namespace

Errc store_errc(int error) {
  switch (error) {
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_CURSOR_FULL:
    case MDB_BAD_TXN: return Errc::corrupt_journal;
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_NOTFOUND: return Errc::incompatible_format;  // Of a database that must be there.
    case MDB_MAP_FULL:
    case ENOSPC: return Errc::storage_full;
    default: return Errc::io_error;
  }
}

std::string store_error_text(int error) {
  if (error == 0) return "no error";
  if (error < 0) return mdb_strerror(error);
  return std::generic_category().message(error);  // mdb_strerror's own way is not safe among threads.
}

Store::Impl::~Impl() {
  if (env != nullptr) mdb_env_close(env);
}

Store::Store() : impl_(std::make_unique<Impl>()) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, std::string* explanation) {
  std::unique_ptr<Store> store(new Store);
  Impl& impl = *store->impl_;
  impl.dir = options.dir;
  impl.file = options.dir / "data.mdb";
  std::error_code missing;
  if (!std::filesystem::exists(impl.file, missing) && !options.read_only) {
    if (missing) return failure(explanation, impl.file, "look for the store", missing.value());  // It may be there.
    if (const int error = make_directory(impl.dir); error != 0)
      return failure(explanation, impl.dir, "make the directory", error);
    if (const int error = create_file(impl.dir, impl.file); error != 0)
      return failure(explanation, impl.file, "create the store", error);
  }
  if (::access(impl.file.c_str(), options.read_only ? R_OK : R_OK | W_OK) != 0)
    return failure(explanation, impl.file, "open the store", errno);

  const StructureReport report = check_structure(impl.file);
  if (!report.sound()) {
    const std::size_t more = report.faults.size() - 1;
    if (explanation != nullptr)
      *explanation = impl.file.string() + " is damaged: " + report.faults.front() +
                     (more == 0 ? "" : " (and " + std::to_string(more) + " more faults)");
    return Error{Errc::corrupt_journal, "structure"};
  }
  if (const int error = impl.open_environment(options); error != 0)
    return failure(explanation, impl.file, "open the store", error);
  if (const int error = impl.open_databases(); error != 0)
    return failure(explanation, impl.file, "find all journals and tables in the store", error);
  return store;
}

std::unique_ptr<Store> Store::in_memory() {
  std::unique_ptr<Store> store(new Store);
  store->impl_->memory = std::make_unique<MemoryStore>();
  store->impl_->dir = "memory";
  return store;
}

MemoryStore* Store::memory() { return impl_->memory.get(); }

int Store::Impl::open_environment(const StoreOptions& options) {
  EnvPtr opened;
  if (const int rc = configure(opened, options.map_bytes); rc != 0) return rc;
  // A reader of a closed directory must leave no trace: no lock file, no change.
  const unsigned flags = MDB_NOTLS | (options.read_only ? MDB_RDONLY | MDB_NOLOCK : 0u);
  if (const int rc = mdb_env_open(opened.get(), dir.c_str(), flags, kFileMode); rc != 0) return rc;
  if (!options.read_only) mdb_reader_check(opened.get(), nullptr);  // Slots of dead processes would pin old pages.
  if (const int rc = mdb_env_get_fd(opened.get(), &fd); rc != 0) return rc;
  MDB_envinfo info = {};
  if (const int rc = mdb_env_info(opened.get(), &info); rc != 0) return rc;
  MDB_stat stat = {};
  if (const int rc = mdb_env_stat(opened.get(), &stat); rc != 0) return rc;
  page_bytes = stat.ms_psize;
  map_bytes = info.me_mapsize - info.me_mapsize % page_bytes;
  env = opened.release();
  return 0;
}

int Store::Impl::open_databases() {
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn); rc != 0) return rc;
  int rc = 0;
  for (std::size_t i = 0; i < kStreams && rc == 0; ++i)
    rc = open_database(txn, to_string(static_cast<Stream>(i)), MDB_INTEGERKEY, &streams[i]);
  for (std::size_t i = 0; i < kTables && rc == 0; ++i)
    rc = open_database(txn, to_string(static_cast<Table>(i)), 0, &tables[i]);
  if (rc == 0) return mdb_txn_commit(txn);  // Only a commit keeps the handles.
  mdb_txn_abort(txn);
  return rc;
}

std::uint64_t Store::used_bytes() const {
  if (impl_->memory) return 0;
  MDB_envinfo info = {};
  mdb_env_info(impl_->env, &info);  // Fails only for a null pointer.
  return (info.me_last_pgno + 1) * impl_->page_bytes;
}

StoreSpace Store::space() const {
  if (impl_->memory) return {kMapBytesDefault, 0, 0, 0};
  StoreSpace space{impl_->map_bytes, used_bytes(), 0, 0};
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(impl_->env, nullptr, MDB_RDONLY, &txn) != 0) return space;  // Nothing free is the safe answer.
  const std::uint64_t snapshot = mdb_txn_id(txn);
  std::uint64_t oldest = snapshot;
  mdb_reader_list(impl_->env, oldest_reader, &oldest);
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn, 0, &cursor) == 0) {  // Database 0 is the list of free pages, by the commit that freed them.
    MDB_val key = {}, value = {};
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
      std::uint64_t commit = 0, pages = 0;
      std::memcpy(&commit, key.mv_data, sizeof commit);
      std::memcpy(&pages, value.mv_data, sizeof pages);
      // The next commit is snapshot + 1; LMDB gives it pages freed before the snapshot that precedes it.
      if (commit < oldest)
        space.free_bytes += pages * impl_->page_bytes;
      else if (oldest == snapshot)
        space.settling_bytes += pages * impl_->page_bytes;
    }
    mdb_cursor_close(cursor);
  }
  mdb_txn_abort(txn);
  return space;
}

const std::filesystem::path& Store::dir() const { return impl_->dir; }

void Store::trim_resident() const {
  if (impl_->memory) return;
  // Reads map the file page by page, and the kernel maps what lies around; without this a long run that only touches
  // recent pages would count the whole file as its own. The map is shared and read-only: dropping it loses nothing.
  std::call_once(impl_->map_found, [this] { impl_->map = find_map(impl_->file); });
  const auto [begin, end] = impl_->map;
  if (begin != 0) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT: an address, read
}

bool Store::reserve(std::uint64_t bytes) {
  if (impl_->memory) return true;
  const std::uint64_t target = std::min(bytes, impl_->map_bytes);
  if (target <= impl_->reserved_bytes) return true;
  struct stat before = {};
  if (::fstat(impl_->fd, &before) != 0) return false;
  const auto from = static_cast<off_t>(impl_->reserved_bytes);
  int error = 0;
  do {
    error = ::posix_fallocate(impl_->fd, from, static_cast<off_t>(target) - from);
  } while (error == EINTR);
  if (error == 0) {
    impl_->reserved_bytes = target;
    return true;
  }
  // What was taken before the disk was full goes back: others may need it. The file never gets shorter than it was.
  struct stat after = {};
  if (::fstat(impl_->fd, &after) == 0 && after.st_size > before.st_size)
    std::ignore = ::ftruncate(impl_->fd, before.st_size) == 0;
  return false;
}

}  // namespace kontor::persistence
